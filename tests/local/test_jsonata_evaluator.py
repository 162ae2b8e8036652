import json
import math
import re
import sys
import threading
from typing import Any

import pytest

from labelloop.local.jsonata_evaluator import JSONataError, evaluate_jsonata

HOSTILE = 'he said "x"\n\\ ${a} {% b %} \u2028 😀 \x07'


@pytest.mark.parametrize(
    "value", [HOSTILE, "", "null", "$states", None, True, 0, -1.5, [], {}, [None], {"a": None}]
)
def test_a_variable_comes_out_as_it_went_in(value: Any) -> None:
    assert evaluate_jsonata("$v", {"v": value}) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$v.items[n > 1].n", [2, 3]),
        ("$v.items[n = 2]", {"n": 2}),
        ("[$v.items[n = 9]]", []),
        ("$count($v.items)", 3),
        ("$merge([$v, {'a': 1}]).a", 1),
        ("$exists($v.nothing) ? 'yes' : 'no'", "no"),
        ("$v.none = null", True),
        ("[1..4]", [1, 2, 3, 4]),
        ("$map($v.items, function($i) { $i.n * 2 })", [2, 4, 6]),
        ("$string($v.items[0])", '{"n":1}'),
        ("'round-' & $pad($string(7), -3, '0')", "round-007"),
        ("($a := 1; $a + 1)", 2),
        ("$contains('s3://b/k', /^s3:/)", True),
    ],
)
def test_expressions_give_what_step_functions_gives(expression: str, value: Any) -> None:
    v = {"items": [{"n": 1}, {"n": 2}, {"n": 3}], "none": None}
    assert evaluate_jsonata(expression, {"v": v}) == value


@pytest.mark.parametrize(
    ("expression", "text"), [("4/2", "2"), ("$v", "2"), ("5/2", "2.5"), ("[1..2]", "[1, 2]")]
)
def test_results_are_plain_json_with_one_kind_of_number(expression: str, text: str) -> None:
    assert json.dumps(evaluate_jsonata(expression, {"v": 2.0})) == text


def test_results_share_nothing_with_the_variables() -> None:
    v = {"a": [1]}
    evaluate_jsonata("$v", {"v": v})["a"].append(2)
    assert v == {"a": [1]}


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("$v.nothing", "returned nothing"),
        ("$unknown", "returned nothing"),
        ("1 +", "failed"),
        ("1/0", "failed"),
        ("$number('x')", "failed"),
        ("$v.a + 1", "failed"),
        ("$error('no paper')", "no paper"),
        ("function($x) { $x }", "unsupported result type"),
        ("{'f': $sum}", "unsupported result type"),
        ("$eval('1+1')", "does not allow"),
        ("$hash('x', 'CRC')", "knows MD5"),
        ("$range(1, 2, 0)", "other than 0"),
        ("$parse('{')", "failed"),
    ],
)
def test_what_has_no_json_value_is_an_error_that_quotes_the_expression(expression: str, why: str) -> None:
    with pytest.raises(JSONataError, match=why) as caught:
        evaluate_jsonata(expression, {"v": {"a": "text"}})
    assert expression in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("$hash('', 'MD5')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('null')", None),
        ("$random(7) = $random(7)", True),
    ],
)
def test_step_functions_own_functions_work(expression: str, value: Any) -> None:
    assert evaluate_jsonata(expression, {}) == value


def test_uuid_and_random_differ_from_call_to_call() -> None:
    first, second = evaluate_jsonata("[$uuid(), $uuid()]", {})
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
    numbers = evaluate_jsonata("[$random(), $random()]", {})
    assert numbers[0] != numbers[1]
    assert all(0 <= number < 1 for number in numbers)


def test_work_grows_with_a_variables_size_and_no_faster() -> None:
    few, many = calls_for(500), calls_for(3500)
    assert many < 1.1 * 7 * few


def calls_for(items: int) -> int:
    """How many functions are called to go through a variable; 3,500 items are 200 KiB."""
    v = {"items": [{"id": i, "text": "x" * 40} for i in range(items)]}
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        evaluated = evaluate_jsonata("$v.items.{'id': id, 'text': text}", {"v": v})
    finally:
        sys.setprofile(None)
    assert len(evaluated) == items
    return calls


def test_many_threads_evaluate_at_once_without_mixing_up() -> None:
    wrong: list[Any] = []

    def evaluate(number: int) -> None:
        for _ in range(40):
            value = evaluate_jsonata("$map([1..5], function($i) { $i * $n })", {"n": number})
            if value != [number * i for i in range(1, 6)]:
                wrong.append(value)

    threads = [threading.Thread(target=evaluate, args=(n,)) for n in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_number_out_of_range_is_an_error() -> None:
    with pytest.raises(JSONataError):
        evaluate_jsonata("$v", {"v": math.inf})

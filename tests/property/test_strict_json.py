"""The fast way to parse a line gives what the strict one gives, or leaves the line to it."""

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.manifest.strict_json import StrictJsonError, parse_object, parse_plain, parse_strictly

PIECES = [
    "a", "b", " ", ":", ",", "{", "}", "[", "é", "🎈", "\u2028", "\x7f", "\x01", "\x00", "'", '\\"', "\\\\",
    "\\/", "\\n", "\\u0022", "\\u005c", "\\u0061", "\\uD83D\\uDE00", "\\ud800", "\\uDC00", "\\x",
]  # fmt: skip
NUMBERS = [
    "0", "-0", "7", "1.5", "0.95", "-0.0", "-0e1", "1E5", "1e-400", "2.2250738585072011e-308", "1e17", "1e18",
    "-1e18", "999999999999999999.5", "9007199254740993.0", "9223372036854775808", "18446744073709551615",
    "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "9" * 30, "9" * 400, "9" * 5_000,
    "1e999", "-1e999", "1.7976931348623159e308", "01", "1.", ".5", "+1", "-", "NaN", "Infinity", "-Infinity",
    "true", "false", "null", "True", "",
]  # fmt: skip
KEYS = ["a", "b", "c", "source", "", "\\u0061", "é", "\\u00e9", '\\"', "\\u0022", "\\\\"]
SPACES = ["", " ", "\t", "\r", "\n", "\x0c", "\u00a0"]

plain_spaces = st.sampled_from(SPACES[:3])
texts = st.lists(st.sampled_from(PIECES), max_size=5).map(lambda pieces: f'"{"".join(pieces)}"')
scalars = texts | st.sampled_from(NUMBERS[:20]) | st.sampled_from(NUMBERS)


def listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=4).map(lambda values: f"[{','.join(values)}]")


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.sampled_from(KEYS)
    members = st.builds(
        lambda key, space, value: f'"{key}"{space}:{space}{value}', keys, plain_spaces, values
    )
    return st.lists(members, max_size=4).map(lambda members: f"{{{','.join(members)}}}")


values = st.recursive(scalars, lambda children: listed(children) | objects(children), max_leaves=12)


def encoded(before: str, value: str, after: str) -> bytes:
    return (before + value + after).encode()


lines = st.builds(
    encoded,
    st.sampled_from(["", "", "", *SPACES, "\ufeff"]),
    objects(values) | values,
    st.sampled_from(["", "", "", *SPACES, "\x00", "{}", ","]),
)


@st.composite
def spoiled_lines(draw: st.DrawFn) -> bytes:
    """With a few bytes taken out of it, or others put in."""
    line = draw(lines)
    position = draw(st.integers(0, len(line)))
    inserted = draw(
        st.sampled_from([b"", b'"', b"\\", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b",", b"}", b"\x00"])
    )
    return line[:position] + inserted + line[position + draw(st.integers(0, 3)) :]


def outcome(parse: Callable[[bytes], dict[str, Any]], line: bytes) -> tuple[str, str]:
    try:
        # Tells 1 from 1.0 and true, 0.0 from -0.0, and one order of keys from another.
        return "parsed", repr(parse(line))
    except StrictJsonError as error:
        return "refused", str(error)


@given(lines | spoiled_lines())
def test_the_fast_way_gives_what_the_strict_one_gives(line: bytes) -> None:
    assert outcome(parse_object, line) == outcome(parse_strictly, line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e17, 1e17) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=10,
    ),
    st.booleans(),
)
def test_what_is_right_and_usual_is_parsed_fast(value: Any, ascii_only: bool) -> None:
    record = {"source": value}
    line = json.dumps(record, ensure_ascii=ascii_only).encode()
    assert repr(parse_plain(line)) == repr(record)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("around", ['{"a":%s}', '{"a":[{"b":1,"c":%s}]}', "%s", '{"b":1,"b":2,"a":%s}'])
def test_each_number_is_read_as_the_strict_way_reads_it(number: str, around: str) -> None:
    line = (around % number).encode()
    assert outcome(parse_object, line) == outcome(parse_strictly, line)


@pytest.mark.parametrize("around", ['{"a":"%s"}', '{"%s":1}', '{"a":1,"a":"%s"}', '{"%s":1,"b":1,"b":2}'])
def test_each_text_is_read_as_the_strict_way_reads_it(around: str) -> None:
    for pieces in product(["", *PIECES], repeat=2):
        line = (around % "".join(pieces)).encode()
        assert outcome(parse_object, line) == outcome(parse_strictly, line)


@pytest.mark.parametrize(
    "text",
    ["plain", "", 'a "quote"', '"', "\\", '\\"', '"\\', "\\\\", '\\\\"', "a: b", "\n", "é", "🎈", "\u2028"],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_usual_texts_are_parsed_fast(text: str, ascii_only: bool) -> None:
    record = {text: text, "source": [text, {"confidence": 0.95, text: text}]}
    assert parse_plain(json.dumps(record, ensure_ascii=ascii_only).encode()) == record


@pytest.mark.parametrize("depth", [1, 150, 199, 200, 201, 300])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_taken_as_the_strict_way_takes_it(depth: int, opening: bytes, closing: bytes) -> None:
    line = b'{"source":' + opening * depth + b"1" + closing * depth + b"}"
    assert outcome(parse_object, line) == outcome(parse_strictly, line)
    assert (parse_plain(line) is None) == (depth >= 200)

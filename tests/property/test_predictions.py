"""Predictions read many at once are those read one after the other, whatever the model answers."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.errors import PredictionsError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.model import predictions
from labelloop.core.model.predictions import Predictions, read_out_of_fold, read_predictions
from tests.property import one_by_one_predictions

ABSENT = object()
LABELS: list[Any] = [
    ["__label__0"], ["__label__1", "__label__0"], ["0", "1"], ["__label__01"], ["__label__99"], ["sports"],
    ["__label__0", "__label__0"], ["__label__0", "0"], ["__label____label__1"], ["__label__-1"], [0, 1],
    [True], [1.0], [None], [["__label__0"]], [{"a": 1}], "01", "__label__0", {"__label__1": 1}, [], None, 3,
    ABSENT,
]  # fmt: skip
PROBABILITIES: list[Any] = [
    [0.5], [0.6, 0.4], [0.4, 0.6], [0.5, 0.5], [1], [0], [0, 0], [-0.0, 0.0], [0.0, -0.0], [1.01],
    [0.5, 0.51], [1.0100001], [1.0099999], [1.01, 1e-17], [-1e-9, 0.5], [1.7], [1e300, 1e300], [None], [True],
    ["0.5"], ["half"], [[0.5]], [{}], [2**64], [2**70], 0.5, {"a": 1}, "5", [], None, ABSENT,
]  # fmt: skip
EMBEDDINGS: list[Any] = [
    [1.5, -2], [0.1, 1e-30], [65504, -65504], [65504.1, 0], [1e300, 0], [None, 1], [True, 1], ["1.5", "2"],
    ["a", "b"], [[1, 2]], [[1], [2]], [1], [1.0, 2.0, 3.0], [], {}, {"0": 1}, "12", 2, None, ABSENT, ABSENT,
]  # fmt: skip
DISAGREEMENTS: list[Any] = [
    0.25, 0, 1, -3.5, 1e30, 2e30, 1e39, 1e300, True, "0.5", "high", [0.5], [[0.5]], [1, 2], [], {}, None,
    ABSENT, ABSENT,
]  # fmt: skip
ANSWERS: list[Any] = [None, 3, "text", [], {}, {"error": None}, {"error": ""}, {"error": "x" * 300}]
BROKEN_LINES = [
    b"", b"{", b"[]", b"3", b'{"labelloop-id":0}', b'{"labelloop-id":true,"SageMakerOutput":{}}', b"\xff",
    b'{"labelloop-id":1.0,"SageMakerOutput":{}}', b'{"labelloop-id":-1,"SageMakerOutput":{}}',
    b'{"labelloop-id":18446744073709551615,"SageMakerOutput":{}}',
    b'{"labelloop-id":0,"SageMakerOutput":NaN}',
]  # fmt: skip


REPLACEMENTS = {
    "label": LABELS,
    "prob": PROBABILITIES,
    "embedding": EMBEDDINGS,
    "disagreement": DISAGREEMENTS,
    "error": [ABSENT, "cannot read this"],
}


def replaced(answer: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {key: value for key, value in {**answer, **others}.items() if value is not ABSENT}


def hostile_answers(numbers: int, *, ensemble: bool) -> st.SearchStrategy[Any]:
    """Fine but for one key, so that the key is looked at; or odd in every way."""
    fine = usual_answers(0, 1, 2, numbers, ensemble=ensemble)[0]
    values = {key: st.sampled_from(values) for key, values in REPLACEMENTS.items()}
    one_key = [st.builds(replaced, st.just(fine), **{key: value}) for key, value in values.items()]
    one_label = st.builds(replaced, st.just({**fine, "label": ["1"]}), prob=values["prob"])
    return st.one_of(
        *one_key, one_label, st.builds(replaced, st.just({}), **values), st.sampled_from(ANSWERS)
    )


def usual_answers(
    seed: int, count: int, classes: int, numbers: int, *, ensemble: bool
) -> list[dict[str, Any]]:
    """As a container gives them: all classes or the best few, now and then in another order, or too large."""
    rng = np.random.default_rng(seed)
    probabilities = (
        rng.dirichlet(np.full(classes, 0.3), count) * rng.choice([1, 1, 1, 1.00999, 1.0101], count)[:, None]
    )
    answers = []
    for row in probabilities.round(int(rng.integers(2, 17))):
        order = rng.permutation(classes) if rng.random() < 0.2 else np.argsort(-row)
        order = order[: rng.integers(1, classes + 1)] if rng.random() < 0.2 else order
        answer: dict[str, Any] = {"label": [f"__label__{i}" for i in order], "prob": row[order].tolist()}
        if numbers:
            answer["embedding"] = rng.normal(0, 10, numbers).tolist()
        if ensemble:
            answer["disagreement"] = float(rng.exponential())
        answers.append(answer)
    return answers


@st.composite
def answers_with_hostile_ones(draw: st.DrawFn) -> tuple[int, list[Any]]:
    """The number of classes, and answers."""
    classes, numbers = draw(st.sampled_from([2, 3, 12])), draw(st.sampled_from([0, 1, 2]))
    seed, ensemble = draw(st.integers(0, 999)), draw(st.booleans())
    answers: list[Any] = list(
        usual_answers(seed, draw(st.integers(0, 60)), classes, numbers, ensemble=ensemble)
    )
    hostile = st.tuples(st.integers(0, 60), hostile_answers(numbers, ensemble=ensemble))
    for position, answer in draw(st.lists(hostile, max_size=20)):
        answers.insert(position, answer)
    return classes, answers


# Few, so that the first to be read are not all.
at_once = st.sampled_from([1, 3, 8, 128])


def outcome(read: Callable[[], Predictions]) -> dict[str, Any] | str:
    """Everything that is read, to the bit."""
    try:
        with np.errstate(over="ignore"):
            result = read()
    except PredictionsError as error:
        return str(error)
    return {
        name: (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
        for name, value in vars(result).items()
    }


def classes_of(number: int) -> LabelCategories:
    return LabelCategories(tuple(f"class {index}" for index in range(number)))


def read_at_once(count: int, read: Callable[[], Predictions]) -> dict[str, Any] | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictions, "OUTPUTS_AT_ONCE", count)
        return outcome(read)


def outcomes(
    lines: Sequence[bytes], expected: set[int], size: int, classes: int, count: int
) -> tuple[dict[str, Any] | str, dict[str, Any] | str]:
    """Of reading so many at once, and one by one."""
    ids, categories = np.array(sorted(expected), np.int64), classes_of(classes)
    reader = one_by_one_predictions.OneByOne(size, categories)
    return (
        read_at_once(count, lambda: read_predictions(lines, ids, size, categories)),
        outcome(lambda: one_by_one_predictions.read_predictions(lines, expected, reader)),
    )


def line_of(object_id: int, answer: Any) -> bytes:
    return json.dumps({"labelloop-id": object_id, "SageMakerOutput": answer}).encode()


@pytest.mark.slow
@given(answers_with_hostile_ones(), st.integers(0, 5), at_once, st.randoms(use_true_random=False))
def test_answers_read_many_at_once_are_those_read_one_by_one(
    given_answers: tuple[int, list[Any]], unanswered: int, count: int, random: Any
) -> None:
    classes, answers = given_answers
    ids = list(range(len(answers) + unanswered))
    random.shuffle(ids)
    lines = [line_of(object_id, answer) for object_id, answer in zip(ids, answers, strict=False)]
    many, one_by_one = outcomes(lines, set(ids), len(ids) + 2, classes, count)
    assert many == one_by_one


@given(
    answers_with_hostile_ones(),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(BROKEN_LINES)), min_size=1, max_size=3),
    st.lists(st.integers(0, 90), max_size=2),
    at_once,
)
def test_the_first_broken_line_is_the_one_that_is_told(
    given_answers: tuple[int, list[Any]], broken: list[tuple[int, bytes]], not_sent: list[int], count: int
) -> None:
    classes, answers = given_answers
    lines = [line_of(object_id, answer) for object_id, answer in enumerate(answers)]
    for position, line in broken:
        lines.insert(position, line)
    many, one_by_one = outcomes(lines, set(range(90)) - set(not_sent), 91, classes, count)
    assert isinstance(many, str)
    assert many == one_by_one


@pytest.mark.slow
@given(
    answers_with_hostile_ones(),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(BROKEN_LINES)), max_size=5),
    at_once,
)
def test_out_of_fold_predictions_are_those_read_one_by_one(
    given_answers: tuple[int, list[Any]], broken: list[tuple[int, bytes]], count: int
) -> None:
    classes, answers = given_answers
    # Some for no object, some a second time for the same.
    records = [
        {"labelloop-id": position % 35 - 3, **answer} if isinstance(answer, dict) else answer
        for position, answer in enumerate(answers)
    ]
    lines = [json.dumps(record).encode() for record in records]
    for position, line in broken:
        lines.insert(position, line)
    reader = one_by_one_predictions.OneByOne(30, classes_of(classes))
    many = read_at_once(count, lambda: read_out_of_fold(lines, 30, classes_of(classes)))
    assert many == outcome(lambda: one_by_one_predictions.read_out_of_fold(lines, reader))


@given(answers_with_hostile_ones())
def test_predictions_come_back_from_their_bytes(given_answers: tuple[int, list[Any]]) -> None:
    classes, answers = given_answers
    lines = [line_of(object_id, answer) for object_id, answer in enumerate(answers)]
    with np.errstate(over="ignore"):
        read = read_predictions(lines, np.arange(len(lines)), len(lines), classes_of(classes))
    kept = read.to_bytes()
    again = Predictions.from_bytes(kept)
    assert outcome(lambda: again) == outcome(lambda: read)
    assert again.to_bytes() == kept


@pytest.mark.parametrize("count", [1, 2, 128])
@pytest.mark.parametrize(("numbers", "ensemble"), [(0, False), (1, False), (2, True)])
def test_each_oddity_is_read_as_if_alone(numbers: int, ensemble: bool, count: int) -> None:
    fine = usual_answers(0, 1, 3, numbers, ensemble=ensemble)[0]
    fewer = [replaced(fine, label=["2", "0"][:k], prob=[0.7, 0.2][:k]) for k in range(3)]
    zeros = [replaced(fine, label=["0", "1", "2"], prob=prob) for prob in product([0.0, -0.0], repeat=3)]
    odd = [
        replaced(answer, **{key: value})
        for answer in (fine, *fewer)
        for key, values in REPLACEMENTS.items()
        for value in values
    ]
    answers = [fine, *fewer, *zeros, *odd, *ANSWERS]
    lines = [line_of(object_id, answer) for object_id, answer in enumerate(answers)]
    many, one_by_one = outcomes(lines, set(range(len(lines))), len(lines), 3, count)
    assert many == one_by_one


@pytest.mark.parametrize("classes", [2, 4, 7, 8, 9, 100, 129, 1_000])
def test_entropy_does_not_depend_on_how_many_are_read_at_once(classes: int) -> None:
    answers = usual_answers(classes, 200, classes, 0, ensemble=False)
    lines = [line_of(object_id, answer) for object_id, answer in enumerate(answers)]
    many, one_by_one = outcomes(lines, set(range(200)), 200, classes, 50)
    assert many == one_by_one

import json
from typing import Any

import numpy as np
import pytest

from labelloop.core.errors import PredictionsError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.model.predictions import Predictions, read_predictions

CLASSES = LabelCategories(("a", "b", "c"))


def read(*answers: tuple[int, Any], expected: int = 2) -> Predictions:
    lines = [json.dumps({"labelloop-id": i, "SageMakerOutput": answer}).encode() for i, answer in answers]
    return read_predictions(lines, np.arange(expected), 5, CLASSES)


def test_an_answer_gives_label_confidence_margin_and_entropy() -> None:
    predictions = read(
        (0, {"label": ["__label__2", "__label__0", "__label__1"], "prob": [0.7, 0.2, 0.1]}),
        (1, {"label": ["__label__1"], "prob": [0.6]}),
    )
    assert predictions.label[:2].tolist() == [2, 1]
    np.testing.assert_allclose(predictions.confidence[:2], [0.7, 0.6], rtol=1e-6)
    np.testing.assert_allclose(predictions.margin[:2], [0.5, 0.6], rtol=1e-6)
    assert predictions.entropy[0] == pytest.approx(0.8018, abs=1e-4)
    assert predictions.errors == 0


def test_answers_in_another_order_are_read_by_their_probabilities() -> None:
    predictions = read((0, {"label": ["__label__0", "__label__1"], "prob": [0.2, 0.8]}), expected=1)
    assert predictions.label[0] == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "cannot read this"},
        {"label": [], "prob": []},
        {"label": ["__label__0"], "prob": [0.5, 0.5]},
        {"label": ["__label__0", "__label__0"], "prob": [0.5, 0.5]},
        {"label": ["__label__9"], "prob": [0.9]},
        {"label": ["sports"], "prob": [0.9]},
        {"label": ["__label__0"], "prob": [float("nan")]},
        {"label": ["__label__0"], "prob": [1.7]},
        {"label": ["__label__0"], "prob": [-0.1]},
        {"prob": [0.9]},
        "text",
        None,
        3,
    ],
)
def test_an_answer_that_makes_no_sense_leaves_its_object_without_a_prediction(answer: Any) -> None:
    good = {"label": ["__label__0"], "prob": [0.9]}
    line = json.dumps({"labelloop-id": 0, "SageMakerOutput": answer}).replace("NaN", "null").encode()
    fine = json.dumps({"labelloop-id": 1, "SageMakerOutput": good}).encode()
    predictions = read_predictions([line, fine], np.arange(2), 5, CLASSES)
    assert predictions.present.tolist() == [False, True, False, False, False]
    assert predictions.errors == 1
    assert predictions.first_error


def test_objects_without_an_answer_are_counted_as_errors() -> None:
    predictions = read((1, {"label": ["__label__0"], "prob": [0.9]}), expected=4)
    assert predictions.errors == 3
    assert predictions.first_error == "no prediction came back for 3 objects"
    assert predictions.margin[0] < predictions.margin[1], "unread objects come first in every ranking"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "line 1 of the predictions"),
        (b'{"labelloop-id": 0}', "SageMakerOutput"),
        (b'{"labelloop-id": 4, "SageMakerOutput": {}}', "object 4, which was not sent"),
        (b'{"labelloop-id": "x", "SageMakerOutput": {}}', "object x, which was not sent"),
    ],
)
def test_predictions_for_something_else_are_refused(line: bytes, message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        read_predictions([line], np.arange(2), 5, CLASSES)


def test_a_second_answer_for_one_object_is_refused() -> None:
    answer = {"label": ["__label__0"], "prob": [0.9]}
    with pytest.raises(PredictionsError, match="object 0, which was not sent"):
        read((0, answer), (0, answer))


def good(**optional: Any) -> dict[str, Any]:
    return {"label": ["__label__0", "__label__1"], "prob": [0.9, 0.1], **optional}


def test_what_the_container_does_not_give_takes_no_room() -> None:
    predictions = read((0, good()), (1, good(embedding=None, disagreement=None)))
    assert predictions.errors == 0
    assert predictions.embedding is None
    assert predictions.disagreement is None


def test_embedding_and_disagreement_are_read_in_a_few_bytes_a_number() -> None:
    predictions = read(
        (0, good(embedding=[0.125, -2, 300], disagreement=0.25)),
        (1, good(embedding=[1, 0, 0], disagreement=0)),
    )
    assert predictions.errors == 0
    assert predictions.embedding is not None
    assert predictions.disagreement is not None
    assert predictions.embedding.tolist() == [[0.125, -2, 300], [1, 0, 0], [0] * 3, [0] * 3, [0] * 3]
    assert predictions.disagreement.tolist() == [0.25, 0, 0, 0, 0]
    assert (predictions.embedding.itemsize, predictions.disagreement.itemsize) == (2, 4)


def test_an_answer_in_error_does_not_decide_what_the_others_must_give() -> None:
    predictions = read((0, {"error": "cannot read this"}), (1, good(embedding=[1, 2])))
    assert predictions.embedding is not None
    assert predictions.present[:2].tolist() == [False, True]


@pytest.mark.parametrize(
    ("optional", "message"),
    [
        ({"embedding": [1.0]}, "embedding has 1 numbers, but 2 in the first answer"),
        ({"embedding": [1.0, 2.0, 3.0]}, "embedding has 3 numbers, but 2 in the first answer"),
        ({"embedding": None}, "embedding has 0 numbers, but 2 in the first answer"),
        ({"embedding": [1.0, None]}, "embedding is not a list of numbers"),
        ({"embedding": [1.0, 1e300]}, "not a list of numbers between -65,504 and 65,504"),
        ({"embedding": [[1.0, 2.0]]}, "embedding is not a list of numbers"),
        ({"embedding": 2}, "embedding is not a list of numbers"),
        ({"embedding": "12"}, "embedding is not a list of numbers"),
        ({"embedding": {"0": 1}}, "embedding is not a list of numbers"),
        ({"disagreement": None}, "disagreement for some records, but not for all"),
        ({"disagreement": "high"}, "disagreement not a number"),
        ({"disagreement": [1, 2]}, "disagreement is not a finite number"),
    ],
)
def test_an_answer_unlike_the_first_leaves_its_object_without_a_prediction(
    optional: dict[str, Any], message: str
) -> None:
    first = good(embedding=[1.0, 2.0], disagreement=0.1)
    second = {**first, **optional}
    text = json.dumps({"labelloop-id": 1, "SageMakerOutput": second}).encode()
    line = json.dumps({"labelloop-id": 0, "SageMakerOutput": first}).encode()
    predictions = read_predictions([line, text], np.arange(2), 5, CLASSES)
    assert predictions.present.tolist() == [True, False, False, False, False]
    assert predictions.errors == 1
    assert predictions.first_error
    assert message in predictions.first_error


@pytest.mark.parametrize("optional", [{"embedding": [1.0]}, {"disagreement": 0.1}])
def test_what_the_first_answer_does_not_give_none_may_give(optional: dict[str, Any]) -> None:
    predictions = read((0, good()), (1, good(**optional)))
    assert predictions.present[:2].tolist() == [True, False]
    assert predictions.embedding is None
    assert predictions.disagreement is None

import io
import json
import time
import zipfile
from typing import Any

import numpy as np
import pytest

from labelloop.core.arrays import from_archive, to_archive, to_bytes
from labelloop.core.errors import PredictionsError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.model.predictions import Predictions, read_out_of_fold, read_predictions

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
        (b'{"labelloop-id": true, "SageMakerOutput": {}}', "object True, which was not sent"),
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


def test_out_of_fold_answers_for_no_object_are_passed_over() -> None:
    lines = [b"{", b"3", b'{"labelloop-id": 5}', *out_of_fold_lines(True, -1, 7, "1", None), b""]
    predictions = read_out_of_fold([*lines, *out_of_fold_lines(1)], 5, CLASSES)
    assert predictions.present.tolist() == [False, True, False, False, False]
    assert predictions.errors == 0


def out_of_fold_lines(*object_ids: Any) -> list[bytes]:
    return [json.dumps({"labelloop-id": object_id, **good()}).encode() for object_id in object_ids]


def kept(**others: Any) -> dict[str, Any]:
    """The arrays of a .npz file of predictions, some of them others."""
    predictions = read((0, good(embedding=[1, 2], disagreement=0.5)), (1, {"error": "cannot read this"}))
    return {**from_archive(predictions.to_bytes()), **others}


def test_predictions_come_back_from_the_bytes_they_are_kept_in() -> None:
    predictions = Predictions.from_bytes(to_archive(kept()))
    assert predictions.label.tolist() == [0, -1, -1, -1, -1]
    assert predictions.embedding is not None
    assert predictions.embedding[0].tolist() == [1, 2]
    assert predictions.disagreement is not None
    assert predictions.disagreement[0] == 0.5
    assert (predictions.errors, predictions.first_error) == (1, "cannot read this")


@pytest.mark.parametrize("reason", ["é🎈", "ends in NUL\0", ""])
def test_the_first_error_is_kept_to_the_letter(reason: str) -> None:
    predictions = read((0, good()), (1, good()))
    predictions.refuse(reason)
    assert Predictions.from_bytes(predictions.to_bytes()).first_error == reason


def test_predictions_without_optional_keys_and_errors_stay_without() -> None:
    predictions = Predictions.from_bytes(read((0, good()), (1, good())).to_bytes())
    assert predictions.embedding is None
    assert predictions.disagreement is None
    assert predictions.first_error is None


def test_a_retried_step_writes_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = to_archive(kept())
    later = time.time() + 10 * 365 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(later))
    assert to_archive(kept()) == before
    with zipfile.ZipFile(io.BytesIO(before)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_what_numpy_reads_is_what_was_kept() -> None:
    with np.load(io.BytesIO(to_archive(kept())), allow_pickle=False) as archive:
        assert archive["label"].tolist() == [0, -1, -1, -1, -1]
        assert archive["format"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a file of arrays",
        to_archive({"format": np.array(1)}),
        to_archive(kept())[:-30],
        to_archive(kept())[:200],
        to_archive(kept()).replace(b"NUMPY", b"OTHER"),
        to_archive(kept(label=np.zeros(5))),
        to_archive(kept(label=np.array(1, "<i2"))),
        to_archive(kept(margin=np.zeros(4, "<f4"))),
        to_archive(kept(embedding=np.zeros(5, "<f2"))),
        to_archive(kept(embedding=np.array(1, "<f2"))),
        to_archive(kept(disagreement=np.zeros((5, 1), "<f4"))),
        to_archive(kept(format=np.array("one"))),
        to_archive(kept(format=np.zeros(2))),
        to_archive(kept(first_error=np.array([255], np.uint8))),
        to_bytes(np.zeros(5)),
    ],
)
def test_what_are_no_kept_predictions_is_refused(content: bytes) -> None:
    with pytest.raises(PredictionsError, match="not predictions as labelloop keeps them"):
        Predictions.from_bytes(content)


def test_nothing_is_unpickled() -> None:
    content = io.BytesIO()
    np.savez(content, format=np.array(1), label=np.array([print], object))
    with pytest.raises(PredictionsError, match="pickle"):
        Predictions.from_bytes(content.getvalue())


def test_predictions_of_a_newer_format_are_refused_plainly() -> None:
    with pytest.raises(PredictionsError, match=r"newer labelloop .* format 2; this one reads .* up to 1"):
        Predictions.from_bytes(to_archive({"format": np.array(2)}))

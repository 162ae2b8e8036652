"""What reading predictions must come to, written as plainly as it can be: one answer after the other.

`labelloop.core.model.predictions` reads many at once; the tests hold it against this.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.errors import PredictionsError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.model.predictions import Predictions

_LARGEST = 65504


def read_predictions(lines: Iterable[bytes], expected: set[int], reader: "OneByOne") -> Predictions:
    waiting = set(expected)
    for number, line in enumerate(lines, 1):
        try:
            record = orjson.loads(line)
            object_id, answer = record["labelloop-id"], record["SageMakerOutput"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise PredictionsError(
                f"line {number} of the predictions has not both labelloop-id and SageMakerOutput: "
                f"{line[:80]!r}"
            ) from None
        if type(object_id) is not int or object_id not in waiting:
            raise PredictionsError(
                f"line {number} of the predictions is for object {object_id}, which was not sent"
            )
        waiting.remove(object_id)
        reader.read(object_id, answer)
    predictions = reader.predictions
    if waiting:
        predictions.errors += len(waiting)
        reason = f"no prediction came back for {len(waiting)} objects"
        predictions.first_error = predictions.first_error or reason
    return predictions


def read_out_of_fold(lines: Iterable[bytes], reader: "OneByOne") -> Predictions:
    for line in lines:
        try:
            answer = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        object_id = answer.get("labelloop-id") if isinstance(answer, dict) else None
        if type(object_id) is int and 0 <= object_id < len(reader.predictions.label):
            reader.read(object_id, answer)
    return reader.predictions


class OneByOne:
    def __init__(self, size: int, categories: LabelCategories) -> None:
        self.predictions = Predictions(size)
        self._categories = categories
        self._optional_keys_known = False

    def read(self, object_id: int, answer: Any) -> None:
        fault = self._read(object_id, answer)
        if fault is not None:
            self.predictions.refuse(fault)

    def _read(self, object_id: int, answer: Any) -> str | None:
        """Returns why the answer cannot be used, None when it can."""
        if isinstance(answer, dict) and "error" in answer:
            return str(answer["error"])[:200]
        probabilities = self._probabilities(answer)
        if probabilities is None:
            return f"the model's answer is not a list of known labels with probabilities: {str(answer)[:120]}"
        fault = self._keep_optional_keys(object_id, answer)
        if fault is not None:
            return fault
        order = np.argsort(-probabilities, kind="stable")
        of_best, of_second = probabilities[order[:2]]
        self.predictions.label[object_id] = order[0]
        self.predictions.confidence[object_id] = of_best
        self.predictions.margin[object_id] = of_best - of_second
        logarithms = np.log(np.maximum(probabilities, 1e-12))
        self.predictions.entropy[object_id] = -(probabilities * logarithms).sum()
        return None

    def _probabilities(self, answer: Any) -> npt.NDArray[np.float64] | None:
        try:
            named = [
                self._categories.index_of(str(label).removeprefix("__label__")) for label in answer["label"]
            ]
            values = np.asarray(answer["prob"], np.float64)
        except (KeyError, TypeError, ValueError):
            return None
        labels = {label for label in named if label is not None}
        if not named or len(labels) != len(named) or values.shape != (len(named),):
            return None
        if not np.all(np.isfinite(values)) or values.min() < 0 or values.sum() > 1.01:
            return None
        probabilities = np.zeros(len(self._categories))
        probabilities[np.asarray(named)] = values
        return probabilities

    def _keep_optional_keys(self, object_id: int, answer: dict[str, Any]) -> str | None:
        try:
            embedding = _numbers(answer.get("embedding"))
            disagreement = _numbers(answer.get("disagreement"))
        except (TypeError, ValueError):
            return "the model's embedding is not a list of numbers, or its disagreement not a number"
        if embedding.ndim != 1 or not np.all(np.abs(embedding) <= _LARGEST):
            return "the model's embedding is not a list of numbers between -65,504 and 65,504"
        if disagreement.size > 1 or not np.all(np.isfinite(disagreement)):
            return "the model's disagreement is not a finite number"
        return self._keep(object_id, embedding, disagreement)

    def _keep(
        self, object_id: int, embedding: npt.NDArray[np.float64], disagreement: npt.NDArray[np.float64]
    ) -> str | None:
        predictions, size = self.predictions, len(self.predictions.label)
        if not self._optional_keys_known:
            self._optional_keys_known = True
            if embedding.size:
                predictions.embedding = np.zeros((size, embedding.size), "<f2")
            if disagreement.size:
                predictions.disagreement = np.zeros(size, "<f4")
        numbers = 0 if predictions.embedding is None else predictions.embedding.shape[1]
        if embedding.size != numbers:
            return f"the model's embedding has {embedding.size} numbers, but {numbers} in the first answer"
        if bool(disagreement.size) != (predictions.disagreement is not None):
            return "the model gives its disagreement for some records, but not for all"
        if predictions.embedding is not None:
            predictions.embedding[object_id] = embedding
        if predictions.disagreement is not None:
            predictions.disagreement[object_id] = disagreement.item()
        return None


def _numbers(value: Any) -> npt.NDArray[np.float64]:
    return np.asarray([] if value is None else value, np.float64)

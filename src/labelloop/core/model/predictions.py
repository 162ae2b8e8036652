"""What the model said about each data object, in a few bytes an object.

The container answers in BlazingText's shape, `{"label": ["__label__2", ...], "prob": [0.91, ...]}`, or with
`{"error": "..."}` for a record it cannot read; the transform job joins that to the object's id as
`SageMakerOutput`. Two optional keys serve query strategies: `"embedding"`, equally many numbers for each
object, like objects close to each other, and `"disagreement"`, the mutual information of class and ensemble
member, in nats.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.errors import PredictionsError
from labelloop.core.ledger import NO_LABEL, Ids
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import ID_KEY

_PREFIX = "__label__"
# Two bytes a number are enough to tell who is near to whom.
_EMBEDDING_NUMBER = np.dtype("<f2")
_LARGEST = int(np.finfo(_EMBEDDING_NUMBER).max)


class Predictions:
    """Best class and uncertainty of each object by its id; objects without a prediction have label -1."""

    def __init__(self, size: int) -> None:
        self.label = np.full(size, NO_LABEL, "<i2")
        self.confidence = np.zeros(size, "<f4")  # probability of the best class
        self.margin = np.full(size, -1, "<f4")  # the best class's probability less the second's
        self.entropy = np.full(size, np.inf, "<f4")  # nats
        # Only where the container gives them. Rows without a prediction hold zeros.
        self.embedding: npt.NDArray[np.float16] | None = None  # shape (size, numbers)
        self.disagreement: npt.NDArray[np.float32] | None = None  # nats; shape (size,)
        self.errors = 0
        self.first_error: str | None = None
        self._optional_keys_known = False

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """True where the model could read the object; shape (objects,)."""
        return np.asarray(self.label != NO_LABEL)

    def refuse(self, reason: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or reason

    def keep(
        self, object_id: int, embedding: npt.NDArray[np.float64], disagreement: npt.NDArray[np.float64]
    ) -> str | None:
        """Store what an answer gives beside its probabilities: empty arrays for what it does not give.

        The first answer fixes what all must give. Returns how this one differs, None when it does not.
        """
        if not self._optional_keys_known:
            self._optional_keys_known = True
            if embedding.size:
                self.embedding = np.zeros((len(self.label), embedding.size), _EMBEDDING_NUMBER)
            if disagreement.size:
                self.disagreement = np.zeros(len(self.label), "<f4")
        numbers = 0 if self.embedding is None else self.embedding.shape[1]
        if embedding.size != numbers:
            return f"the model's embedding has {embedding.size} numbers, but {numbers} in the first answer"
        if bool(disagreement.size) != (self.disagreement is not None):
            return "the model gives its disagreement for some records, but not for all"
        if self.embedding is not None:
            self.embedding[object_id] = embedding
        if self.disagreement is not None:
            self.disagreement[object_id] = disagreement.item()
        return None


def read_predictions(
    lines: Iterable[bytes], expected: Ids, size: int, categories: LabelCategories
) -> Predictions:
    """Read a transform job's output for the `expected` ids of `size` objects.

    An answer that cannot be used leaves its object without a prediction, which keeps it from ever being
    auto-labeled. The first answer that can be used fixes which optional keys all must give, and how many
    numbers an embedding has. Raises PredictionsError for broken lines, and for ids that were not sent.
    """
    predictions = Predictions(size)
    asked = np.zeros(size, np.bool_)
    asked[expected] = True
    for number, line in enumerate(lines, 1):
        object_id, answer = _read_line(line, number)
        if not (isinstance(object_id, int) and 0 <= object_id < size and asked[object_id]):
            raise PredictionsError(
                f"line {number} of the predictions is for object {object_id}, which was not sent"
            )
        asked[object_id] = False
        _read_answer(predictions, object_id, answer, categories)
    missing = int(asked.sum())
    if missing:
        predictions.errors += missing
        predictions.first_error = predictions.first_error or f"no prediction came back for {missing} objects"
    return predictions


def read_out_of_fold(lines: Iterable[bytes], size: int, categories: LabelCategories) -> Predictions:
    """Read what a training job's cross-validation says of the objects it learned from, of `size` in all.

    A training container may write it or not, and people bring their own: what makes no sense is passed over.
    """
    predictions = Predictions(size)
    for line in lines:
        try:
            answer = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        object_id = answer.get(ID_KEY) if isinstance(answer, dict) else None
        if isinstance(object_id, int) and 0 <= object_id < size:
            _read_answer(predictions, object_id, answer, categories)
    return predictions


def _read_line(line: bytes, number: int) -> tuple[Any, Any]:
    try:
        record = orjson.loads(line)
        return record[ID_KEY], record["SageMakerOutput"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise PredictionsError(
            f"line {number} of the predictions has not both {ID_KEY} and SageMakerOutput: {line[:80]!r}"
        ) from error


def _read_answer(predictions: Predictions, object_id: int, answer: Any, categories: LabelCategories) -> None:
    if isinstance(answer, dict) and "error" in answer:
        predictions.refuse(str(answer["error"])[:200])
        return
    probabilities = _probabilities(answer, categories)
    if probabilities is None:
        predictions.refuse(
            f"the model's answer is not a list of known labels with probabilities: {str(answer)[:120]}"
        )
        return
    fault = _keep_optional_keys(predictions, object_id, answer)
    if fault is not None:
        predictions.refuse(fault)
        return
    order = np.argsort(-probabilities, kind="stable")
    predictions.label[object_id] = order[0]
    predictions.confidence[object_id] = probabilities[order[0]]
    predictions.margin[object_id] = probabilities[order[0]] - probabilities[order[1]]
    predictions.entropy[object_id] = -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum()


def _probabilities(answer: Any, categories: LabelCategories) -> npt.NDArray[np.float64] | None:
    """Probability of each class, 0 where the model named fewer; None when the answer makes no sense."""
    try:
        named = [categories.index_of(str(label).removeprefix(_PREFIX)) for label in answer["label"]]
        values = np.asarray(answer["prob"], np.float64)
    except (KeyError, TypeError, ValueError):
        return None
    labels = {label for label in named if label is not None}
    if not named or len(labels) != len(named) or values.shape != (len(named),):
        return None
    # BlazingText's probabilities exceed 1 by rounding.
    if not np.all(np.isfinite(values)) or values.min() < 0 or values.sum() > 1.01:
        return None
    probabilities = np.zeros(len(categories))
    probabilities[np.asarray(named)] = values
    return probabilities


def _keep_optional_keys(predictions: Predictions, object_id: int, answer: dict[str, Any]) -> str | None:
    """Take over embedding and disagreement. Returns why the answer cannot be used, None when it can."""
    try:
        embedding = np.asarray(_or_empty(answer.get("embedding")), np.float64)
        disagreement = np.asarray(_or_empty(answer.get("disagreement")), np.float64)
    except (TypeError, ValueError):
        return "the model's embedding is not a list of numbers, or its disagreement not a number"
    if embedding.ndim != 1 or not np.all(np.abs(embedding) <= _LARGEST):
        return f"the model's embedding is not a list of numbers between -{_LARGEST:,} and {_LARGEST:,}"
    if disagreement.size > 1 or not np.all(np.isfinite(disagreement)):
        return "the model's disagreement is not a finite number"
    return predictions.keep(object_id, embedding, disagreement)


def _or_empty(value: Any) -> Any:
    return [] if value is None else value

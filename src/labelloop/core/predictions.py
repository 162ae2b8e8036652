"""What the model said about each data object, in a few bytes an object.

The container answers in BlazingText's shape, `{"label": ["__label__2", ...], "prob": [0.91, ...]}`, or with
`{"error": "..."}` for a record it cannot read; the transform job joins that to the object's id as
`SageMakerOutput`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.errors import PredictionsError
from labelloop.core.label_categories import LabelCategories
from labelloop.core.ledger import NO_LABEL, Ids
from labelloop.core.manifest import ID_KEY

_PREFIX = "__label__"


class Predictions:
    """Best class and uncertainty of each object by its id; objects without a prediction have label -1."""

    def __init__(self, size: int) -> None:
        self.label = np.full(size, NO_LABEL, "<i2")
        self.confidence = np.zeros(size, "<f4")  # probability of the best class
        self.margin = np.full(size, -1, "<f4")  # the best class's probability less the second's
        self.entropy = np.full(size, np.inf, "<f4")  # nats
        self.errors = 0
        self.first_error: str | None = None

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """True where the model could read the object; shape (objects,)."""
        return np.asarray(self.label != NO_LABEL)

    def refuse(self, reason: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or reason


def read_predictions(
    lines: Iterable[bytes], expected: Ids, size: int, categories: LabelCategories
) -> Predictions:
    """Read a transform job's output for the `expected` ids of `size` objects.

    An answer that cannot be used leaves its object without a prediction, which keeps it from ever being
    auto-labeled. Raises PredictionsError for broken lines, and for ids that were not sent.
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

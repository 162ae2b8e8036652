"""What the model said about each data object, in a few bytes an object.

The transform job joins each of the model's answers (`container_output` has their form) to its object's id, as
`SageMakerOutput`. Its output is read once a round; later steps read the arrays, kept as a .npz file.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.arrays import from_archive, to_archive
from labelloop.core.errors import PredictionsError
from labelloop.core.ledger import NO_LABEL, Ids
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import ID_KEY
from labelloop.core.model.container_output import (
    EMBEDDING_NUMBER,
    ParsedOutputs,
    PlainLabels,
    parse_output,
    parse_plain_outputs,
)

# Of the .npz file; it grows when older code could no longer read what is written.
_FORMAT = 1
_LABEL, _FLOAT = np.dtype("<i2"), np.dtype("<f4")
# With 4,096, what was parsed has left the processor's cache before it is put into arrays: twice as slow.
OUTPUTS_AT_ONCE = 128


class Predictions:
    """Best class and uncertainty of each object by its id; objects without a prediction have label -1."""

    def __init__(self, size: int) -> None:
        self.label = np.full(size, NO_LABEL, _LABEL)
        self.confidence = np.zeros(size, _FLOAT)  # probability of the best class
        self.margin = np.full(size, -1, _FLOAT)  # the best class's probability less the second's
        self.entropy = np.full(size, np.inf, _FLOAT)  # nats
        # Only where the container gives them. Rows without a prediction hold zeros.
        self.embedding: npt.NDArray[np.float16] | None = None  # shape (size, numbers)
        self.disagreement: npt.NDArray[np.float32] | None = None  # nats; shape (size,)
        self.errors = 0
        self.first_error: str | None = None

    @classmethod
    def from_bytes(cls, content: bytes) -> "Predictions":
        """What `to_bytes` wrote. Raises PredictionsError when the content is something else."""
        try:
            kept = from_archive(content)
        except ValueError as error:
            raise _not_ours(error) from error
        return cls.of_arrays(kept)

    def to_bytes(self) -> bytes:
        """All of it as a .npz file: the same bytes for the same predictions, so a step may be retried.

        Not compressed: measured with 32 numbers an embedding, that saves 14% and takes 25 times as long.
        """
        return to_archive(self.as_arrays())

    @classmethod
    def of_arrays(cls, kept: Mapping[str, npt.NDArray[Any]]) -> "Predictions":
        """What `as_arrays` gave, `embedding` left out or not. Raises PredictionsError for anything else."""
        try:
            _require_format(int(kept["format"]))
            return _of_kept(kept)
        except (LookupError, TypeError, ValueError) as error:
            raise _not_ours(error) from error

    def as_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it, by name, in the form in which it is kept."""
        kept: dict[str, npt.NDArray[Any]] = {
            "format": np.array(_FORMAT),
            "errors": np.array(self.errors),
            "label": self.label.astype(_LABEL, copy=False),
            "confidence": self.confidence.astype(_FLOAT, copy=False),
            "margin": self.margin.astype(_FLOAT, copy=False),
            "entropy": self.entropy.astype(_FLOAT, copy=False),
        }
        if self.embedding is not None:
            kept["embedding"] = self.embedding.astype(EMBEDDING_NUMBER, copy=False)
        if self.disagreement is not None:
            kept["disagreement"] = self.disagreement.astype(_FLOAT, copy=False)
        if self.first_error is not None:
            # An array of text would lose NUL characters at its end.
            kept["first_error"] = np.frombuffer(self.first_error.encode(), np.uint8)
        return kept

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """True where the model could read the object; shape (objects,)."""
        return np.asarray(self.label != NO_LABEL)

    def put(self, ids: Ids, probabilities: npt.NDArray[np.float64]) -> None:
        """Store what the model says about objects with different ids; shape (ids, classes)."""
        rows = np.arange(len(ids))
        best = probabilities.argmax(axis=1)
        confidence = probabilities[rows, best]
        self.label[ids] = best
        self.confidence[ids] = confidence
        self.entropy[ids] = -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1)
        others = probabilities.copy()
        others[rows, best] = -np.inf
        self.margin[ids] = confidence - others[rows, others.argmax(axis=1)]

    def refuse(self, reason: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or reason


def _not_ours(error: Exception) -> PredictionsError:
    return PredictionsError(f"not predictions as labelloop keeps them: {error}")


def _require_format(number: int) -> None:
    if number > _FORMAT:
        raise PredictionsError(
            f"a newer labelloop has kept these predictions, in format {number}; this one reads formats "
            f"up to {_FORMAT}: use the newer one"
        )


def _of_kept(kept: Mapping[str, npt.NDArray[Any]]) -> Predictions:
    predictions = Predictions(0)
    size = len(kept["label"])
    predictions.errors = int(kept["errors"])
    predictions.label = _checked(kept, "label", _LABEL, (size,))
    predictions.confidence = _checked(kept, "confidence", _FLOAT, (size,))
    predictions.margin = _checked(kept, "margin", _FLOAT, (size,))
    predictions.entropy = _checked(kept, "entropy", _FLOAT, (size,))
    if "embedding" in kept:
        numbers = kept["embedding"].shape[-1]
        predictions.embedding = _checked(kept, "embedding", EMBEDDING_NUMBER, (size, numbers))
    if "disagreement" in kept:
        predictions.disagreement = _checked(kept, "disagreement", _FLOAT, (size,))
    if "first_error" in kept:
        predictions.first_error = kept["first_error"].tobytes().decode()
    return predictions


def _checked(
    kept: Mapping[str, npt.NDArray[Any]], name: str, number: np.dtype[Any], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    array = kept[name]
    if array.dtype != number or array.shape != shape:
        raise ValueError(f"{name} is of {array.dtype} in the shape {array.shape}, not of {number} in {shape}")
    return array


def read_predictions(
    lines: Iterable[bytes], expected: Ids, size: int, categories: LabelCategories
) -> Predictions:
    """Read a transform job's output for the `expected` ids of `size` objects.

    An answer that cannot be used leaves its object without a prediction, which keeps it from ever being
    auto-labeled. The first answer that can be used fixes which optional keys all must give, and how many
    numbers an embedding has. Raises PredictionsError for broken lines, and for ids that were not sent.
    """
    asked = np.zeros(size, np.bool_)
    asked[expected] = True
    waiting = bytearray(asked)
    predictions = _predictions_of(_expected_outputs(lines, waiting), size, categories)
    missing = waiting.count(True)
    if missing:
        predictions.errors += missing
        predictions.first_error = predictions.first_error or f"no prediction came back for {missing} objects"
    return predictions


def read_out_of_fold(lines: Iterable[bytes], size: int, categories: LabelCategories) -> Predictions:
    """Read what a training job's cross-validation says of the objects it learned from, of `size` in all.

    A training container may write it or not, and people bring their own: what makes no sense is passed over.
    """
    return _predictions_of(_out_of_fold_outputs(lines, size), size, categories)


def _expected_outputs(lines: Iterable[bytes], waiting: bytearray) -> Iterator[tuple[int, Any]]:
    """Each line's object and the answer to it; `waiting` has a 1 for each object that has none yet."""
    for number, line in enumerate(lines, 1):
        try:
            record = orjson.loads(line)
            object_id, answer = record[ID_KEY], record["SageMakerOutput"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise PredictionsError(
                f"line {number} of the predictions has not both {ID_KEY} and SageMakerOutput: {line[:80]!r}"
            ) from error
        if not (_is_id(object_id, len(waiting)) and waiting[object_id]):
            raise PredictionsError(
                f"line {number} of the predictions is for object {object_id}, which was not sent"
            )
        waiting[object_id] = False
        yield object_id, answer


def _out_of_fold_outputs(lines: Iterable[bytes], size: int) -> Iterator[tuple[int, Any]]:
    for line in lines:
        try:
            answer = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        object_id = answer.get(ID_KEY) if isinstance(answer, dict) else None
        if _is_id(object_id, size):
            yield object_id, answer


def _is_id(value: Any, size: int) -> TypeGuard[int]:
    # Not isinstance: true and false are no ids.
    return type(value) is int and 0 <= value < size


def _predictions_of(
    answers: Iterable[tuple[int, Any]], size: int, categories: LabelCategories
) -> Predictions:
    predictions = Predictions(size)
    reader = _OutputReader(predictions, categories)
    some: dict[int, Any] = {}
    for object_id, answer in answers:
        if len(some) == OUTPUTS_AT_ONCE or object_id in some:
            reader.read(some)
            some = {}
        some[object_id] = answer
    reader.read(some)
    return predictions


class _OutputReader:
    """Puts answers into predictions."""

    def __init__(self, predictions: Predictions, categories: LabelCategories) -> None:
        self._predictions = predictions
        self._categories = categories
        self._labels = PlainLabels(categories)
        self._optional_keys_known = False

    def read(self, answers: Mapping[int, Any]) -> None:
        """Read answers by their objects' ids, with the same result as one after the other."""
        read = self._read_plain(answers) if self._optional_keys_known else frozenset()
        if len(read) < len(answers):
            for object_id, answer in answers.items():
                if object_id not in read:
                    self._read_one(object_id, answer)

    def _read_plain(self, answers: Mapping[int, Any]) -> frozenset[int]:
        """Returns whose answers were plain. None of these is ever refused, so their turn does not matter."""
        disagreements = int(self._predictions.disagreement is not None)
        positions, found = parse_plain_outputs(
            list(answers.values()), self._labels, self._numbers, disagreements
        )
        ids = np.fromiter(answers, np.int64, len(answers))[positions]
        self._store(ids, found)
        return frozenset(ids.tolist())

    def _read_one(self, object_id: int, answer: Any) -> None:
        found = parse_output(answer, self._categories)
        if isinstance(found, ParsedOutputs):
            found = self._unlike_the_first(found) or found
        if isinstance(found, ParsedOutputs):
            self._store(np.array([object_id]), found)
        else:
            self._predictions.refuse(found)

    @property
    def _numbers(self) -> int:
        embedding = self._predictions.embedding
        return 0 if embedding is None else embedding.shape[1]

    def _unlike_the_first(self, answer: ParsedOutputs) -> str | None:
        """How the answer's optional keys differ from those of the first, which fixes them for all."""
        predictions, size = self._predictions, len(self._predictions.label)
        numbers, disagreements = answer.embedding.shape[1], answer.disagreement.shape[1]
        if not self._optional_keys_known:
            self._optional_keys_known = True
            predictions.embedding = np.zeros((size, numbers), EMBEDDING_NUMBER) if numbers else None
            predictions.disagreement = np.zeros(size, _FLOAT) if disagreements else None
        if numbers != self._numbers:
            return f"the model's embedding has {numbers} numbers, but {self._numbers} in the first answer"
        if bool(disagreements) != (predictions.disagreement is not None):
            return "the model gives its disagreement for some records, but not for all"
        return None

    def _store(self, ids: Ids, answers: ParsedOutputs) -> None:
        predictions = self._predictions
        predictions.put(ids, answers.probabilities)
        if predictions.embedding is not None:
            predictions.embedding[ids] = answers.embedding
        if predictions.disagreement is not None:
            predictions.disagreement[ids] = answers.disagreement[:, 0]

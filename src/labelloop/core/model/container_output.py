"""What the model container answers for single records: checked, and turned into numbers.

The container answers in BlazingText's shape, `{"label": ["__label__2", ...], "prob": [0.91, ...]}`, or with
`{"error": "..."}` for a record it cannot read. Two optional keys serve query strategies: `"embedding"`,
equally many numbers for each object, like objects close to each other, and `"disagreement"`, the mutual
information of class and ensemble member, in nats.

`parse_output` decides what can be used. `parse_plain_outputs` is there for speed: it takes many answers at
once, and leaves every unusual one to `parse_output`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.manifest.label_categories import LabelCategories

# Two bytes a number are enough to compare distances.
EMBEDDING_NUMBER = np.dtype("<f2")
_PREFIX = "__label__"
_LARGEST = int(np.finfo(EMBEDDING_NUMBER).max)
# BlazingText's probabilities exceed 1 by rounding.
_LARGEST_SUM = 1.01
# The last digits of a sum depend on the order of its terms: close to the limit, an answer is not plain.
_LARGEST_PLAIN_SUM = _LARGEST_SUM - 1e-6

Numbers = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ParsedOutputs:
    """What usable answers say, one a row."""

    probabilities: Numbers
    """Shape (answers, classes): 0 where the model named fewer."""
    embedding: Numbers
    """Shape (answers, numbers): no numbers where the model gives no embedding."""
    disagreement: Numbers
    """Shape (answers, 1), or (answers, 0) where the model gives none."""


class PlainLabels:
    """The usual ways of writing each class in an answer, for `parse_plain_outputs`."""

    def __init__(self, categories: LabelCategories) -> None:
        self.classes = len(categories)
        self._index_of = {f"{_PREFIX}{index}": index for index in range(self.classes)}
        self._index_of |= {str(index): index for index in range(self.classes)}

    def indices(self, labels: Iterable[Any], count: int) -> Positions:
        """Class index of each of `count` labels, -1 for what is not one in a usual form."""
        return np.fromiter(map(self._index_of.get, labels, repeat(-1)), np.int64, count)


def parse_output(answer: Any, categories: LabelCategories) -> ParsedOutputs | str:
    """Read one answer, whatever JSON it is. Where it cannot be used, returns the reason."""
    if isinstance(answer, dict) and "error" in answer:
        return str(answer["error"])[:200]
    probabilities = _probabilities(answer, categories)
    if probabilities is None:
        return f"the model's answer is not a list of known labels with probabilities: {str(answer)[:120]}"
    try:
        embedding = np.asarray(_or_empty(answer.get("embedding")), np.float64)
        disagreement = np.asarray(_or_empty(answer.get("disagreement")), np.float64)
    except (TypeError, ValueError):
        return "the model's embedding is not a list of numbers, or its disagreement not a number"
    if embedding.ndim != 1 or not np.all(np.abs(embedding) <= _LARGEST):
        return f"the model's embedding is not a list of numbers between -{_LARGEST:,} and {_LARGEST:,}"
    if disagreement.size > 1 or not np.all(np.isfinite(disagreement)):
        return "the model's disagreement is not a finite number"
    return ParsedOutputs(probabilities[None], embedding[None], disagreement.reshape(1, disagreement.size))


def parse_plain_outputs(
    answers: Sequence[Any], labels: PlainLabels, numbers: int, disagreements: int
) -> tuple[Positions, ParsedOutputs]:
    """Read the plain ones among the answers: those with `numbers` in their embedding and 0 or 1 disagreement.

    Returns their positions, ascending, and what they say.
    """
    candidates = [
        position for position, answer in enumerate(answers) if _looks_plain(answer, numbers, disagreements)
    ]
    chosen = [answers[position] for position in candidates]
    try:
        probabilities, usable = _probability_matrix(chosen, labels)
        embedding = _matrix((answer["embedding"] for answer in chosen), len(chosen), numbers)
        disagreement = _matrix(([answer["disagreement"]] for answer in chosen), len(chosen), disagreements)
    except (TypeError, ValueError):
        # Something in one of them is no number, and nothing tells in which.
        nothing = (np.empty((0, columns)) for columns in (labels.classes, numbers, disagreements))
        return np.empty(0, np.int64), ParsedOutputs(*nothing)
    usable &= np.all(np.abs(embedding) <= _LARGEST, axis=1)
    found = ParsedOutputs(probabilities[usable], embedding[usable], disagreement[usable])
    return np.asarray(candidates, np.int64)[usable], found


def _looks_plain(answer: Any, numbers: int, disagreements: int) -> bool:
    """Whether the answer has the shape of a plain one; its labels and numbers are yet to be looked at."""
    if type(answer) is not dict or "error" in answer:
        return False
    labels, probabilities = answer.get("label"), answer.get("prob")
    if type(labels) is not list or type(probabilities) is not list or not labels:
        return False
    embedding, disagreement = answer.get("embedding"), answer.get("disagreement")
    fits = len(embedding) == numbers if type(embedding) is list else embedding is None and not numbers
    given = type(disagreement) is float or type(disagreement) is int
    return len(labels) == len(probabilities) and fits and (given if disagreements else disagreement is None)


def _probability_matrix(
    answers: Sequence[dict[str, Any]], labels: PlainLabels
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """The answers' probabilities, shape (answers, classes), and which rows are true to the answer."""
    lengths = np.fromiter((len(answer["label"]) for answer in answers), np.int64, len(answers))
    count = int(lengths.sum())
    columns = labels.indices(chain.from_iterable(answer["label"] for answer in answers), count)
    values = np.fromiter(chain.from_iterable(answer["prob"] for answer in answers), np.float64, count)
    rows = np.repeat(np.arange(len(answers)), lengths)
    matrix = np.zeros((len(answers), labels.classes))
    matrix[rows, columns] = values
    named = np.zeros(matrix.shape, np.bool_)
    named[rows, columns] = True
    usable = np.count_nonzero(named, axis=1) == lengths
    usable &= np.bincount(rows, values, len(answers)) <= _LARGEST_PLAIN_SUM
    usable[rows[(columns < 0) | ~(values >= 0)]] = False
    return matrix, usable


def _matrix(rows: Iterable[Iterable[Any]], count: int, columns: int) -> Numbers:
    if not columns:
        return np.empty((count, 0))
    return np.fromiter(chain.from_iterable(rows), np.float64, count * columns).reshape(count, columns)


def _probabilities(answer: Any, categories: LabelCategories) -> Numbers | None:
    """Probability of each class, 0 where the model named fewer; None when the answer makes no sense."""
    try:
        named = [categories.index_of(str(label).removeprefix(_PREFIX)) for label in answer["label"]]
        values = np.asarray(answer["prob"], np.float64)
    except (KeyError, TypeError, ValueError):
        return None
    labels = {label for label in named if label is not None}
    if not named or len(labels) != len(named) or values.shape != (len(named),):
        return None
    if not np.all(np.isfinite(values)) or values.min() < 0 or values.sum() > _LARGEST_SUM:
        return None
    probabilities = np.zeros(len(categories))
    probabilities[np.asarray(named)] = values
    return probabilities


def _or_empty(value: Any) -> Any:
    return [] if value is None else value

"""Labels that something else gave before anyone was asked: a language model, a vendor, an old rule.

They are a model of their own: how far each is to be believed is learned from the labels that people give.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.model.source_errors import errors_of_cells

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]
NONE_GIVEN = -1

# Where a source states more distinct confidences, they are put into this many bins of equally many objects.
_MOST_BINS = 20
# Of the classes that an object may have where the source is wrong: answers for each class.
_PRIOR_OF_CONFUSION = 0.5
_LEAST_ERROR = 1e-3
# The weights of several sources: a precision of the belief that they count alike, and Newton's steps.
_PRECISION, _STEPS, _LEAST_STEP = 4.0, 50, 1e-9


@dataclass(frozen=True)
class PriorLabels:
    """What each of some sources says about each object."""

    labels: npt.NDArray[np.int16]  # class index, -1 for none; shape (objects, sources)
    confidence: npt.NDArray[np.float32]  # from 0 to 1, NaN where none is stated; shape (objects, sources)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, ids: Integers) -> "PriorLabels":
        return PriorLabels(self.labels[ids], self.confidence[ids])

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """Whether any source gave a label; shape (objects,)."""
        return np.asarray((self.labels != NONE_GIVEN).any(axis=1))


@dataclass(frozen=True)
class PriorLabelModel:
    """What prior labels are worth, as learned from people's labels of some of the objects."""

    sources: tuple["_Source", ...]
    weights: Floats  # of the sources' log probabilities; shape (sources,)

    @classmethod
    def fit(cls, priors: PriorLabels, known: Integers, labels: Integers, classes: int) -> "PriorLabelModel":
        """Learn from people's labels of the objects `known`; both have shape (known,).

        `priors`: of all objects of the data set, by which confidences are put into bins.
        """
        sources = tuple(
            _Source.fit(priors.labels[:, number], priors.confidence[:, number], known, labels, classes)
            for number in range(priors.labels.shape[1])
        )
        said = np.stack([source.log_probabilities for source in sources], axis=1)
        return cls(sources, _weights(said[known], labels))

    def probabilities(self, ids: Integers) -> Floats:
        """Of each class for some objects; shape (ids, classes)."""
        said = np.stack([source.log_probabilities[ids] for source in self.sources], axis=1)
        return np.exp(_pooled(said, self.weights))


@dataclass(frozen=True)
class _Source:
    log_probabilities: Floats  # of each class for each object of the data set; shape (objects, classes)

    @classmethod
    def fit(
        cls,
        given: npt.NDArray[np.int16],
        confidence: npt.NDArray[np.float32],
        known: Integers,
        labels: Integers,
        classes: int,
    ) -> "_Source":
        shares = (np.bincount(labels, minlength=classes) + 1) / (len(labels) + classes)
        says = given != NONE_GIVEN
        probabilities = np.tile(shares, (len(given), 1))
        if says.any():
            bins = bins_of(confidence)
            answered = says[known]
            error = _errors(given, bins, known[answered], labels[answered], classes)
            confusion = _confusion(given[known[answered]], labels[answered], classes)
            rows = np.flatnonzero(says)
            probabilities[rows] = confusion[given[rows]] * error[rows, np.newaxis]
            probabilities[rows, given[rows]] = 1 - error[rows]
        return cls(np.log(probabilities))


def bins_of(confidence: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The bin of each confidence, ascending; where none is stated, a bin of its own, the first."""
    stated = ~np.isnan(confidence)
    bins = np.zeros(len(confidence), np.int64)
    values = np.unique(confidence[stated])
    if len(values) > _MOST_BINS:
        values = np.unique(np.quantile(confidence[stated], np.arange(_MOST_BINS) / _MOST_BINS))
    bins[stated] = np.searchsorted(values, confidence[stated], side="right")
    return bins


def _errors(
    given: npt.NDArray[np.int16],
    bins: npt.NDArray[np.int64],
    known: Integers,
    labels: Integers,
    classes: int,
) -> Floats:
    """The chance that the source is wrong about each object; shape (objects,)."""
    cells = (classes, int(bins.max()) + 1)
    answers, wrong = np.zeros(cells), np.zeros(cells)
    np.add.at(answers, (given[known], bins[known]), 1.0)
    np.add.at(wrong, (given[known], bins[known]), (given[known] != labels).astype(float))
    return errors_of_cells(answers, wrong)[given, bins]


def _confusion(given: npt.NDArray[np.int16], labels: Integers, classes: int) -> Floats:
    """The chance of each class where the source's label, by row, is wrong; shape (classes, classes)."""
    counts = np.full((classes, classes), _PRIOR_OF_CONFUSION)
    np.add.at(counts, (given, labels), 1.0)
    np.fill_diagonal(counts, 0.0)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), _LEAST_ERROR))


def _pooled(said: Floats, weights: Floats) -> Floats:
    """Log probabilities of all sources together; `said`: shape (objects, sources, classes)."""
    scores = np.einsum("osc,s->oc", said, weights)
    scores -= scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


def _weights(said: Floats, labels: Integers) -> Floats:
    """The weights that make people's labels likeliest, by Newton's method; shape (sources,)."""
    sources = said.shape[1]
    even = np.full(sources, 1.0 / sources)
    if sources == 1 or not len(labels):
        return even
    weights, rows = even, np.arange(len(labels))
    for _ in range(_STEPS):
        chances = np.exp(_pooled(said, weights))
        mean = np.einsum("osc,oc->os", said, chances)
        gradient = (mean - said[rows, :, labels]).sum(axis=0) + _PRECISION * (weights - even)
        spread = said - mean[:, :, np.newaxis]
        information = np.einsum("osc,otc,oc->st", spread, spread, chances) + _PRECISION * np.eye(sources)
        step = np.linalg.solve(information, gradient)
        weights = np.clip(weights - step, 0.0, 2.0)
        if np.abs(step).max() < _LEAST_STEP:
            break
    return weights

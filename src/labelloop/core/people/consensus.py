"""One label from several people's: Dawid and Skene's model, and how far people agree.

A. P. Dawid and A. M. Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm",
Journal of the Royal Statistical Society C 28 (1979), 20-28. K. Krippendorff, "Computing Krippendorff's
Alpha-Reliability" (2011).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# Until the probabilities change by less than this on average, at most so many times.
_TOLERANCE = 1e-7
MOST_ITERATIONS = 500
# What a person is taken to be before any answer, and how many answers that weighs.
PRIOR_ACCURACY = 0.8
PRIOR_ANSWERS = 2.0


@dataclass(frozen=True)
class AnswerTable:
    """Answers of several people, one entry each in three arrays of equal length.

    `objects` and `people` count from 0 without gaps, `labels` are class indices below `classes`.
    """

    objects: Indices
    people: Indices
    labels: Indices
    classes: int

    @property
    def object_count(self) -> int:
        return int(self.objects.max()) + 1 if len(self.objects) else 0

    @property
    def people_count(self) -> int:
        return int(self.people.max()) + 1 if len(self.people) else 0


@dataclass(frozen=True)
class Consensus:
    """What the answers say together.

    `probabilities` of each class, shape (objects, classes); `confusion`, how often a person says a class
    (last axis) of an object of a class (middle axis), shape (people, classes, classes); `accuracy` of each
    person over the classes as they occur, shape (people,).
    """

    probabilities: Floats
    confusion: Floats
    accuracy: Floats

    @property
    def labels(self) -> Indices:
        """The most probable class of each object; shape (objects,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def confidence(self) -> Floats:
        """Its probability; shape (objects,)."""
        return np.asarray(self.probabilities.max(axis=1))


def dawid_skene(
    answers: AnswerTable,
    known: dict[int, int] | None = None,
    *,
    prior_answers: float = PRIOR_ANSWERS,
    most_iterations: int = MOST_ITERATIONS,
) -> Consensus:
    """Estimate each object's class and each person's confusion from each other, by expectation maximization.

    `known` gives the class of objects whose answer is known (gold). A person's confusion begins from
    `prior_answers` answers' worth of a prior that takes them to be mostly right, so that somebody with three
    answers is neither an oracle nor a fool; the classes' shares begin from as many objects of all classes
    alike. Near 0 the estimate is Dawid and Skene's own.
    """
    probabilities = _votes(answers)
    _set_known(probabilities, known)
    for _ in range(most_iterations):
        confusion = _confusion(answers, probabilities, prior_answers)
        updated = _posterior(answers, _shares(probabilities, prior_answers), confusion)
        _set_known(updated, known)
        change = np.abs(updated - probabilities).mean() if updated.size else 0.0
        probabilities = updated
        if change < _TOLERANCE:
            break
    confusion = _confusion(answers, probabilities, prior_answers)
    shares = _shares(probabilities, prior_answers)
    accuracy = np.einsum("pcc,c->p", confusion, shares)
    return Consensus(probabilities, confusion, accuracy)


def krippendorff_alpha(answers: AnswerTable) -> float | None:
    """Agreement for nominal labels: 1 is perfect, 0 what chance gives. None where no two people met.

    Also None where all answers are the same class: chance would agree as well.
    """
    counts = np.zeros((answers.object_count, answers.classes))
    np.add.at(counts, (answers.objects, answers.labels), 1)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    given = counts.sum(axis=1, keepdims=True)
    pairs = counts * (given - counts) / (given - 1)
    observed = pairs.sum()
    totals = counts.sum(axis=0)
    expected = (totals * (totals.sum() - totals)).sum() / (totals.sum() - 1)
    return None if expected == 0 else float(1 - observed / expected)


def _votes(answers: AnswerTable) -> Floats:
    votes = np.zeros((answers.object_count, answers.classes))
    np.add.at(votes, (answers.objects, answers.labels), 1)
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1))


def _shares(probabilities: Floats, prior_objects: float) -> Floats:
    """How often each class occurs; shape (classes,). A class nobody voted for is rare, never impossible."""
    objects, classes = probabilities.shape
    return np.asarray((probabilities.sum(axis=0) + prior_objects / classes) / (objects + prior_objects))


def _set_known(probabilities: Floats, known: dict[int, int] | None) -> None:
    for number, label in (known or {}).items():
        probabilities[number] = 0
        probabilities[number, label] = 1


def _confusion(answers: AnswerTable, probabilities: Floats, prior_answers: float) -> Floats:
    """Shape (people, true class, said class); rows sum to 1."""
    wrong = (1 - PRIOR_ACCURACY) / (answers.classes - 1)
    prior = np.full((answers.classes, answers.classes), wrong)
    np.fill_diagonal(prior, PRIOR_ACCURACY)
    said = np.zeros((answers.people_count, answers.classes, answers.classes))
    # By said class first, as answers index it; then the axes in their order.
    np.add.at(said, (answers.people, answers.labels), probabilities[answers.objects])
    counts = said.transpose(0, 2, 1) + prior_answers * prior
    return np.asarray(counts / counts.sum(axis=2, keepdims=True))


def _posterior(answers: AnswerTable, shares: Floats, confusion: Floats) -> Floats:
    """Shape (objects, classes)."""
    logarithms = np.tile(np.log(np.maximum(shares, 1e-12)), (answers.object_count, 1))
    np.add.at(logarithms, answers.objects, np.log(confusion[answers.people, :, answers.labels]))
    logarithms -= logarithms.max(axis=1, keepdims=True)
    probabilities = np.exp(logarithms)
    return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

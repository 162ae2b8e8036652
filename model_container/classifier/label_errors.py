"""Finds training examples whose labels are most likely wrong, by confident learning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from classifier.calibration import Importance, Labels, Probabilities
from classifier.importance import as_many_as_tell

_LARGEST_SHARE = 0.2
# With fewer examples, a class is not known well enough to say which of its labels are wrong.
_FEWEST_OF_A_CLASS = 5
# The surest predictions, as a share of what the examples count for. Among these, a label that contradicts the
# prediction counts as wrong.
_SUREST_SHARE = 0.25
_DOUBT = 0.1


def find_label_errors(
    probabilities: Probabilities, labels: Labels, importance: Importance | None = None
) -> NDArray[np.bool_]:
    """Return which labels are most likely wrong, shape (objects,): at most a fifth, and five of a class stay.

    The confident joint estimates how many examples of one class have another class's label. This number is
    doubted, by the margin between the two classes: "prune by noise rate" (Northcutt et al., "Confident
    Learning", 2021). But this confuses hard examples with wrong ones. On clean labels, it would leave out the
    most useful examples. So the result contains only as many labels as are certainly wrong: see
    `_least_noise`. probabilities: shape (objects, classes), from nets that were not trained on these objects;
    importance: how many examples each counts for in that estimate, shape (objects,); one each by default.
    """
    joint = _estimated_joint(probabilities, labels)
    doubts = np.zeros(len(labels))
    for given, true in np.argwhere(joint):
        members = np.flatnonzero(labels == given)
        margins = probabilities[members, true] - probabilities[members, given]
        worst = np.argsort(-margins, kind="stable")[: joint[given, true]]
        doubts[members[worst]] = np.maximum(doubts[members[worst]], margins[worst])
    weights = np.ones(len(labels)) if importance is None else importance
    share = min(_LARGEST_SHARE, _least_noise(probabilities, labels, weights))
    return _most_doubtful(doubts, labels, int(share * len(labels)))


def _least_noise(probabilities: Probabilities, labels: Labels, importance: Importance) -> float:
    """Return a lower bound of the share of wrong labels, from the model's surest predictions.

    There the model itself is hardly ever wrong, so a label that contradicts it is wrong. The bound is the
    lower confidence limit of Clopper and Pearson (1934) for the share of such labels, with the effective
    number of examples (Korn and Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", 1998).
    """
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    share = np.cumsum(importance[order]) / importance.sum()
    surest = order[share <= _SUREST_SHARE]
    wrong = probabilities[surest].argmax(axis=1) != labels[surest]
    if not importance[surest][wrong].any():
        return 0.0
    counts = as_many_as_tell(importance[surest])
    contradicted = counts[wrong].sum()
    return float(betaincinv(contradicted, counts.sum() - contradicted + 1, _DOUBT))


def _estimated_joint(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Return how many examples with each label (rows) belong to each other class: 0 on the diagonal."""
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    of_labels = probabilities[np.arange(len(labels)), labels]
    # A class is trusted if its probability is at least the mean over the class's own examples.
    sums = np.bincount(labels, of_labels, classes)
    thresholds = np.divide(sums, counts, out=np.full(classes, np.inf), where=counts > 0)
    trusted = np.where(probabilities >= thresholds, probabilities, -1.0)
    confident = trusted.max(axis=1) >= 0
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[confident], trusted[confident].argmax(axis=1)), 1)
    joint *= (counts / np.maximum(joint.sum(axis=1), 1))[:, None]
    np.fill_diagonal(joint, 0)
    return np.rint(joint).astype(np.int64)


def _most_doubtful(doubts: NDArray[np.float64], labels: Labels, most: int) -> NDArray[np.bool_]:
    left = np.bincount(labels)
    found = np.zeros(len(labels), bool)
    for number in np.argsort(-doubts, kind="stable"):
        if found.sum() == most or not doubts[number]:
            break
        if left[labels[number]] > _FEWEST_OF_A_CLASS:
            found[number] = True
            left[labels[number]] -= 1
    return found

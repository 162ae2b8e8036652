"""Training examples whose labels are most likely wrong, found by confident learning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Probabilities = NDArray[np.float32]
Labels = NDArray[np.int64]

_LARGEST_SHARE = 0.2
# A class with fewer is not known well enough to say which of its labels are wrong.
_FEWEST_OF_A_CLASS = 5
# Of the examples, those in which a label that contradicts the prediction is taken for a wrong label.
_SUREST_SHARE = 0.25
_DOUBT = 0.1


def find_label_errors(probabilities: Probabilities, labels: Labels) -> NDArray[np.bool_]:
    """Return which labels are most likely wrong, shape (texts,): at most a fifth, and five of a class stay.

    How many of one class bear another's label is estimated by the confident joint, and so many are doubted,
    by the margin between the two: "prune by noise rate" (Northcutt et al., "Confident Learning", 2021). That
    takes hard examples for wrong ones, and on clean labels would leave out what teaches most. So no more are
    returned than labels are wrong for sure: see `_least_noise`.
    probabilities: shape (texts, classes), of nets that were not trained on these texts.
    """
    joint = _estimated_joint(probabilities, labels)
    doubts = np.zeros(len(labels))
    for given, true in np.argwhere(joint):
        members = np.flatnonzero(labels == given)
        margins = probabilities[members, true] - probabilities[members, given]
        worst = np.argsort(-margins, kind="stable")[: joint[given, true]]
        doubts[members[worst]] = np.maximum(doubts[members[worst]], margins[worst])
    share = min(_LARGEST_SHARE, _least_noise(probabilities, labels))
    return _most_doubtful(doubts, labels, int(share * len(labels)))


def _least_noise(probabilities: Probabilities, labels: Labels) -> float:
    """Return a lower bound of the share of wrong labels, by those the model is surest of.

    There the model itself is hardly ever wrong, so wrong labels are what contradicts it: of their share the
    lower confidence limit of Clopper and Pearson (1934).
    """
    number = int(_SUREST_SHARE * len(labels))
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")[:number]
    wrong = int(np.sum(probabilities[surest].argmax(axis=1) != labels[surest]))
    return float(betaincinv(wrong, number - wrong + 1, _DOUBT)) if wrong else 0.0


def _estimated_joint(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Return how many examples of each label (rows) are of each other class: 0 on the diagonal."""
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    of_labels = probabilities[np.arange(len(labels)), labels]
    # A class is trusted from the mean probability on that its own examples are given.
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

"""The certificate: the threshold above which the model may label, with its bound on the error.

Learn then Test (Angelopoulos et al., arXiv 2110.01052) with fixed-sequence testing: thresholds are tested
in an order fixed before any validation label is looked at, each by an exact binomial (Clopper-Pearson)
test, and testing ends at the first that fails. So the chance that the error above the chosen threshold
exceeds the target is at most 1 - confidence.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

# The sequence begins where tests have power: a threshold that covers too few validation objects cannot pass.
FIRST_COVERAGE = 0.8
COVERAGE_STEP = 0.01


@dataclass(frozen=True)
class Certificate:
    """What is promised about the objects whose score is at least `threshold`."""

    threshold: float
    target_error: float
    confidence: float
    error_bound: float  # exact upper bound at `confidence`, for this threshold alone
    coverage: float  # share of the validation set above the threshold
    validation_objects: int  # validation objects above the threshold
    validation_errors: int  # of these, how many the model got wrong


def certify(
    scores: npt.NDArray[np.floating], correct: npt.NDArray[np.bool_], target_error: float, confidence: float
) -> Certificate | None:
    """The lowest certified threshold on the scores, or None when nothing can be certified.

    `scores` and `correct`, shape (validation objects,): the model's score for its own answer, and whether
    that answer is the human label.
    """
    fewest = fewest_validation_objects(target_error, confidence)
    if len(scores) < fewest:
        return None
    order = np.argsort(-scores, kind="stable")
    ranked, errors = scores[order], np.cumsum(~correct[order])
    certified = None
    for covered in _sequence(ranked, fewest):
        wrong = int(errors[covered - 1])
        # P(as few errors as these | error rate = target): the exact test of "the error exceeds the target".
        if special.bdtr(wrong, covered, target_error) > 1 - confidence:
            break
        certified = Certificate(
            threshold=float(ranked[covered - 1]),
            target_error=target_error,
            confidence=confidence,
            error_bound=upper_error_bound(wrong, covered, confidence),
            coverage=covered / len(scores),
            validation_objects=covered,
            validation_errors=wrong,
        )
    return certified


def upper_error_bound(errors: int, objects: int, confidence: float) -> float:
    """Clopper-Pearson's one-sided upper bound on an error rate (Clopper & Pearson, 1934)."""
    if errors >= objects:
        return 1.0
    return float(special.betaincinv(errors + 1, objects - errors, confidence))


def fewest_validation_objects(target_error: float, confidence: float) -> int:
    """How many validation objects, all of them right, it takes to certify the target."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - target_error))


def _sequence(ranked: npt.NDArray[np.floating], fewest: int) -> list[int]:
    """How many of the ranked scores each threshold covers, in testing order; equal scores stay together."""
    total = len(ranked)
    steps = np.arange(FIRST_COVERAGE, 1 + COVERAGE_STEP / 2, COVERAGE_STEP)
    wanted = np.clip(np.ceil(np.round(steps * total, 6)).astype(int), fewest, total)
    last_of_equals = np.searchsorted(-ranked, -ranked[wanted - 1], side="right")
    return [int(covered) for covered in np.unique(last_of_equals)]

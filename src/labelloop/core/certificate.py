"""The certificate: the threshold above which the model may label, with its bound on the error.

Learn then Test (Angelopoulos et al., arXiv 2110.01052) with fixed-sequence testing: thresholds are tested
in an order fixed before any validation label is looked at, each by an exact test, and testing ends at the
first that fails. So the chance that the error above the chosen threshold exceeds the target is at most the
level of the test.

The test is for a finite population: the validation objects above a threshold are a random sample of all that
lie there, so the number of wrong ones among them is hypergeometric. What is bounded is the share of wrong
labels among the very objects that get them, not the rate of a distribution they might come from.
"""

import math
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

COVERAGE_STEP = 0.01

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Certificate:
    """What is promised about the pool objects whose score is at least `threshold`."""

    threshold: float
    target_error: float
    confidence: float  # for the whole run
    level: float  # the chance of a wrong promise that this one test was given
    error_bound: float  # exact upper bound at that level, for this threshold alone
    coverage: float  # share of the pool above the threshold
    auto_labels: int  # pool objects above the threshold
    validation_objects: int  # validation objects above the threshold
    validation_errors: int  # of these, how many the model got wrong


@dataclass(frozen=True)
class Promise:
    """What a certificate is to say, and how sure one test must be to say it."""

    target_error: float
    confidence: float
    level: float


def certify(
    pool: Scores, validation: Scores, correct: npt.NDArray[np.bool_], promise: Promise, first: int
) -> Certificate | None:
    """The lowest certified threshold on the scores, or None when the first one tested fails.

    `pool`, shape (pool objects,), and `validation`, shape (validation objects,): the model's score for its
    own answer; `correct`, shape (validation objects,): whether that answer is the human label. `first` is
    about how many pool objects the first threshold tested covers; each further one covers a hundredth more.
    """
    together = np.sort(np.concatenate([pool, validation]))[::-1]
    ranked_pool = np.sort(pool)
    order = np.argsort(-validation, kind="stable")
    ranked, errors = validation[order], np.concatenate([[0], np.cumsum(~correct[order])])
    certified = None
    for threshold in _thresholds(together, first / max(1, len(pool))):
        covered = len(pool) - int(np.searchsorted(ranked_pool, threshold, side="left"))
        sampled = int(np.searchsorted(-ranked, -threshold, side="right"))
        wrong = int(errors[sampled])
        if wrong > most_errors_allowed(sampled, covered, promise.target_error, promise.level):
            break
        if not covered:
            continue
        certified = Certificate(
            threshold=threshold,
            target_error=promise.target_error,
            confidence=promise.confidence,
            level=promise.level,
            error_bound=upper_error_bound(wrong, sampled, covered, promise.level),
            coverage=covered / len(pool),
            auto_labels=covered,
            validation_objects=sampled,
            validation_errors=wrong,
        )
    return certified


def most_errors_allowed(sampled: int, covered: int, target_error: float, level: float) -> int:
    """With how many wrong of `sampled` objects the test still passes for the `covered` others; -1 for none.

    The test rejects "more than the target of the covered objects are wrong": given that many, so few wrong
    ones in a sample without replacement are at most as likely as the level.
    """
    # One more wrong label than the target allows; rounded, for 0.05 * 20 is not quite 1.
    too_many = math.floor(round(target_error * covered, 9)) + 1
    allowed, upper = -1, sampled
    while allowed < upper:
        middle = (allowed + upper + 1) // 2
        if _chance_of_so_few(middle, sampled, covered, too_many) <= level:
            allowed = middle
        else:
            upper = middle - 1
    return allowed


def upper_error_bound(wrong: int, sampled: int, covered: int, level: float) -> float:
    """Exact upper bound on the share of wrong ones among the covered objects that were not sampled."""
    least, most = 0, covered
    while least < most:
        middle = (least + most) // 2
        if _chance_of_so_few(wrong, sampled, covered, middle + 1) <= level:
            most = middle
        else:
            least = middle + 1
    return least / covered


def fewest_validation_objects(target_error: float, level: float) -> int:
    """How many validation objects, all of them right, it takes to certify the target in a large pool."""
    if level <= 0:
        return sys.maxsize
    return math.ceil(math.log(level) / math.log(1 - target_error))


def _chance_of_so_few(wrong: int, sampled: int, covered: int, wrong_covered: int) -> float:
    """P(at most `wrong` in the sample), when `wrong_covered` of the objects not sampled are wrong too."""
    if wrong_covered > covered:
        return 0.0
    total = sampled + covered
    return float(stats.hypergeom.cdf(wrong, total, wrong + wrong_covered, sampled))


def _thresholds(together: Scores, first_share: float) -> list[float]:
    """The thresholds in testing order, for the scores of pool and validation set together, highest first.

    Set on the two together, so that where a threshold lies says nothing of who is in the validation set.
    """
    total = len(together)
    if not total:
        return []
    step = max(1, round(COVERAGE_STEP * total))
    first = max(1, min(round(first_share * total), total))
    covered = np.append(np.arange(first, total, step), total)
    return [float(threshold) for threshold in np.unique(together[covered - 1])[::-1]]

"""A plain audit: objects are drawn uniformly, and the threshold is as low as a bet on the draws allows.

Thresholds are tested one after the other, each at the full level, up to the first that fails: then something
went wrong only if the first that is truly too low passed, which has a chance of at most the level.
"""

import numpy as np
import numpy.typing as npt

from bench.betting import best_log_wealth, claimed_of_the_rest, refuted
from bench.given_labels import LEVEL, TARGET_ERROR, GivenLabels, Outcome, kept_as_given, surest_first

# As many as PAC labeling draws, fixed in advance.
DRAWS = 500
_THRESHOLDS = 100


def audit_of_whole_set(given: GivenLabels, seed: int, draws: int = DRAWS) -> Outcome:
    """At most the target of the whole data set stays wrong.

    Thresholds from the highest down: the errors above one only grow on that way.
    """
    audit = _Audit(given, seed, draws)
    size = len(given)
    claimed = _at_least_wrong(np.full(len(audit.sizes), size))
    # Each draw counts: those below a threshold are people's, so right.
    counted = np.ones(audit.above.shape, bool)
    rest = claimed_of_the_rest(audit.wrong, counted, np.full(len(claimed), size), claimed)
    return audit.ended(_first_in_row(refuted(audit.wrong, rest, counted, LEVEL)))


def audit_of_auto_labels(given: GivenLabels, seed: int, draws: int = DRAWS) -> Outcome:
    """At most the target of the labels that are kept is wrong.

    Half the draws choose where to begin, since few draws fall above the highest thresholds: where the bet won
    most. The other half tests from there down.
    """
    audit = _Audit(given, seed, draws)
    half = len(audit.wrong) // 2
    chooses, tests = audit.above[:half], audit.above[half:]
    before = _at_least_wrong(audit.sizes)
    rest = claimed_of_the_rest(audit.wrong[:half], chooses, audit.sizes, before)
    begin = int(np.argmax(best_log_wealth(audit.wrong[:half], rest, chooses, LEVEL)))
    # What is drawn is people's in the end, so it is not kept; errors that the first half found are corrected.
    objects = audit.sizes - chooses.sum(axis=0)
    claimed = _at_least_wrong(objects - tests.sum(axis=0))
    rest = claimed_of_the_rest(audit.wrong[half:], tests, objects, claimed)
    passed = refuted(audit.wrong[half:], rest, tests, LEVEL)
    row = _first_in_row(passed[begin:])
    return audit.ended(begin + row if row else 0)


class _Audit:
    """Draws without replacement, and a hundred thresholds."""

    def __init__(self, given: GivenLabels, seed: int, draws: int) -> None:
        self._given = given
        self._rank = np.empty(len(given), int)
        self._rank[surest_first(given)] = np.arange(len(given))
        self._drawn = np.random.default_rng(seed).permutation(len(given))[:draws]
        self.sizes = np.unique(np.linspace(0, len(given), _THRESHOLDS + 1)[1:].astype(int))
        """How many objects are above each threshold."""
        self.above = self._rank[self._drawn][:, np.newaxis] < self.sizes
        self.wrong = given.wrong[self._drawn][:, np.newaxis] & self.above
        """Of each draw, and each threshold: whether the machine's label is wrong and would be kept."""

    def ended(self, passed: int) -> Outcome:
        """With the labels above the last threshold that passed, but for what people were asked about."""
        kept = self._rank < (self.sizes[passed - 1] if passed else 0)
        kept[self._drawn] = False
        return kept_as_given(self._given, kept)


def _at_least_wrong(objects: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """The fewest errors that are too many."""
    return np.asarray(np.floor(TARGET_ERROR * objects + 1e-9).astype(int) + 1)


def _first_in_row(passed: npt.NDArray[np.bool_]) -> int:
    """How many pass before the first that fails."""
    return int(np.argmin(np.append(passed, False)))

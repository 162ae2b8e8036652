"""How many of the surest candidates pass, where the draws of one test decide that.

For a promise about the whole data set, the number of wrong labels that is allowed does not depend on how
many labels the machine gives. So one test can be made of many sets at once: of the surest 5 %, 6 % and so on,
up to all candidates. Each is drawn from by those draws that fall into it. All are tested at the full level,
from the smallest up, and the first that does not pass ends the row (fixed sequence testing; Maurer, Hothorn &
Lehmacher, 1995). People correct the errors that draws find, so the smallest set that would break the promise
may become a larger one during a test. `log_wealths` bets against every way in which it can:
docs/certificate.md has the proof.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.betting import expected_growth, largest_stake
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning

# Mathematics, not tuned: the least that is divided by.
_LEAST_GROWTH = 1e-9

Floats = npt.NDArray[np.float64]
Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SurestSets:
    """The sets of the surest candidates, the smallest first; arrays have shape (sets,)."""

    sizes: Sizes
    allowed: Sizes  # how many labels may be wrong among those that nobody is asked about

    @staticmethod
    def of(
        chances: Floats,
        weights: Floats,
        promise: Promise,
        most_draws: int,
        level: float,
        *,
        tuning: Tuning = DEFAULT,
    ) -> "SurestSets":
        """Fixed before anything is drawn: with a limited budget, draws leave fewer labels to be wrong.

        `chances` of being wrong and `weights` of all candidates, from the surest: shape (candidates,).
        """
        candidates = len(chances)
        found = {math.floor(candidates * (1 - share)) for share in tuning.drawing.shares_cut} - {0}
        sizes = np.array(sorted(found), np.int64)
        allowed = np.array(
            [promise.allowed(max(0, size - most_draws), among=size) for size in sizes.tolist()], np.int64
        )
        sets = SurestSets(sizes, allowed)
        if not promise.leaves_labels_open:
            return sets
        draws = sets._draws_to_pass(chances, weights, -math.log(level), tuning.betting.most_at_stake)
        # Of so few labels, little may be wrong in a small set, and few draws fall into it: one that cannot
        # pass would end the row. It begins with the set that is expected to pass first.
        kept = (sizes <= allowed) | (np.arange(len(sizes)) >= int(np.argmin(draws)))
        return SurestSets(sizes[kept], allowed[kept])

    def _draws_to_pass(self, chances: Floats, weights: Floats, goal: float, most_at_stake: float) -> Floats:
        """About how many draws from all candidates it takes until each set passes; shape (sets,)."""
        last = self.sizes - 1
        wrong = np.cumsum(chances)[last] / self.sizes
        weight = np.cumsum(weights)[last]
        relative = np.cumsum(chances / weights)[last] * weight / self.sizes**2
        least = np.minimum.accumulate(weights)[last] * self.sizes / weight
        growth = expected_growth(self.allowed / self.sizes, wrong, relative, least, most_at_stake)
        inside = weight / weights.sum()
        return np.asarray(goal / np.maximum(growth * inside, _LEAST_GROWTH))


def log_wealths(
    sets: SurestSets,
    ranks: npt.NDArray[np.integer],
    weights: Floats,
    drawn: npt.NDArray[np.integer],
    wrong: npt.NDArray[np.bool_],
    stakes: Floats,
    *,
    tuning: Tuning = DEFAULT,
) -> Floats:
    """Logarithm of the wealth won by betting that each set breaks no promise; shape (sets,).

    `ranks`, `weights`: of all candidates, shape (candidates,). `drawn`: their positions, in the order of
    drawing; `wrong` and `stakes` are of these draws; shapes (draws,). Infinite for a set that is no larger
    than the number of wrong labels allowed: it can break none.
    """
    bets = _Bets.of(sets, ranks, weights, drawn, wrong, stakes, tuning.betting.most_at_stake)
    # The least wealth of all ways up to here on which the bets are about each set from here on.
    starts, least = [0], [np.where(sets.sizes > sets.allowed, 0.0, np.inf)]
    for place in np.flatnonzero(wrong).tolist():
        # From a set in which this error was found, and in which no more than allowed is left with it.
        until = bets.won(place + 1, ends_with_error=True)
        ended = np.min([before + until[start] for start, before in zip(starts, least, strict=True)], axis=0)
        ended = np.where(bets.inside[place], ended, np.inf)
        starts.append(place + 1)
        least.append(np.concatenate([[np.inf], np.minimum.accumulate(ended)[:-1]]))
    until = bets.won(len(wrong), ends_with_error=False)
    ways = [before + until[start] for start, before in zip(starts, least, strict=True)]
    return np.asarray(np.min(ways, axis=0))


@dataclass(frozen=True)
class _Bets:
    """What is known before each draw, by set; arrays have shape (draws, sets) but for the last four."""

    inside: npt.NDArray[np.bool_]  # whether the draw is from the set
    objects: Floats  # in the set, not drawn before
    largest_estimate: Floats  # of the share of wrong objects in it
    estimate: Floats  # by this draw
    errors: Floats  # found in the set before this draw
    errors_in_all: Floats  # found in each set by now; shape (sets,)
    stakes: Floats  # shape (draws, 1)
    allowed: Sizes  # shape (sets,)
    most_at_stake: float

    @staticmethod
    def of(
        sets: SurestSets,
        ranks: npt.NDArray[np.integer],
        weights: Floats,
        drawn: npt.NDArray[np.integer],
        wrong: npt.NDArray[np.bool_],
        stakes: Floats,
        most_at_stake: float,
    ) -> "_Bets":
        by_rank = weights[np.argsort(ranks, kind="stable")]
        inside = ranks[drawn][:, np.newaxis] < sets.sizes
        of_draw = weights[drawn][:, np.newaxis]
        objects = np.maximum(1, sets.sizes - _before(inside.astype(float)))
        mean_weight = (np.cumsum(by_rank)[sets.sizes - 1] - _before(inside * of_draw)) / objects
        found = (inside & wrong[:, np.newaxis]).astype(float)
        return _Bets(
            inside=inside,
            objects=objects,
            largest_estimate=mean_weight / np.minimum.accumulate(by_rank)[sets.sizes - 1],
            estimate=wrong[:, np.newaxis] * mean_weight / of_draw,
            errors=_before(found),
            errors_in_all=found.sum(axis=0),
            stakes=stakes[:, np.newaxis],
            allowed=sets.allowed,
            most_at_stake=most_at_stake,
        )

    def won(self, end: int, *, ends_with_error: bool) -> Floats:
        """The logarithm of what the draws from each one up to `end` win, in all; shape (end + 1, sets).

        So many are wrong in the set that more than allowed is left at the end, or just before the last draw.
        """
        found = self.errors[end - 1] if ends_with_error else self.errors_in_all
        left = self.allowed + 1 + found - self.errors[:end]
        price = np.minimum(1.0, left / self.objects[:end])
        stake = np.minimum(
            self.stakes[:end], largest_stake(self.most_at_stake, self.largest_estimate[:end], price)
        )
        won = np.log1p(np.where(self.inside[:end], stake * (price - self.estimate[:end]), 0.0))
        sums = np.zeros((end + 1, won.shape[1]))
        sums[:end] = np.cumsum(won[::-1], axis=0)[::-1]
        return sums


def _before(values: Floats) -> Floats:
    """The sum of the rows before each row."""
    return np.asarray(np.cumsum(values, axis=0) - values)

"""How large a total is, from draws without replacement in proportion to weights; valid at any stop.

Each draw, divided by its chance (inverse-probability weighting), estimates without bias the mean of what
had not been drawn before. A total that is claimed fixes what that mean is, and so the fair odds of a bet on
it: if the claim is right, the wealth is a nonnegative martingale, and by Ville's inequality reaches
`1 / level` with a chance of at most `level`, whenever one looks. What bets at half the level refute in either
direction is left out of the interval. (Waudby-Smith & Ramdas, JRSS B 2024, arXiv 2010.09686: hedged betting
with stakes by the variance so far, as for an empirical Bernstein bound; draws by weight: Shekhar et al., UAI
2023, arXiv 2305.06884.)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Any stakes chosen before the draw keep the promise. These decide how narrow the intervals are: the most of
# the wealth that a draw can take, and the variance that is believed before the first draw.
_MOST_LOST, _VARIANCE_BEFORE = 0.75, 0.1


@dataclass(frozen=True)
class WeightedDraws:
    """Objects that left a set one after the other, in that order; shapes (objects that left,)."""

    by_chance: npt.NDArray[np.bool_]  # drawn; if not, it was chosen, and there is no bet on it
    remaining: Floats  # how many had not left before
    factor: Floats  # mean weight of those, by the weight of the object
    largest_factor: Floats  # the most that any object could have had then
    planned: float  # draws: stakes are chosen for about as many


@dataclass(frozen=True)
class Numbers:
    """What is added up: one number for each object that left; shapes (objects that left,)."""

    least: Floats  # the same as `most` where the number is known
    most: Floats
    of_the_rest: "Limits"  # of the total of all others, whatever was drawn
    possible: "Limits"  # of the number of any object, as known before the first draw


@dataclass(frozen=True)
class Limits:
    """The least and the most that something may be."""

    low: float
    high: float


def limits_of_total(draws: WeightedDraws, numbers: Numbers, level: float) -> Limits:
    """The total over the whole set; wrong with a chance of at most `level`. It is a whole number."""
    rest, possible = numbers.of_the_rest, numbers.possible
    low, high = float(numbers.least.sum()) + rest.low, float(numbers.most.sum()) + rest.high
    if not draws.by_chance.any() or rest.low == rest.high:
        return Limits(low, high)
    more = _betting_on_more(draws, numbers.least, possible.low)
    fewer = _betting_on_more(draws, -numbers.most, -possible.high)
    smallest = _smallest_not_refuted(more, math.floor(low), math.ceil(high), level / 2)
    largest = -_smallest_not_refuted(fewer, math.floor(-high), math.ceil(-low), level / 2)
    return Limits(max(low, smallest), min(high, largest))


def _smallest_not_refuted(wealth: Callable[[float], float], low: int, high: int, level: float) -> int:
    """The smallest whole total that betting on "more" does not refute; the wealth falls with the claim."""
    goal = -math.log(level)
    while low < high:
        middle = (low + high) // 2
        if wealth(middle) >= goal:
            low = middle + 1
        else:
            high = middle
    return low


def _betting_on_more(draws: WeightedDraws, numbers: Floats, lowest: float) -> Callable[[float], float]:
    """The logarithm of the most wealth there was, as a function of the total that is claimed.

    `lowest`: of all numbers that there can be
    """
    drawn = draws.by_chance
    before = (np.cumsum(numbers) - numbers)[drawn]
    remaining, estimates = draws.remaining[drawn], (numbers * draws.factor)[drawn]
    floor = min(0.0, lowest) * draws.largest_factor[drawn]
    stakes = _stakes(estimates, draws.planned)

    def log_wealth(total: float) -> float:
        claimed = (total - before) / remaining
        at_most = _MOST_LOST / np.maximum(claimed - floor, 1e-12)
        growth = np.log1p(np.minimum(stakes, at_most) * (estimates - claimed))
        return float(np.maximum.accumulate(np.cumsum(growth))[-1])

    return log_wealth


def _stakes(estimates: Floats, planned: float) -> Floats:
    """The stakes by the variance before each draw; shape (draws,)."""
    draws = np.arange(1, len(estimates) + 1)
    seen = np.concatenate([[0.0], estimates[:-1]])
    mean = np.cumsum(seen) / draws
    squares = np.cumsum((seen - mean) ** 2)
    variance = (_VARIANCE_BEFORE + squares) / draws
    return np.asarray(np.sqrt(2 * math.log(2 / 0.05) / (variance * np.maximum(draws, planned))), np.float64)

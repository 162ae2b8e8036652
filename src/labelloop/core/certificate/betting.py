"""A test of "too many of these objects are wrong", by betting against it while objects are drawn.

Risk-limiting audits by weighted sampling without replacement (Shekhar, Xu, Lipton, Liang & Ramdas, UAI 2023,
arXiv 2305.06884; betting: Waudby-Smith & Ramdas, JRSS B 2024, arXiv 2010.09686). Objects are drawn one by
one, the more doubtful ones more often. Whoever believes that `M` of them are wrong offers fair odds on each
draw; against these odds a stake is laid on "fewer". If `M` is right, the wealth is a nonnegative martingale,
and by Ville's inequality the chance that it ever reaches `1 / level` is at most `level`: whatever the stakes,
the weights and the moment one stops at, as long as each is chosen before the draw it is for.
"""

import math
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.numerics import zero_of

Floats = npt.NDArray[np.float64]

# Shares of evenness in the weights that are tried: 1 draws all alike, 0.3 doubtful objects most.
_EVENNESS = (1.0, 0.75, 0.5, 0.3)
# Of the stake that one wrong object could lose altogether.
_MOST_AT_STAKE = 0.95
# So many objects tell what a plan needs to know of a million.
_ENOUGH_TO_PLAN = 2_000
# To a millionth of the most: about its greatest value growth differs by the square of that.
_HALVINGS = 20
# Of the logarithm of the wealth, with a draw; below, no draws are enough.
_LEAST_GROWTH = 1e-6


@dataclass(frozen=True)
class Plan:
    """How to draw and how much to stake, and what that is expected to take."""

    evenness: float
    stake: float
    draws: float  # expected until the test passes; infinite where it is not expected to


@dataclass(frozen=True)
class Draws:
    """What has left the objects, in order, by chance or chosen; arrays have shape (objects that left,)."""

    weight: Floats  # of the object
    mean_weight: Floats  # of all objects that had not left before
    remaining: Floats  # how many these were
    wrong: npt.NDArray[np.bool_]
    by_chance: npt.NDArray[np.bool_]  # else there was no bet on it
    least_weight: float  # of all objects
    stake: Floats  # of the wealth, on each; 0 where there was no bet

    def log_wealth(self, wrong_in_all: float) -> float:
        """Logarithm of the wealth won from whoever believes that so many of all objects are wrong."""
        if not len(self.wrong):
            return 0.0
        payoff = (wrong_in_all - self._wrong_before()) / self.remaining - self._estimates()
        # So a wrong object never takes all.
        stakes = np.minimum(self.stake, _MOST_AT_STAKE * self.least_weight / self.mean_weight)
        return float(np.log1p(stakes * payoff).sum())

    def error_estimate(self) -> float:
        """The share of wrong ones among all objects, without bias; 0 before the first draw."""
        if not self.by_chance.any():
            return 0.0
        in_all = self._wrong_before() + self._estimates() * self.remaining
        return float(np.mean(in_all[self.by_chance]) / self.remaining[0])

    def _estimates(self) -> Floats:
        """Of the share of wrong ones among those not drawn before, one an object drawn."""
        return self.wrong * self.mean_weight / self.weight

    def _wrong_before(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.wrong)[:-1]])


def weights(uncertainty: npt.NDArray[np.floating], evenness: float) -> Floats:
    """How often objects are drawn, relative to one another; mean 1, least `evenness`; shape (objects,).

    The variance of the estimate is least where objects are drawn in proportion to the root of their chance of
    being wrong (Neyman allocation; Sawade et al., ICML 2010); the even part is for errors nobody expects.
    """
    root = np.sqrt(np.maximum(uncertainty, 1e-9))
    mean = root.mean() if len(root) else 1.0
    return np.asarray(evenness + (1 - evenness) * root / mean, np.float64)


def make_plan(uncertainty: npt.NDArray[np.floating], target_error: float, level: float) -> Plan:
    """The weights and the stake whose wealth is expected to grow fastest.

    `uncertainty`, shape (objects,): the chance of each object to be wrong, as well as one knows.
    """
    plans = [plan_with(evenness, uncertainty, target_error, level) for evenness in _EVENNESS]
    return min(plans, key=lambda plan: plan.draws)


def plan_with(evenness: float, chances: npt.NDArray[np.floating], target_error: float, level: float) -> Plan:
    """The best stake for weights that are given; shape of `chances`, to be wrong: (objects,)."""
    total = len(chances)
    uncertainty = np.sort(chances)[:: max(1, total // _ENOUGH_TO_PLAN)].astype(np.float64)
    weight = weights(uncertainty, evenness)
    chance = weight / weight.sum()

    def growth(stake: float) -> float:
        lost = np.log1p(stake * (target_error - 1 / weight))
        return float(
            (chance * (uncertainty * lost + (1 - uncertainty) * np.log1p(stake * target_error))).sum()
        )

    def decline(stake: Floats) -> Floats:
        lost = (target_error - 1 / weight) / (1 + stake * (target_error - 1 / weight))
        won = target_error / (1 + stake * target_error)
        return np.asarray(-(chance * (uncertainty * lost + (1 - uncertainty) * won)).sum())

    # Growth is concave: it is greatest where it neither grows nor declines any more.
    most = np.asarray(_MOST_AT_STAKE * evenness)
    stake = float(zero_of(decline, np.zeros(()), most, _HALVINGS))
    grown = growth(stake)
    if grown <= _LEAST_GROWTH:
        return Plan(evenness, stake, math.inf)
    return Plan(evenness, stake, _of_so_many(total, -math.log(level) / grown))


def _of_so_many(total: int, draws: float) -> float:
    """How many draws it takes without replacement, if it takes so many with.

    The promise is about the objects that are not drawn: the more are drawn, the less what is left can differ
    from what was seen. After half of them more draws tell no more; what it would take then is no forecast,
    but the more the less can be hoped for.
    """
    if 4 * draws >= total:
        return draws + total / 4
    return total / 2 * (1 - math.sqrt(1 - 4 * draws / total))


def fewest_draws(target_error: float, level: float) -> int:
    """How many draws, all of them right, it takes to pass a test about many objects."""
    return (
        math.ceil(-math.log(level) / math.log1p(_MOST_AT_STAKE * target_error)) if level > 0 else sys.maxsize
    )

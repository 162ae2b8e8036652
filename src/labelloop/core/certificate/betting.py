"""A test of "too many of these objects are wrong", by betting against it while objects are drawn.

Risk-limiting audits by weighted sampling without replacement (Shekhar, Xu, Lipton, Liang & Ramdas, UAI 2023,
arXiv 2305.06884; betting: Waudby-Smith & Ramdas, JRSS B 2024, arXiv 2010.09686). Objects are drawn one by
one, the more doubtful ones more often. Somebody who believes that `M` of them are wrong offers fair odds on
each draw; against these odds a stake is bet on "fewer". If `M` is right, the wealth is a nonnegative
martingale, and by Ville's inequality the chance that it ever reaches `1 / level` is at most `level`: whatever
the stakes, the weights and the moment of stopping, as long as each is chosen before the draw it is for.
"""

import math
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.numerics import zero_of

Floats = npt.NDArray[np.float64]

# Mathematics, not tuned. This many halvings find the stake to a millionth of the largest one: near its
# greatest value, growth differs by the square of that.
_HALVINGS = 20
# Of the logarithm of the wealth, for each draw. Below this it counts as none, and no draws are enough.
_LEAST_GROWTH = 1e-6
# The least chance of an error that weights are computed from: its root must not be 0 for all objects.
_LEAST_CHANCE = 1e-9


@dataclass(frozen=True)
class Plan:
    """How to draw, how much to bet, and how many draws that is expected to take."""

    evenness: float  # of the weights: see `weights`
    stake: float  # of the wealth, on each draw
    draws: float  # expected until the test passes; infinite where it is not expected to


@dataclass(frozen=True)
class Draws:
    """The objects that have left, in order, drawn or chosen; arrays have shape (objects that left,)."""

    weight: Floats  # of the object
    mean_weight: Floats  # of all objects that had not left before
    remaining: Floats  # how many had not left before
    wrong: npt.NDArray[np.bool_]
    by_chance: npt.NDArray[np.bool_]  # drawn; otherwise there was no bet on it
    least_weight: float  # of all objects
    stake: Floats  # of the wealth, on each; 0 where there was no bet
    most_at_stake: float  # see `Betting`

    def log_wealth(self, wrong_in_all: float) -> float:
        """Logarithm of the wealth won by betting against `wrong_in_all` of all objects being wrong."""
        if not len(self.wrong):
            return 0.0
        payoff = (wrong_in_all - self._wrong_before()) / self.remaining - self._estimates()
        # With these stakes a wrong object never takes all the wealth.
        stakes = np.minimum(self.stake, self.most_at_stake * self.least_weight / self.mean_weight)
        return float(np.log1p(stakes * payoff).sum())

    def error_estimate(self) -> float:
        """The share of wrong objects among all, without bias; 0 before the first draw."""
        if not self.by_chance.any():
            return 0.0
        in_all = self._wrong_before() + self._estimates() * self.remaining
        return float(np.mean(in_all[self.by_chance]) / self.remaining[0])

    def _estimates(self) -> Floats:
        """Of the share of wrong objects among those that had not left before: one for each that left."""
        return self.wrong * self.mean_weight / self.weight

    def _wrong_before(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.wrong)[:-1]])


def weights(uncertainty: npt.NDArray[np.floating], evenness: float) -> Floats:
    """How often objects are drawn, relative to one another; mean 1, least `evenness`; shape (objects,).

    The variance of the estimate is least where objects are drawn in proportion to the root of their chance of
    being wrong (Neyman allocation; Sawade et al., ICML 2010). The even part is for unexpected errors.
    """
    root = np.sqrt(np.maximum(uncertainty, _LEAST_CHANCE))
    mean = root.mean() if len(root) else 1.0
    return np.asarray(evenness + (1 - evenness) * root / mean, np.float64)


def make_plan(
    uncertainty: npt.NDArray[np.floating], target_error: float, level: float, *, tuning: Tuning = DEFAULT
) -> Plan:
    """The weights and the stake with which the wealth is expected to grow fastest.

    `uncertainty`, shape (objects,): the chance of each object to be wrong, as far as it is known.
    """
    plans = [
        plan_with(evenness, uncertainty, target_error, level, tuning=tuning)
        for evenness in tuning.drawing.evenness
    ]
    return min(plans, key=lambda plan: plan.draws)


def plan_with(
    evenness: float,
    chances: npt.NDArray[np.floating],
    target_error: float,
    level: float,
    *,
    tuning: Tuning = DEFAULT,
) -> Plan:
    """The best stake for weights of that evenness. `chances` of being wrong: shape (objects,)."""
    total, betting = len(chances), tuning.betting
    uncertainty = np.sort(chances)[:: max(1, total // betting.objects_planned_with)].astype(np.float64)
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

    # Growth is concave: it is greatest where it neither rises nor declines.
    most = np.asarray(betting.most_at_stake * evenness)
    stake = float(zero_of(decline, np.zeros(()), most, _HALVINGS))
    grown = growth(stake)
    if grown <= _LEAST_GROWTH:
        return Plan(evenness, stake, math.inf)
    return Plan(evenness, stake, _without_replacement(total, -math.log(level) / grown))


def _without_replacement(total: int, draws: float) -> float:
    """How many draws it takes of `total` objects, if it takes `draws` with replacement.

    The promise is about the objects that are not drawn: the more are drawn, the less the rest can differ
    from what was seen. After half of them, more draws tell no more. What is returned then is no forecast. It
    only grows with the draws that would be needed, so that plans can be compared.
    """
    if 4 * draws >= total:
        return draws + total / 4
    return total / 2 * (1 - math.sqrt(1 - 4 * draws / total))


def fewest_draws(target_error: float, level: float, *, tuning: Tuning = DEFAULT) -> int:
    """How many draws, all of them right, it takes to pass a test about many objects."""
    if level <= 0:
        return sys.maxsize
    return math.ceil(-math.log(level) / math.log1p(tuning.betting.most_at_stake * target_error))

"""A test of "too many of these objects are wrong", by betting against it while objects are drawn.

Risk-limiting audits by weighted sampling without replacement (Shekhar, Xu, Lipton, Liang & Ramdas, UAI 2023,
arXiv 2305.06884; betting: Waudby-Smith & Ramdas, JRSS B 2024, arXiv 2010.09686). Objects are drawn one by
one, the more doubtful ones more often. Somebody who believes that `M` of them are wrong offers fair odds on
each draw; against these odds a stake is bet on "fewer". If `M` is right, the wealth is a nonnegative
martingale, and by Ville's inequality the chance that it ever reaches `1 / level` is at most `level`: whatever
the stakes, the weights and the moment of stopping, as long as each is chosen before the draw it is for.
"""

import functools
import math
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning

Floats = npt.NDArray[np.float64]

# Mathematics, not tuned. This many halvings find the stake to a millionth of the largest one: near its
# greatest value, growth differs by the square of that.
_HALVINGS = 20
# Numbers of draws that are tried where the error allowed among the rest depends on them.
_DRAWS_TRIED = 200
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
        price = (wrong_in_all - self._wrong_before()) / self.remaining
        most = largest_stake(self.most_at_stake, self.mean_weight / self.least_weight, price)
        return float(np.log1p(np.minimum(self.stake, most) * (price - self._estimates())).sum())

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
    uncertainty: npt.NDArray[np.floating], promise: Promise, level: float, *, tuning: Tuning = DEFAULT
) -> Plan:
    """The weights and the stake with which the wealth is expected to grow fastest.

    `uncertainty`, shape (objects,): the chance of each object to be wrong, as far as it is known.
    """
    some = _standing_for(uncertainty, tuning=tuning)
    plans = [
        _plan(evenness, some, len(uncertainty), promise, level, tuning=tuning)
        for evenness in tuning.drawing.evenness
    ]
    return min(plans, key=lambda plan: plan.draws)


def plan_with(
    evenness: float,
    chances: npt.NDArray[np.floating],
    promise: Promise,
    level: float,
    *,
    tuning: Tuning = DEFAULT,
) -> Plan:
    """The best stake for weights of that evenness. `chances` of being wrong: shape (objects,)."""
    some = _standing_for(chances, tuning=tuning)
    return _plan(evenness, some, len(chances), promise, level, tuning=tuning)


def _standing_for(chances: npt.NDArray[np.floating], *, tuning: Tuning) -> Floats:
    """Evenly spaced ones of the ascending chances: enough to plan with."""
    step = max(1, len(chances) // tuning.betting.objects_planned_with)
    return np.sort(chances)[::step].astype(np.float64)


def _plan(
    evenness: float, chances: Floats, total: int, promise: Promise, level: float, *, tuning: Tuning
) -> Plan:
    """`chances` stand for those of `total` objects."""
    if promise.allowed(total) >= total:
        return Plan(evenness, 0.0, 0.0)
    bets = _Bets(chances, weights(chances, evenness), tuning.betting.most_at_stake)
    drawn = bets.draws_until(promise, total, -math.log(level)) if promise.is_of_dataset else 0
    # Every draw that is right or corrected leaves more room for errors among the rest.
    stake, growth = bets.best(promise.share_allowed(total - drawn))
    if growth <= _LEAST_GROWTH:
        return Plan(evenness, stake, math.inf)
    return Plan(evenness, stake, max(drawn, _without_replacement(total, -math.log(level) / growth)))


@dataclass(frozen=True)
class _Bets:
    """Bets on draws from objects of these chances to be wrong and these weights; shapes (objects,)."""

    chances: Floats
    weight: Floats
    most_at_stake: float

    def best(self, target_error: float) -> tuple[float, float]:
        """The stake with which the logarithm of the wealth is expected to grow fastest, and that growth."""
        right, wrong = target_error, target_error - 1 / self.weight
        losing = self.weight / self.weight.sum() * self.chances
        winning = 1 - float(losing.sum())
        # Growth is concave: it is greatest where it neither rises nor declines.
        low, high = 0.0, float(largest_stake(self.most_at_stake, 1 / self.weight.min(), target_error))
        for _ in range(_HALVINGS):
            stake = (low + high) / 2
            rise = winning * right / (1 + stake * right) + float(losing @ (wrong / (1 + stake * wrong)))
            low, high = (stake, high) if rise > 0 else (low, stake)
        stake = (low + high) / 2
        growth = winning * math.log1p(stake * right) + float(losing @ np.log1p(stake * wrong))
        return stake, growth

    def draws_until(self, promise: Promise, total: int, goal: float) -> int:
        """About how many draws until the wealth's logarithm is the goal, by its mean and variance."""
        draws = _draws_to_try(total)
        target = promise.shares_allowed(total - draws)
        mean, square = self.chances.mean(), (self.chances / self.weight).mean()
        growth = expected_growth(target, mean, square, self.weight.min(), self.most_at_stake)
        enough = growth * draws * (total - draws) >= goal * total
        return int(draws[np.argmax(enough)]) if enough.any() else int(draws[-1])


@functools.lru_cache(maxsize=64)
def _draws_to_try(total: int) -> npt.NDArray[np.int64]:
    """Evenly spaced, from 0 and below the total, ascending."""
    draws = np.unique(np.linspace(0, total, _DRAWS_TRIED).astype(np.int64))[:-1]
    draws.flags.writeable = False
    return draws


def expected_growth(
    target: Floats, mean: Floats, square: Floats, least_weight: Floats, most_at_stake: float
) -> Floats:
    """About how fast the wealth's logarithm grows with each draw, where `target` is the share allowed.

    `mean`, `square`: of what a draw says of the share of wrong objects; weights have the mean 1.
    """
    surplus = np.maximum(target - mean, 0)
    growth = surplus**2 / (2 * (square - 2 * target * mean + target**2) + _LEAST_CHANCE)
    return np.asarray(np.minimum(growth, np.log1p(most_at_stake * least_weight * target)))


def largest_stake(most_at_stake: float, wrong_estimate: Floats | float, price: Floats | float) -> Floats:
    """The part `most_at_stake` of the stake with which an object that is wrong takes all the wealth."""
    return np.asarray(most_at_stake / np.maximum(wrong_estimate - price, _LEAST_CHANCE), np.float64)


def _without_replacement(total: int, draws: float) -> float:
    """How many draws it takes of `total` objects, if it takes `draws` with replacement.

    The promise is about the objects that are not drawn: the more are drawn, the less the rest can differ
    from what was seen. After half of them, more draws tell no more. What is returned then is no forecast. It
    only grows with the draws that would be needed, so that plans can be compared.
    """
    if 4 * draws >= total:
        return draws + total / 4
    return total / 2 * (1 - math.sqrt(1 - 4 * draws / total))


def fewest_draws(promise: Promise, level: float, *, tuning: Tuning = DEFAULT) -> int:
    """How many draws, all of them right, it takes to pass a test about many objects.

    One where the promise is about the whole output: it needs none where no more objects are left than may be
    wrong.
    """
    if level <= 0:
        return sys.maxsize
    if promise.is_of_dataset:
        return 1
    target = promise.target_error
    stake = largest_stake(tuning.betting.most_at_stake, 1.0, target)
    return math.ceil(-math.log(level) / math.log1p(float(stake) * target))

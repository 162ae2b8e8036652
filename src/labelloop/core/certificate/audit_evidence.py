"""What people's answers say about objects whose labels are tested together, and what is still missing."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.betting import Draws, Plan, plan_with, weights
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.people.second_opinions import Flags, Rows

# Mathematics, not tuned: decimals to which a share of objects is rounded, for 0.05 * 20 is not quite 1.
_DECIMALS = 9


@dataclass(frozen=True)
class Group:
    """Objects whose labels are certified together, and how they are tested."""

    plan: Plan
    level: float  # the chance of a wrong promise that this test was given


@dataclass(frozen=True)
class Way:
    """The way in which a test is expected to pass with the fewest answers."""

    draws: float
    withdrawn: int  # the most doubtful open objects, which people are asked about in addition
    stake: float  # the best one for these draws

    @property
    def answers(self) -> float:
        """0 when the test has passed; infinite where it is not expected to."""
        return self.draws + self.withdrawn


@dataclass(frozen=True)
class Evidence:
    """What people's answers say about a group."""

    drawn: int  # objects drawn at random that people answered about
    wrong: int  # how many of these the model had wrong
    withdrawn: int  # doubtful objects that people were asked about so that the rest passes
    open_objects: int  # what would be labeled: nobody was asked about these
    error_estimate: float  # share of wrong labels in the whole group, without bias
    error_bound: float  # exact upper bound on the share of wrong labels among the open objects
    way: Way

    @property
    def candidates(self) -> int:
        return self.drawn + self.withdrawn + self.open_objects

    def error_share(self, candidates: int) -> float:
        """What this group adds to the estimated error of all candidates, given their number."""
        return self.error_estimate * self.candidates / max(1, candidates)


def evidence_of(
    rows: Rows,
    answered: Flags,
    wrong: Flags,
    group: Group,
    target_error: float,
    *,
    tuning: Tuning = DEFAULT,
) -> Evidence:
    """From a group's candidates. `answered`, and `wrong` where the model is wrong: shapes (rows,)."""
    order = _in_order_of_leaving(rows)
    rows, answered, wrong = rows[order], answered[order], wrong[order]
    draws = _draws(rows, group.plan, np.flatnonzero(answered), wrong[answered], tuning=tuning)
    open_objects = int((rows["stage"] == 0).sum())
    by_chance = rows["drawn"] & answered
    return Evidence(
        drawn=int(by_chance.sum()),
        wrong=int((by_chance & wrong).sum()),
        withdrawn=int((answered & ~rows["drawn"]).sum()),
        open_objects=open_objects,
        error_estimate=draws.error_estimate(),
        error_bound=_bound(draws, group, open_objects),
        way=_way(rows, group, draws, target_error, tuning=tuning),
    )


def _in_order_of_leaving(rows: Rows) -> npt.NDArray[np.int64]:
    """Stage by stage: first what was withdrawn, then what was drawn. What is open comes last."""
    stage = np.where(rows["stage"] == 0, np.iinfo(np.int16).max, rows["stage"])
    return np.lexsort((rows["place"], rows["drawn"], stage))


def _draws(
    rows: Rows, plan: Plan, answered: npt.NDArray[np.int64], wrong: Flags, *, tuning: Tuning = DEFAULT
) -> Draws:
    """The objects of a group that people answered about. `rows` are in the order of leaving."""
    weight = weights(rows["uncertainty"], plan.evenness)
    # What has left before, answered or not, is gone. An object that nobody could label is no part of the
    # promise. That its weight counts until its turn can only make the estimate too high.
    mean_weight = np.cumsum(weight[::-1])[::-1] / np.arange(len(rows), 0, -1)
    return Draws(
        weight=weight[answered],
        mean_weight=mean_weight[answered],
        remaining=(len(rows) - answered).astype(float),
        wrong=wrong,
        by_chance=rows["drawn"][answered],
        least_weight=float(weight.min()) if len(weight) else 1.0,
        stake=rows["stake"][answered],
        most_at_stake=tuning.betting.most_at_stake,
    )


def _way(rows: Rows, group: Group, draws: Draws, target_error: float, *, tuning: Tuning = DEFAULT) -> Way:
    is_open = rows["stage"] == 0
    if not is_open.any():
        return Way(math.inf, 0, 0.0)
    goal, wrong = -math.log(group.level), float(draws.wrong.sum())
    if draws.log_wealth(_wrong_if_broken(wrong, int(is_open.sum()), target_error)) >= goal:
        return Way(0.0, 0, 0.0)
    expected = float(rows["uncertainty"][~is_open].sum())
    prior = tuning.belief.prior_errors_in_test
    believed = (wrong + prior) / (expected + prior)
    chances = np.sort(np.minimum(rows["uncertainty"][is_open] * believed, 1.0).astype(np.float64))[::-1]

    def having_withdrawn(count: int) -> Way:
        rest = chances[count:]
        found = wrong + float(chances[:count].sum())
        wealth = draws.log_wealth(_wrong_if_broken(found, len(rest), target_error))
        level = min(1.0, math.exp(wealth - goal))
        plan = plan_with(group.plan.evenness, rest, target_error, level, tuning=tuning)
        return Way(max(1.0, plan.draws), count, plan.stake)

    counts = {math.floor(share * len(chances)) for share in tuning.drawing.shares_withdrawn}
    return min(map(having_withdrawn, sorted(counts)), key=lambda way: way.answers)


def _wrong_if_broken(wrong: float, open_objects: int, share: float) -> float:
    """The fewest wrong candidates with which more than `share` of the open objects is wrong."""
    return wrong + math.floor(round(share * open_objects, _DECIMALS)) + 1


def _bound(draws: Draws, group: Group, open_objects: int) -> float:
    """The least share that the wealth refutes: no more of the open objects is wrong, at the test's level."""
    least, most, target = 0, open_objects, -math.log(group.level)
    if not open_objects:
        return 0.0
    while least < most:
        middle = (least + most) // 2
        if draws.log_wealth(int(draws.wrong.sum()) + middle + 1) >= target:
            most = middle
        else:
            least = middle + 1
    return least / open_objects

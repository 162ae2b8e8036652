"""What people's answers say about objects whose labels are tested together, and what is still missing."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.betting import Draws, Plan, plan_with, weights
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import NO_LABEL
from labelloop.core.people.second_opinions import Flags, Rows, refuted, settled_labels, undecided


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

    drawn: int  # objects drawn at random that people were asked about
    wrong: int  # how many of these the model had wrong
    unsettled: int  # how many have no answer yet, or answers that do not agree: they count as wrong
    withdrawn: int  # doubtful objects that people were asked about so that the rest passes
    open_objects: int  # what would be labeled: nobody was asked about these
    error_estimate: float  # share of wrong labels in the whole group, without bias
    wrong_bound: int  # exact upper bound on the number of wrong labels among the open objects
    way: Way

    @property
    def candidates(self) -> int:
        return self.drawn + self.withdrawn + self.open_objects

    @property
    def error_bound(self) -> float:
        """The same as a share of the open objects; 0 without any."""
        return self.wrong_bound / self.open_objects if self.open_objects else 0.0

    def error_share(self, candidates: int) -> float:
        """What this group adds to the estimated error of all candidates, given their number."""
        return self.error_estimate * self.candidates / max(1, candidates)


def evidence_of(
    rows: Rows, group: Group, promise: Promise, *, reviewed: bool, tuning: Tuning = DEFAULT
) -> Evidence:
    """From a group's candidates. `reviewed`: two people must agree that the model is wrong."""
    rows = rows[_in_order_of_leaving(rows)]
    settled = settled_labels(rows, reviewed=reviewed)
    answered = (settled != NO_LABEL) & ~undecided(rows, settled, reviewed=reviewed)
    wrong, left = refuted(rows, settled) & answered, rows["stage"] > 0
    # What people never settle counts as wrong where it was drawn, and as right where it was withdrawn: there
    # was no bet on it, so it must not make the hypothesis easier to refute.
    draws = _draws(rows, group.plan, left, np.where(rows["drawn"], wrong | ~answered, wrong), tuning=tuning)
    open_objects = int((~left).sum())
    return Evidence(
        drawn=int((left & rows["drawn"]).sum()),
        wrong=int((rows["drawn"] & wrong).sum()),
        unsettled=int((rows["drawn"] & ~answered).sum()),
        withdrawn=int((left & ~rows["drawn"]).sum()),
        open_objects=open_objects,
        error_estimate=draws.error_estimate(),
        wrong_bound=_bound(draws, group, open_objects),
        way=_way(rows, group, draws, promise, tuning=tuning),
    )


def _in_order_of_leaving(rows: Rows) -> npt.NDArray[np.int64]:
    """Stage by stage: first what was withdrawn, then what was drawn. What is open comes last."""
    stage = np.where(rows["stage"] == 0, np.iinfo(np.int16).max, rows["stage"])
    return np.lexsort((rows["place"], rows["drawn"], stage))


def _draws(rows: Rows, plan: Plan, left: Flags, wrong: Flags, *, tuning: Tuning = DEFAULT) -> Draws:
    """The objects of a group that have left. `rows` are in the order of leaving."""
    weight = weights(rows["uncertainty"], plan.evenness)
    mean_weight = np.cumsum(weight[::-1])[::-1] / np.arange(len(rows), 0, -1)
    return Draws(
        weight=weight[left],
        mean_weight=mean_weight[left],
        remaining=(len(rows) - np.flatnonzero(left)).astype(float),
        wrong=wrong[left],
        by_chance=rows["drawn"][left],
        least_weight=float(weight.min()) if len(weight) else 1.0,
        stake=rows["stake"][left],
        most_at_stake=tuning.betting.most_at_stake,
    )


def _way(rows: Rows, group: Group, draws: Draws, promise: Promise, *, tuning: Tuning = DEFAULT) -> Way:
    is_open = rows["stage"] == 0
    if not is_open.any():
        return Way(math.inf, 0, 0.0)
    goal, wrong, open_objects = -math.log(group.level), float(draws.wrong.sum()), int(is_open.sum())
    allowed = promise.allowed(open_objects)
    if allowed >= open_objects or draws.log_wealth(wrong + allowed + 1) >= goal:
        return Way(0.0, 0, 0.0)
    expected = float(rows["uncertainty"][~is_open].sum())
    prior = tuning.belief.prior_errors_in_test
    believed = (wrong + prior) / (expected + prior)
    chances = np.sort(np.minimum(rows["uncertainty"][is_open] * believed, 1.0).astype(np.float64))[::-1]

    def having_withdrawn(count: int) -> Way:
        rest = chances[count:]
        found = wrong + float(chances[:count].sum())
        wealth = draws.log_wealth(found + promise.allowed(len(rest)) + 1)
        level = min(1.0, math.exp(wealth - goal))
        plan = plan_with(group.plan.evenness, rest, promise, level, tuning=tuning)
        return Way(max(1.0, plan.draws), count, plan.stake)

    counts = {math.floor(share * len(chances)) for share in tuning.drawing.shares_withdrawn}
    return min(map(having_withdrawn, sorted(counts)), key=lambda way: way.answers)


def _bound(draws: Draws, group: Group, open_objects: int) -> int:
    """The least number that the wealth refutes: no more of the open objects is wrong, at the test's level."""
    least, most, target = 0, open_objects, -math.log(group.level)
    while least < most:
        middle = (least + most) // 2
        if draws.log_wealth(int(draws.wrong.sum()) + middle + 1) >= target:
            most = middle
        else:
            least = middle + 1
    return least

"""What people's answers say about objects whose labels are tested together, and what is still missing."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.betting import Draws, Plan, plan_with, weights
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.surest import SurestSets, log_wealths
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
class Counted:
    """Candidates, counted by what became of them."""

    drawn: int  # objects drawn at random that people were asked about
    wrong: int  # how many of these the model had wrong
    unsettled: int  # how many have no answer yet, or answers that do not agree: they count as wrong
    withdrawn: int  # doubtful objects that people were asked about so that the rest passes
    open_objects: int  # what would be labeled: nobody was asked about these
    error_estimate: float  # share of wrong labels among them all, without bias

    @property
    def candidates(self) -> int:
        return self.drawn + self.withdrawn + self.open_objects

    def error_share(self, candidates: int) -> float:
        """What these add to the estimated error of all candidates, given their number."""
        return self.error_estimate * self.candidates / max(1, candidates)


@dataclass(frozen=True)
class Evidence(Counted):
    """What people's answers say about a group, or about the surest of its candidates."""

    wrong_bound: int  # exact upper bound on the number of wrong labels among the open objects
    passes: bool  # no more than may be wrong is wrong, at the test's level
    way: Way
    surest: int | None = None  # how many of the group's candidates it is about; all, unless the draws choose

    @property
    def error_bound(self) -> float:
        """The bound as a share of the open objects; 0 without any."""
        return self.wrong_bound / self.open_objects if self.open_objects else 0.0


def evidence_of(
    rows: Rows, group: Group, promise: Promise, *, reviewed: bool, tuning: Tuning = DEFAULT
) -> Evidence:
    """From a group's candidates. `reviewed`: two people must agree that the model is wrong."""
    found = _Answers.of(rows, group.plan, reviewed=reviewed, tuning=tuning)
    passes = found.passes(group, promise)
    way = Way(0.0, 0, 0.0) if passes else found.cheapest_way(group, promise)
    return Evidence(**vars(found.counts()), wrong_bound=found.bound(group), passes=passes, way=way)


def counts_of(rows: Rows, group: Group, *, reviewed: bool, tuning: Tuning = DEFAULT) -> Counted:
    """A group's candidates."""
    return _Answers.of(rows, group.plan, reviewed=reviewed, tuning=tuning).counts()


def evidence_of_surest(
    rows: Rows, group: Group, promise: Promise, most_draws: int, *, reviewed: bool, tuning: Tuning = DEFAULT
) -> Evidence:
    """Of as many of a group's surest candidates as can be certified as it stands.

    `most_draws`: see `Audit`.
    """
    every = _Answers.of(rows, group.plan, reviewed=reviewed, tuning=tuning)
    by_rank = np.argsort(every.rows["rank"], kind="stable")
    chances = every.rows["uncertainty"][by_rank].astype(np.float64)
    sets = SurestSets.of(chances, every.weight[by_rank], promise, most_draws, group.level, tuning=tuning)
    goal, wealths = -math.log(group.level), every.wealths(sets)
    kept, allowed, certified, least, in_row = 0, 0, every.of_surest(0), math.inf, True
    cost, way = math.inf, Way(math.inf, 0, 0.0)  # the answers it takes to end, by the cheapest way on
    room, nearest = most_draws - int(every.left.sum()), Way(math.inf, 0, 0.0)
    for size, may_be_wrong, wealth in zip(sets.sizes.tolist(), sets.allowed.tolist(), wealths, strict=True):
        part = every.of_surest(size)
        # Nothing can be broken where no more is left than may be wrong.
        least = least if part.open_objects <= may_be_wrong else min(least, float(wealth))
        in_row = in_row and least >= goal
        if in_row:
            kept, allowed, certified = size, may_be_wrong, part
            continue
        by_draws = part.way_by_draws(promise, min(1.0, math.exp(least - goal)))
        # Draws are from all candidates. Those from outside the part are not among what people label then.
        there = Way(by_draws.draws / part.share_of_draws(every), 0, by_draws.stake)
        asked_again = there.draws * every.share_refuted if reviewed else 0.0
        cost_of_part = every.open_objects - part.open_objects + by_draws.draws + asked_again
        if there.draws > room:
            nearest = min(nearest, there, key=lambda one: one.draws)
        elif cost_of_part < cost:
            cost, way = cost_of_part, there
    if math.isinf(cost) and not kept:
        way = nearest
    left_to_people = every.open_objects - certified.open_objects
    if kept and left_to_people <= cost + tuning.giving_up.least_saving * len(rows):
        way = Way(0.0, 0, 0.0)
    # The bound is what was allowed: a smaller one would depend on the draws in a way that the proof does not.
    bound = min(allowed, certified.open_objects)
    return Evidence(**vars(certified.counts()), wrong_bound=bound, passes=kept > 0, way=way, surest=kept)


@dataclass(frozen=True)
class _Answers:
    """Candidates in the order of leaving, and what people said of them; arrays have shape (candidates,)."""

    rows: Rows
    weight: npt.NDArray[np.float64]
    wrong: Flags
    answered: Flags
    plan: Plan
    tuning: Tuning

    @staticmethod
    def of(rows: Rows, plan: Plan, *, reviewed: bool, tuning: Tuning) -> "_Answers":
        rows = rows[in_order_of_leaving(rows)]
        settled = settled_labels(rows, reviewed=reviewed)
        answered = (settled != NO_LABEL) & ~undecided(rows, settled, reviewed=reviewed)
        weight = weights(rows["uncertainty"], plan.evenness)
        wrong = refuted(rows, settled) & answered
        return _Answers(rows, weight, wrong, answered, plan, tuning=tuning)

    def of_surest(self, size: int) -> "_Answers":
        """Of the `size` surest only: the draws among them are random draws from them alone."""
        inside = self.rows["rank"] < size
        return replace(
            self,
            rows=self.rows[inside],
            weight=self.weight[inside],
            wrong=self.wrong[inside],
            answered=self.answered[inside],
        )

    @cached_property
    def left(self) -> Flags:
        return np.asarray(self.rows["stage"] > 0)

    @cached_property
    def open_objects(self) -> int:
        return int((~self.left).sum())

    @cached_property
    def draws(self) -> Draws:
        rows, left, weight = self.rows, self.left, self.weight
        # What people never settle counts as wrong where it was drawn, and as right where it was withdrawn:
        # there was no bet on it, so it must not make the hypothesis easier to refute.
        wrong = np.where(rows["drawn"], self.wrong | ~self.answered, self.wrong)
        mean_weight = np.cumsum(weight[::-1])[::-1] / np.arange(len(rows), 0, -1)
        return Draws(
            weight=weight[left],
            mean_weight=mean_weight[left],
            remaining=(len(rows) - np.flatnonzero(left)).astype(float),
            wrong=wrong[left],
            by_chance=rows["drawn"][left],
            least_weight=float(weight.min()) if len(weight) else 1.0,
            stake=rows["stake"][left],
            most_at_stake=self.tuning.betting.most_at_stake,
        )

    def share_of_draws(self, every: "_Answers") -> float:
        """How much of what is drawn next from all candidates falls on these."""
        return float(self.weight[~self.left].sum() / every.weight[~every.left].sum())

    @cached_property
    def share_refuted(self) -> float:
        """Of what is drawn next, the share that is expected to be wrong; 0 where nothing is open."""
        if not self.open_objects:
            return 0.0
        return float(np.average(self._expected, weights=self.weight[~self.left]))

    def counts(self) -> Counted:
        drawn = self.rows["drawn"]
        return Counted(
            drawn=int((self.left & drawn).sum()),
            wrong=int((drawn & self.wrong).sum()),
            unsettled=int((drawn & ~self.answered).sum()),
            withdrawn=int((self.left & ~drawn).sum()),
            open_objects=self.open_objects,
            error_estimate=self.draws.error_estimate(),
        )

    def passes(self, group: Group, promise: Promise) -> bool:
        """Whether more wrong labels than may be are ruled out among those nobody was asked about."""
        if not self.open_objects:
            return False
        allowed = promise.allowed(self.open_objects)
        if allowed >= self.open_objects:
            return True
        return self.draws.log_wealth(self._wrong + allowed + 1) >= -math.log(group.level)

    def cheapest_way(self, group: Group, promise: Promise) -> Way:
        """By more draws, or by withdrawing some objects and fewer draws."""
        if not self.open_objects:
            return Way(math.inf, 0, 0.0)
        shares = self.tuning.drawing.shares_withdrawn
        counts = sorted({math.floor(share * self.open_objects) for share in shares})
        ways = [self._having_withdrawn(count, group, promise) for count in counts]
        return min(ways, key=lambda way: way.answers)

    def wealths(self, sets: SurestSets) -> npt.NDArray[np.float64]:
        """Of the tests of these sets; shape (sets,)."""
        drawn, draws = np.flatnonzero(self.left), self.draws
        return log_wealths(
            sets, self.rows["rank"], self.weight, drawn, draws.wrong, draws.stake, tuning=self.tuning
        )

    def way_by_draws(self, promise: Promise, level: float) -> Way:
        """By more draws alone, where this level is left to reach; infinitely many where nothing is open."""
        return self._way(0, promise, level) if self.open_objects else Way(math.inf, 0, 0.0)

    @property
    def _wrong(self) -> int:
        return int(self.draws.wrong.sum())

    @cached_property
    def _expected(self) -> npt.NDArray[np.float64]:
        """The chances of the open objects to be wrong, by what is known of the others."""
        expected = float(self.rows["uncertainty"][self.left].sum())
        prior = self.tuning.belief.prior_errors_in_test
        believed = (self._wrong + prior) / (expected + prior)
        return np.minimum(self.rows["uncertainty"][~self.left] * believed, 1.0).astype(np.float64)

    @cached_property
    def _chances(self) -> npt.NDArray[np.float64]:
        """The same, the most doubtful first."""
        return np.sort(self._expected)[::-1]

    def _having_withdrawn(self, count: int, group: Group, promise: Promise) -> Way:
        goal, rest = -math.log(group.level), self._chances[count:]
        found = self._wrong + float(self._chances[:count].sum())
        wealth = self.draws.log_wealth(found + promise.allowed(len(rest)) + 1)
        return self._way(count, promise, min(1.0, math.exp(wealth - goal)))

    def _way(self, withdrawn: int, promise: Promise, level: float) -> Way:
        rest = self._chances[withdrawn:]
        plan = plan_with(self.plan.evenness, rest, promise, level, tuning=self.tuning)
        return Way(max(1.0, plan.draws), withdrawn, plan.stake)

    def bound(self, group: Group) -> int:
        """The least number that the wealth refutes: no more of the open objects is wrong, at that level."""
        least, most, target = 0, self.open_objects, -math.log(group.level)
        while least < most:
            middle = (least + most) // 2
            if self.draws.log_wealth(self._wrong + middle + 1) >= target:
                most = middle
            else:
                least = middle + 1
        return least


def in_order_of_leaving(rows: Rows) -> npt.NDArray[np.int64]:
    """Stage by stage: first what was withdrawn, then what was drawn. What is open comes last."""
    stage = np.where(rows["stage"] == 0, np.iinfo(np.int16).max, rows["stage"])
    return np.lexsort((rows["place"], rows["drawn"], stage))

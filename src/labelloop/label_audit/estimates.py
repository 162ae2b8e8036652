"""What the given labels are worth: how many are wrong, and how large each class truly is, with intervals.

What people labeled is known. About the rest, the objects drawn at random tell: those of the first batch,
drawn evenly from all, and those of each test, drawn from its candidates in proportion to their weights. Each
interval is wrong with a chance of at most `1 - confidence`, whenever the audit stops; it says so of itself,
not of all intervals together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit_evidence import in_order_of_leaving
from labelloop.core.certificate.betting import weights
from labelloop.core.certificate.inverse_probability import (
    inclusion_chances_of,
    inverse_probability_weights,
)
from labelloop.core.ledger import NO_LABEL, Ids, State
from labelloop.core.model.prior_labels import NONE_GIVEN
from labelloop.core.randomness import random_stream
from labelloop.label_audit.audit_run import AuditRun, TestDraws
from labelloop.label_audit.confidence_sequence import Limits, Numbers, WeightedDraws, limits_of_total

Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.integer]
# Whether objects count, by their given and by their true label; both have shape (objects,).
Question = Callable[[Labels, Labels], Flags]

# Of the chance that an interval is wrong: the part for the evenly drawn first batch, and what each test takes
# of the rest. The first test is nearly always the one that tells.
_OF_FIRST_BATCH, _OF_TEST = 0.1, 0.9


@dataclass(frozen=True)
class Interval:
    """A share or a rate of which people's answers leave some doubt."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class _Drawn:
    """A set of objects, of which some left one by one, and what is believed of the others."""

    members: Ids
    left: Ids  # of them, in the order in which they left
    draws: WeightedDraws
    believed: Labels  # of the members
    level: float  # share of the chance that the interval is wrong


class Estimates:
    """What an audit says of its file, as far as it has got."""

    def __init__(self, run: AuditRun, given: Labels, confidence: float) -> None:
        """`given`: the label of each object that is asked about, -1 for none."""
        self._run, self._given, self._confidence = run, given, confidence
        ledger = run.loop.ledger
        self._known = ledger.mask(State.HUMAN, State.VALIDATION)
        self._true = np.where(self._known, ledger.labels, NO_LABEL)

    def share_wrong(self) -> Interval | None:
        """Of all labels that are given; None where there is none."""
        has_one = int((self._given != NONE_GIVEN).sum())
        return self._share(lambda given, true: (given != true) & (given != NONE_GIVEN), has_one)

    def share_wrong_of(self, label: int) -> Interval | None:
        """Of the given labels of a class; None where there is none."""
        objects = int((self._given == label).sum())
        return self._share(lambda given, true: (given == label) & (true != label), objects)

    def true_share(self, label: int) -> Interval:
        """What share of all objects is truly of the class."""
        found = self._share(lambda given, true: true == label, len(self._given))  # noqa: ARG005
        assert found is not None, "a file has rows"
        return found

    def recall(self, label: int) -> Interval:
        """What share of the objects truly of the class is given its label.

        Both of its parts are bounded, each with half the chance to be wrong.
        """
        objects = int((self._given == label).sum())
        wrong = self._total(lambda given, true: (given == label) & (true != label), halved=True)
        missed = self._total(lambda given, true: (given != label) & (true == label), halved=True)

        def share(wrongly_given: float, missing: float) -> float:
            found = max(0.0, objects - wrongly_given)
            return found / (found + missing) if found + missing > 0 else 0.0

        return Interval(
            share(wrong.estimate, missed.estimate),
            share(wrong.high, missed.high),
            share(wrong.low, max(0.0, missed.low)),
        )

    def counted_wrong(self) -> tuple[Flags, npt.NDArray[np.float64]]:
        """Where people found the given label wrong, and how many objects each answer stands for."""
        wrong = self._known & (self._given != NONE_GIVEN) & (self._true != self._given)
        return wrong, self._counts_for

    # How many objects there are ----------------------------------------------------------------------------

    def _share(self, question: Question, objects: int) -> Interval | None:
        if not objects:
            return None
        total = self._total(question)
        return Interval(*(min(1.0, value / objects) for value in (total.estimate, total.low, total.high)))

    def _total(self, question: Question, *, halved: bool = False) -> Interval:
        level = (1 - self._confidence) / (2 if halved else 1)
        known = self._known & question(self._given, self._true)
        found = float(known.sum())
        within = self._by_tests(question, level)
        evenly = self._by_first_batch(question, level)
        low, high = max(found + within.low, evenly.low), min(found + within.high, evenly.high)
        estimate = float(self._counts_for[known].sum())
        return Interval(min(high, max(low, estimate)), low, high)

    def _by_first_batch(self, question: Question, level: float) -> Limits:
        limits = [self._limits(drawn, question, drawn.level * level) for drawn in self._first_batch]
        everything = Limits(0, len(self._given))
        return limits[0] if limits else everything

    def _by_tests(self, question: Question, level: float) -> Limits:
        """Of what people have not labeled: candidates of tests by the draws, all others may be any."""
        unknown, low, high = ~self._known, 0.0, 0.0
        for drawn in self._by_test:
            limits = self._limits(drawn, question, drawn.level * level)
            inside = np.zeros(len(self._known), np.bool_)
            inside[drawn.members] = True
            found = float((self._known & inside & question(self._given, self._true)).sum())
            low, high = low + limits.low - found, high + limits.high - found
            unknown = unknown & ~inside
        return Limits(low, high + float(self._possible(question)[unknown].sum()))

    def _limits(self, drawn: _Drawn, question: Question, level: float) -> Limits:
        """How many members count. What is believed of each is taken off before the draws are weighed."""
        given, true = self._given[drawn.members], self._true[drawn.members]
        believed = question(given, drawn.believed).astype(float)
        known = self._known[drawn.members]
        counts = question(given, true)
        possible = self._possible(question)[drawn.members]
        least = np.where(known, counts, 0) - believed
        most = np.where(known, counts, possible) - believed
        places = np.searchsorted(drawn.members, drawn.left)
        rest = np.ones(len(drawn.members), np.bool_)
        rest[places] = False
        of_the_rest = Limits(float(least[rest].sum()), float(most[rest].sum()))
        numbers = Numbers(
            least[places],
            most[places],
            of_the_rest,
            Limits(-float(believed.max(initial=0)), float((possible - believed).max(initial=0))),
        )
        total = limits_of_total(drawn.draws, numbers, level)
        return Limits(total.low + believed.sum(), total.high + believed.sum())

    def _possible(self, question: Question) -> Flags:
        """Whether each object could count, whatever its true label."""
        found = np.zeros(len(self._given), np.bool_)
        for label in range(self._run.classes):
            found |= question(self._given, np.full(len(self._given), label))
        return found

    # What was drawn at random ------------------------------------------------------------------------------

    @cached_property
    def _first_batch(self) -> list[_Drawn]:
        """The first batch was drawn evenly; the order in which it is read must be random as well."""
        run, size = self._run, len(self._given)
        if not len(run.start):
            return []
        left = random_stream(run.loop.settings.seed, "order of the first batch").permutation(run.start)
        even, every = np.ones(len(left)), np.ones(len(left), np.bool_)
        draws = WeightedDraws(every, size - np.arange(len(left), dtype=float), even, even, len(left))
        believed = np.where(self._given == NONE_GIVEN, 0, self._given)
        return [_Drawn(np.arange(size), left, draws, believed, _OF_FIRST_BATCH)]

    @cached_property
    def _by_test(self) -> list[_Drawn]:
        """The groups of tests that have objects which people have not labeled; no object is in two."""
        found, taken = list[_Drawn](), np.zeros(len(self._given), np.bool_)
        for test in reversed(self._run.test_draws()):
            for number in range(len(test.audit.groups)):
                group = _group_of(test, number)
                if group is None or taken[group.members].any() or self._known[group.members].all():
                    continue
                taken[group.members] = True
                found.append(group)
        return found

    @cached_property
    def _counts_for(self) -> npt.NDArray[np.float64]:
        """How many objects each one counts for in an estimate; 0 where people have not labeled it."""
        known, tests = self._known, self._run.test_draws()
        if known.all():
            return np.ones(len(known))
        if tests:
            ledger = self._run.loop.ledger
            weight, represented = inverse_probability_weights(inclusion_chances_of(tests[-1].audit), ledger)
            if (known | represented).all():
                return np.where(known, 1 + weight, 0.0)
        drawn, counts = self._run.start[known[self._run.start]], np.zeros(len(known))
        counts[drawn] = len(known) / max(1, len(drawn))
        return counts


def _group_of(test: TestDraws, number: int) -> _Drawn | None:
    audit, rows = test.audit, test.audit.candidates
    rows = rows[rows["group"] == number]
    plan = audit.groups[number].plan
    ordered = rows[in_order_of_leaving(rows)]
    left = ordered["stage"] > 0
    if not (left & ordered["drawn"]).any():
        return None
    weight = weights(ordered["uncertainty"], plan.evenness)
    remaining = np.arange(len(ordered), 0, -1).astype(float)
    mean = np.cumsum(weight[::-1])[::-1] / remaining
    draws = WeightedDraws(
        by_chance=np.asarray(ordered["drawn"][left]),
        remaining=remaining[left],
        factor=(mean / weight)[left],
        largest_factor=(mean / weight.min())[left],
        planned=min(plan.draws, len(rows)),
    )
    of_test = (1 - _OF_FIRST_BATCH) * _OF_TEST * (1 - _OF_TEST) ** test.number
    return _Drawn(
        np.asarray(rows["id"]),
        np.asarray(ordered["id"][left]),
        draws,
        np.asarray(rows["label"]),
        of_test / len(audit.groups),
    )

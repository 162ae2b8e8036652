"""Which part of the pool the model could label, and what it would take to test that."""

import math
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.audit_schedule import AuditSchedule, level
from labelloop.core.certificate.betting import Plan, make_plan
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.reliability import Floats
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.settings import LoopSettings

# Mathematics, not tuned: the least mean chance of an error that is divided by.
_LEAST_CHANCE = 1e-9


@dataclass(frozen=True)
class Outlook:
    """What it would take to finish now, by the model's probabilities, as far as they can be believed."""

    expected_error: float  # of the labels the model would give
    left_to_people: int  # pool objects
    draws: float  # for the test

    @property
    def human_labels(self) -> float:
        return self.left_to_people + self.draws


@dataclass(frozen=True)
class Part:
    """The objects of a group that the model is surest of, and how a test of them is planned."""

    ids: Ids
    uncertainty: Floats
    plan: Plan
    chances: Floats  # of the whole pool to be wrong, as it was planned with


class PossibleParts:
    """Weighs up how much of the pool the model could label, and what testing that would take."""

    def __init__(
        self,
        predictions: Predictions,
        settings: LoopSettings,
        schedule: AuditSchedule,
        promise: Promise,
        pool: Ids,
        rng: np.random.Generator,
        *,
        last: bool,
        tuning: Tuning = DEFAULT,
    ) -> None:
        self.predictions, self.settings, self.schedule = predictions, settings, schedule
        self.promise, self.pool, self.rng = promise, pool, rng
        self._ties = rng.permutation(len(pool))
        self.most_draws = math.inf  # that all parts together may be expected to take
        self.share_spent = 1.0 if last else tuning.timing.share_spent  # of the chance of a wrong promise
        self.tuning = tuning
        labels = predictions.label[pool]
        by_class = settings.certificate_for == "class"
        self._members = (
            [np.flatnonzero(labels == label) for label in np.unique(labels)]
            if by_class
            else [np.arange(len(pool))]
        )

    @property
    def _level(self) -> float:
        return level(self.schedule, self.settings.confidence, self.share_spent) / len(self._members)

    def on_a_budget(self, most_draws: float) -> "PossibleParts":
        """The same, of parts whose tests are expected to take no more draws, if there are any."""
        found = copy(self)
        found.most_draws = most_draws
        return found

    def in_hope(self) -> "PossibleParts":
        """The same, to be tested although it is not expected to pass: another test is to come if it fails."""
        found = copy(self)
        found.share_spent = self.tuning.timing.share_spent_hoping
        return found

    def best(self, uncertainty: Floats) -> list[Part]:
        """The part of each group with which people are expected to label the least in all.

        A group is left to people if no part of it can be expected to pass, unless that is so for all groups.
        """
        parts = [self._best_part(members, uncertainty) for members in self._members]
        return [part for part in parts if math.isfinite(part.plan.draws)] or parts

    def hoped_for(self, uncertainty: Floats, batch: int) -> list[Part]:
        """All but a batch of each group, as if the model erred as rarely as is hoped."""
        found = []
        for members in self._members:
            sure = self._surest_first(members, uncertainty)
            kept = sure[: max(1, len(sure) - math.ceil(batch * len(members) / len(self.pool)))]
            mean = max(_LEAST_CHANCE, float(uncertainty[kept].mean()))
            error = self.tuning.timing.hoped_for_error * self.promise.share_allowed(len(kept))
            hoped = uncertainty * min(1.0, error / mean)
            found.append(self._part(kept, hoped, self._plan(hoped[kept])))
        return found

    def outlook(self, parts: list[Part]) -> Outlook:
        """If no part can be expected to pass, the expected error is of all that the model could label."""
        labeled = sum(len(part.ids) for part in parts)
        errors = sum(float(part.uncertainty.sum()) for part in parts)
        draws = sum(part.plan.draws for part in parts)
        return Outlook(
            expected_error=errors / max(1, labeled),
            left_to_people=len(self.pool) - labeled if math.isfinite(draws) else len(self.pool),
            draws=draws,
        )

    def test(self, parts: list[Part], most_draws: int) -> Audit:
        """A test of these parts.

        Where the promise is about the whole data set, the number of wrong labels that it allows does not fall
        with the number of auto-labels. Then all that the model could label is tested, and the draws choose.
        On a budget they choose from the part alone: there are too few to be spent on doubtful objects.
        """
        chooses = self.promise.is_of_dataset
        if chooses and math.isinf(self.most_draws):
            parts = [self._with_all(parts[0])]
        ids = np.concatenate([part.ids for part in parts])
        order = np.argsort(ids)
        numbers = np.arange(len(parts), dtype=np.int16)
        group_of = np.repeat(numbers, [len(part.ids) for part in parts])
        uncertainty = np.concatenate([part.uncertainty for part in parts])
        return Audit.of(
            ids[order],
            self.predictions.label[ids[order]],
            self.predictions.confidence[ids[order]],
            uncertainty[order],
            group_of[order],
            [Group(part.plan, self._level) for part in parts],
            self.promise,
            most_draws,
            self.rng,
            margin=self.predictions.margin[ids[order]] if chooses else None,
            reviewed=self.settings.review_disagreements,
            tuning=self.tuning,
        )

    def _with_all(self, part: Part) -> Part:
        ranked = self._surest_first(self._members[0], part.chances)
        return replace(part, ids=self.pool[ranked], uncertainty=part.chances[ranked])

    def _surest_first(self, members: Ids, uncertainty: Floats) -> Ids:
        margins = self.predictions.margin[self.pool[members]]
        # Objects that are equally sure are in no order: that of the file may be one of their labels.
        ranked = members[np.lexsort((self._ties[members], -margins))]
        cost = self.settings.wrong_label_cost
        return ranked if cost is None else ranked[uncertainty[ranked] * cost <= 1]

    def _best_part(self, members: Ids, uncertainty: Floats) -> Part:
        ranked = self._surest_first(members, uncertainty)
        lengths = {math.ceil(len(ranked) * (1 - share)) for share in self.tuning.timing.shares_left}
        chances = uncertainty[ranked]
        # Of each the plan alone: all the parts together would be far larger than the pool.
        found = [(length, self._plan(chances[:length])) for length in sorted(lengths, reverse=True)]
        affordable = [each for each in found if each[1].draws <= self.most_draws / len(self._members)]
        if affordable:
            length, plan = min(affordable, key=lambda each: len(members) - each[0] + each[1].draws)
        else:
            length, plan = min(found, key=lambda each: each[1].draws)
        return self._part(ranked[:length], uncertainty, plan)

    def _plan(self, chances: Floats) -> Plan:
        if not len(chances):
            return Plan(1.0, 0.0, math.inf)
        return make_plan(chances, self.promise, self._level, tuning=self.tuning)

    def _part(self, kept: Ids, uncertainty: Floats, plan: Plan) -> Part:
        return Part(self.pool[kept], uncertainty[kept], plan, uncertainty)

"""Which of the pool the model may label."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.audit_schedule import (
    LEAST_DOUBT,
    AuditSchedule,
    error_after,
    level,
    may_be_modest,
    may_test_again,
)
from labelloop.core.certificate.betting import Plan, make_plan
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.settings import BLOG_MARGIN, LoopSettings
from labelloop.core.stopping import Limits, next_batch

# Of the pool, shares that might be left to people.
_SHARES_LEFT = np.concatenate([[0.0], np.geomspace(0.005, 0.7, 14)])
# A model that may be too modest is tested as if it erred this often, as a share of the target.
_HOPED_FOR = 0.6
# People might as well label all that is left, if a test takes more than this share of it.
_MOST_WORTH_ASKING = 0.9
# Before the budget is spent on other labels, so many times the expected draws are kept for the test.
_RESERVE = 1.3

# A test that fails costs more than one that is made a little late: so many times the errors are expected.
_CAUTION = 1.1
# However sure a model is: its errors are expected to be at least so many, as a share of the target.
_UNEXPECTED = 0.15

# So much of the pool is taken for right; any model doubts it this much.
_SUREST = 0.1
_USUAL_DOUBT = 0.01

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Outlook:
    """What it would take to be done now, by the model's own probabilities, as far as they can be believed."""

    expected_error: float  # of the labels the model would give
    left_to_people: int  # pool objects
    draws: float  # for the test

    @property
    def human_labels(self) -> float:
        return self.left_to_people + self.draws


@dataclass(frozen=True)
class AutoLabeling:
    """What the model labels, or would label once its certificate has been tested."""

    ids: Ids
    threshold: float | None  # on the margin between the two best classes
    schedule: AuditSchedule
    outlook: Outlook | None = None
    audit: Audit | None = None  # to be made first; without one the labels stand


@dataclass(frozen=True)
class _Part:
    """The surest objects of a group."""

    ids: Ids
    uncertainty: Floats
    left_to_people: int
    plan: Plan


def auto_label(
    ledger: Ledger,
    predictions: Predictions,
    settings: LoopSettings,
    schedule: AuditSchedule,
    limits: Limits,
    human_labels_left: int,
    rng: np.random.Generator,
    *,
    last: bool,
) -> AutoLabeling:
    """Apply the policy's rule to the pool.

    `human_labels_left`: how many labels people may still be asked for; `last` says that no later round can
    test again.
    """
    readable = ledger.mask(State.POOL) & predictions.present
    if settings.is_blog:
        confident = np.flatnonzero(readable & (predictions.margin > BLOG_MARGIN))
        return AutoLabeling(confident, BLOG_MARGIN, schedule)
    # Who was asked about and got no answer is no like of those that were never asked about: people only.
    pool = np.flatnonzero(readable & (ledger.times_asked == 0))
    if not len(pool):
        return AutoLabeling(NO_IDS, None, schedule)
    confidence = predictions.confidence[pool]
    uncertainty = _less_modest(schedule.own_uncertainty(confidence), schedule)
    expected = _less_modest(schedule.uncertainty(confidence), schedule) * schedule.overconfidence * _CAUTION
    unexpected = _UNEXPECTED * settings.target_error
    believed = np.clip(expected, unexpected, 1.0)
    most_draws = settings.most_draws(len(ledger), human_labels_left)
    proposal = _Proposal(ledger, predictions, settings, schedule, pool, last=last)
    parts = proposal.parts(believed)
    outlook, labels = _outlook(parts, len(pool)), ledger.counts().human_labels
    worth_asking = outlook.human_labels < _MOST_WORTH_ASKING * len(pool)
    if worth_asking and outlook.draws <= most_draws:
        short_of_budget = human_labels_left < limits.batch + _RESERVE * outlook.draws
        batch = min(next_batch(limits, len(ledger), outlook.left_to_people), len(pool))
        ahead = _outlook(
            proposal.parts(np.maximum(believed * error_after(labels, batch), unexpected)), len(pool)
        )
        gain = outlook.human_labels - ahead.draws - _labels_after(batch, ahead, len(pool), settings)
        due = gain <= 0 and may_test_again(schedule, labels)
        if last or short_of_budget or due:
            return proposal.test(parts, outlook, labels, most_draws, rng)
        return AutoLabeling(NO_IDS, None, schedule, outlook)
    if may_be_modest(schedule, labels, outlook.expected_error, settings.target_error) or last:
        hoped = proposal.hoped_for(uncertainty, limits.batch)
        enough = _outlook(hoped, len(pool)).human_labels < _MOST_WORTH_ASKING * len(pool)
        if enough and sum(part.plan.draws for part in hoped) <= most_draws:
            return proposal.test(hoped, outlook, labels, most_draws, rng)
    return AutoLabeling(NO_IDS, None, schedule, outlook)


class _Proposal:
    """Weighs up how much of the pool the model could label, and what testing that would take."""

    def __init__(
        self,
        ledger: Ledger,
        predictions: Predictions,
        settings: LoopSettings,
        schedule: AuditSchedule,
        pool: Ids,
        *,
        last: bool,
    ) -> None:
        self.ledger, self.predictions, self.settings, self.schedule = ledger, predictions, settings, schedule
        self.pool = pool
        self.last = last
        labels = predictions.label[pool]
        by_class = settings.certificate_for == "class"
        self._members = (
            [np.flatnonzero(labels == label) for label in np.unique(labels)]
            if by_class
            else [np.arange(len(pool))]
        )
        self._level = level(schedule, settings.confidence, last=last) / len(self._members)

    def parts(self, uncertainty: Floats) -> list[_Part]:
        """Of each group, the part with which people are expected to label least in all.

        Groups no part of which can be expected to pass are left to people, unless that is all of them.
        """
        parts = [self._best_part(members, uncertainty) for members in self._members]
        return [part for part in parts if math.isfinite(part.plan.draws)] or parts

    def hoped_for(self, uncertainty: Floats, batch: int) -> list[_Part]:
        """All but a batch, as if the model erred as rarely as is hoped."""
        found = []
        for members in self._members:
            sure = self._surest_first(members, uncertainty)
            kept = sure[: max(1, len(sure) - math.ceil(batch * len(members) / len(self.pool)))]
            mean = max(1e-9, float(uncertainty[kept].mean()))
            hoped = uncertainty * min(1.0, _HOPED_FOR * self.settings.target_error / mean)
            found.append(self._part(members, kept, hoped))
        return found

    def test(
        self, parts: list[_Part], outlook: Outlook, labels: int, most_draws: int, rng: np.random.Generator
    ) -> AutoLabeling:
        ids = np.concatenate([part.ids for part in parts])
        order = np.argsort(ids)
        group_of = np.repeat(np.arange(len(parts)), [len(part.ids) for part in parts])
        uncertainty = np.concatenate([part.uncertainty for part in parts])
        audit = Audit.of(
            ids[order],
            self.predictions.label[ids[order]],
            self.predictions.confidence[ids[order]],
            uncertainty[order],
            group_of[order],
            [Group(part.plan, self._level) for part in parts],
            self.settings.target_error,
            most_draws,
            rng,
            reviewed=self.settings.review_disagreements,
        )
        threshold = float(self.predictions.margin[ids].min())
        return AutoLabeling(
            ids[order], threshold, self.schedule.tested(labels, last=self.last), outlook, audit
        )

    def _surest_first(self, members: Ids, uncertainty: Floats) -> Ids:
        margins = self.predictions.margin[self.pool[members]]
        ranked = members[np.argsort(-margins, kind="stable")]
        cost = self.settings.wrong_label_cost
        return ranked if cost is None else ranked[uncertainty[ranked] * cost <= 1]

    def _best_part(self, members: Ids, uncertainty: Floats) -> _Part:
        ranked = self._surest_first(members, uncertainty)
        lengths = {math.ceil(len(ranked) * (1 - share)) for share in _SHARES_LEFT.tolist()}
        found = [
            self._part(members, ranked[:length], uncertainty) for length in sorted(lengths, reverse=True)
        ]
        return min(found, key=lambda part: part.left_to_people + part.plan.draws)

    def _part(self, members: Ids, kept: Ids, uncertainty: Floats) -> _Part:
        plan = (
            make_plan(uncertainty[kept], self.settings.target_error, self._level)
            if len(kept)
            else Plan(1.0, 0.0, math.inf)
        )
        return _Part(self.pool[kept], uncertainty[kept], len(members) - len(kept), plan)


def _labels_after(batch: int, ahead: Outlook, pool: int, settings: LoopSettings) -> float:
    """What people label if they are asked about one more batch, before what the test draws."""
    if settings.looks_for_doubt:
        # The batch is of those that would be left to people.
        return max(batch, ahead.left_to_people)
    return ahead.left_to_people + batch * (1 - ahead.left_to_people / pool)


def _less_modest(uncertainty: Floats, schedule: AuditSchedule) -> Floats:
    """A model that doubts even its surest answers much is too modest, unless answers bear it out."""
    too_much = max(0.0, float(np.quantile(uncertainty, _SUREST)) - _USUAL_DOUBT) * (1 - schedule.borne_out)
    return np.asarray(np.maximum(uncertainty - too_much, np.minimum(uncertainty, LEAST_DOUBT)))


def _outlook(parts: list[_Part], pool: int) -> Outlook:
    """Where no part can be expected to pass, the expected error of all that the model could label."""
    labeled = sum(len(part.ids) for part in parts)
    errors = sum(float(part.uncertainty.sum()) for part in parts)
    return Outlook(
        expected_error=errors / max(1, labeled),
        left_to_people=pool - labeled,
        draws=sum(part.plan.draws for part in parts),
    )

"""Which objects of the pool the model may label."""

import math
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.audit_schedule import (
    AuditSchedule,
    error_after,
    level,
    may_be_modest,
    may_test_again,
)
from labelloop.core.certificate.betting import Plan, make_plan
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.settings import BLOG_MARGIN, LoopSettings
from labelloop.core.stopping import Limits, next_batch

# Mathematics, not tuned: the least mean chance of an error that is divided by.
_LEAST_CHANCE = 1e-9

Floats = npt.NDArray[np.floating]


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
class AutoLabeling:
    """What the model labels, or would label once its certificate has been tested."""

    ids: Ids
    threshold: float | None  # on the margin between the two best classes
    schedule: AuditSchedule
    outlook: Outlook | None = None
    audit: Audit | None = None  # must pass first; without one the labels are given at once


@dataclass(frozen=True)
class _Part:
    """The objects of a group that the model is surest of."""

    ids: Ids
    uncertainty: Floats
    left_to_people: int
    plan: Plan
    chances: Floats  # of the whole pool to be wrong, as it was planned with


def auto_label(
    ledger: Ledger,
    predictions: Predictions,
    settings: LoopSettings,
    schedule: AuditSchedule,
    limits: Limits,
    promise: Promise,
    human_labels_left: int,
    rng: np.random.Generator,
    *,
    last: bool,
    tuning: Tuning = DEFAULT,
) -> AutoLabeling:
    """Apply the policy's rule to the pool.

    `human_labels_left`: how many labels people may still be asked for; `last`: no later round can test again.
    """
    if settings.is_blog:
        readable = ledger.mask(State.POOL) & predictions.present
        confident = np.flatnonzero(readable & (predictions.margin > BLOG_MARGIN))
        return AutoLabeling(confident, BLOG_MARGIN, schedule)
    pool = _open_to_the_model(ledger, predictions)
    if not len(pool):
        return AutoLabeling(NO_IDS, None, schedule)
    confidence = predictions.confidence[pool]
    schedule = schedule.with_labels(ledger.counts().human_labels, confidence)
    unexpected = tuning.belief.unexpected_error * settings.target_error
    believed = _believed_errors(confidence, settings, schedule, tuning=tuning)
    most_draws = settings.most_draws(len(ledger), human_labels_left, tuning=tuning)
    proposal = _Proposal(
        ledger, predictions, settings, schedule, promise, pool, rng, last=last, tuning=tuning
    )
    parts = proposal.parts(believed)
    timing, reserve = tuning.timing, tuning.timing.reserve
    short = _outlook(parts, len(pool)).human_labels > human_labels_left
    if short:
        # No second test can be paid for, nor people for what is left: a part that is almost sure to pass.
        reserve = timing.reserve_on_a_budget
        believed = np.minimum(1.0, timing.caution_on_a_budget * believed)
        proposal = proposal.on_a_budget(human_labels_left / reserve)
        parts = proposal.parts(believed)
    outlook, labels = _outlook(parts, len(pool)), ledger.counts().human_labels
    most_worth_asking = tuning.giving_up.most_worth_asking * len(pool)
    if outlook.human_labels < most_worth_asking and outlook.draws <= most_draws:
        short_of_budget = human_labels_left < limits.batch + reserve * outlook.draws
        batch = min(next_batch(limits, len(ledger), outlook.left_to_people, tuning=tuning), len(pool))
        left = error_after(labels, batch, tuning=tuning)
        ahead = _outlook(proposal.parts(np.maximum(believed * left, unexpected)), len(pool))
        gain = outlook.human_labels - ahead.draws - _labels_after(batch, ahead, len(pool), settings)
        due = gain <= 0 and may_test_again(schedule, labels, tuning=tuning)
        if last or short_of_budget or due:
            return proposal.test(parts, outlook, labels, most_draws)
        return AutoLabeling(NO_IDS, None, schedule, outlook)
    error, target = outlook.expected_error, settings.target_error
    # A budget that is short is not spent on a hope.
    if last or (not short and may_be_modest(schedule, labels, error, target, tuning=tuning)):
        own = schedule.own_uncertainty(confidence, tuning=tuning)
        hoping = proposal if last else proposal.in_hope()
        hoped = hoping.hoped_for(_less_modest(own, schedule, tuning=tuning), limits.batch)
        most_worth_hoping = tuning.timing.most_worth_hoping * len(pool)
        enough = _outlook(hoped, len(pool)).human_labels < most_worth_hoping
        if enough and sum(part.plan.draws for part in hoped) <= most_draws:
            return hoping.test(hoped, outlook, labels, most_draws)
    return AutoLabeling(NO_IDS, None, schedule, outlook)


def outlook_of(
    ledger: Ledger,
    predictions: Predictions,
    settings: LoopSettings,
    schedule: AuditSchedule,
    promise: Promise,
    rng: np.random.Generator,
    *,
    tuning: Tuning = DEFAULT,
) -> Outlook | None:
    """What it would take to finish now with this promise; None where the model could label nothing."""
    pool = _open_to_the_model(ledger, predictions)
    if not len(pool):
        return None
    proposal = _Proposal(
        ledger, predictions, settings, schedule, promise, pool, rng, last=False, tuning=tuning
    )
    believed = _believed_errors(predictions.confidence[pool], settings, schedule, tuning=tuning)
    return _outlook(proposal.parts(believed), len(pool))


def _open_to_the_model(ledger: Ledger, predictions: Predictions) -> Ids:
    # Objects that people were asked about and did not label are not like the rest: only people label them.
    unasked = ledger.mask(State.POOL) & (ledger.times_asked == 0)
    return np.flatnonzero(unasked & predictions.present)


def _believed_errors(
    confidence: Floats,
    settings: LoopSettings,
    schedule: AuditSchedule,
    *,
    tuning: Tuning = DEFAULT,
) -> Floats:
    """The chance of each object to be wrong, as tests are planned with; shape of `confidence`."""
    expected = _expected_errors(confidence, schedule, tuning=tuning)
    if settings.certificate_for == "dataset":
        # There the draws decide how much passes. Elsewhere, a test that comes too soon fails.
        expected = expected / schedule.excess_doubt(confidence, tuning=tuning)
    return np.clip(expected, tuning.belief.unexpected_error * settings.target_error, 1.0)


def may_learn_another_part(
    promise: Promise, human_labels: int, pool: int, *, tuning: Tuning = DEFAULT
) -> bool:
    """Whether people have so much left to label, after a certificate, that a model could learn much from it.

    Half of the pool is what the model could learn from so that there is something left to certify.
    """
    room = promise.share_allowed(pool) > tuning.belief.unexpected_error * promise.target_error
    return room and human_labels + pool / 2 >= tuning.timing.growth_for_another_part * human_labels


def worth_another_part(
    outlook: Outlook, promise: Promise, human_labels: int, pool: int, *, tuning: Tuning = DEFAULT
) -> bool:
    """Whether a model may pass one more test, now or once people have labeled half of the pool."""
    if outlook.human_labels < tuning.giving_up.most_worth_asking * pool:
        return True
    if not may_learn_another_part(promise, human_labels, pool, tuning=tuning):
        return False
    later = outlook.expected_error * error_after(human_labels, pool // 2, tuning=tuning)
    return later <= promise.share_allowed(pool)


class _Proposal:
    """Weighs up how much of the pool the model could label, and what testing that would take."""

    def __init__(
        self,
        ledger: Ledger,
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
        self.ledger, self.predictions, self.settings, self.schedule = ledger, predictions, settings, schedule
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

    def on_a_budget(self, most_draws: float) -> "_Proposal":
        """The same, of parts whose tests are expected to take no more draws, if there are any."""
        found = copy(self)
        found.most_draws = most_draws
        return found

    def in_hope(self) -> "_Proposal":
        """The same, to be tested although it is not expected to pass: another test is to come if it fails."""
        found = copy(self)
        found.share_spent = self.tuning.timing.share_spent_hoping
        return found

    def parts(self, uncertainty: Floats) -> list[_Part]:
        """The part of each group with which people are expected to label the least in all.

        A group is left to people if no part of it can be expected to pass, unless that is so for all groups.
        """
        parts = [self._best_part(members, uncertainty) for members in self._members]
        return [part for part in parts if math.isfinite(part.plan.draws)] or parts

    def hoped_for(self, uncertainty: Floats, batch: int) -> list[_Part]:
        """All but a batch of each group, as if the model erred as rarely as is hoped."""
        found = []
        for members in self._members:
            sure = self._surest_first(members, uncertainty)
            kept = sure[: max(1, len(sure) - math.ceil(batch * len(members) / len(self.pool)))]
            mean = max(_LEAST_CHANCE, float(uncertainty[kept].mean()))
            error = self.tuning.timing.hoped_for_error * self.promise.share_allowed(len(kept))
            hoped = uncertainty * min(1.0, error / mean)
            found.append(self._part(members, kept, hoped, self._plan(hoped[kept])))
        return found

    def test(self, parts: list[_Part], outlook: Outlook, labels: int, most_draws: int) -> AutoLabeling:
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
        audit = Audit.of(
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
        threshold = float(self.predictions.margin[ids].min())
        schedule = self.schedule.tested(labels, self.share_spent)
        return AutoLabeling(ids[order], threshold, schedule, outlook, audit)

    def _with_all(self, part: _Part) -> _Part:
        ranked = self._surest_first(self._members[0], part.chances)
        return replace(part, ids=self.pool[ranked], uncertainty=part.chances[ranked])

    def _surest_first(self, members: Ids, uncertainty: Floats) -> Ids:
        margins = self.predictions.margin[self.pool[members]]
        # Objects that are equally sure are in no order: that of the file may be one of their labels.
        ranked = members[np.lexsort((self._ties[members], -margins))]
        cost = self.settings.wrong_label_cost
        return ranked if cost is None else ranked[uncertainty[ranked] * cost <= 1]

    def _best_part(self, members: Ids, uncertainty: Floats) -> _Part:
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
        return self._part(members, ranked[:length], uncertainty, plan)

    def _plan(self, chances: Floats) -> Plan:
        if not len(chances):
            return Plan(1.0, 0.0, math.inf)
        return make_plan(chances, self.promise, self._level, tuning=self.tuning)

    def _part(self, members: Ids, kept: Ids, uncertainty: Floats, plan: Plan) -> _Part:
        return _Part(self.pool[kept], uncertainty[kept], len(members) - len(kept), plan, uncertainty)


def _labels_after(batch: int, ahead: Outlook, pool: int, settings: LoopSettings) -> float:
    """What people label if they are asked about one more batch, before what the test draws."""
    if settings.looks_for_doubt:
        # The batch is of those that would be left to people.
        return max(batch, ahead.left_to_people)
    return ahead.left_to_people + batch * (1 - ahead.left_to_people / pool)


def _expected_errors(confidence: Floats, schedule: AuditSchedule, *, tuning: Tuning = DEFAULT) -> Floats:
    """The chance of objects to be wrong, by all that answers have told so far."""
    uncertainty = _less_modest(schedule.uncertainty(confidence, tuning=tuning), schedule, tuning=tuning)
    return uncertainty * schedule.overconfidence(tuning=tuning) * tuning.belief.caution


def _less_modest(uncertainty: Floats, schedule: AuditSchedule, *, tuning: Tuning = DEFAULT) -> Floats:
    """A model that doubts its surest answers is too modest, unless people's answers confirm its doubt.

    Or it has learned next to nothing yet: the more it doubts them, the less of that is taken for modesty.
    """
    belief, unconfirmed = tuning.belief, 1 - schedule.confirmed_doubt(tuning=tuning)
    surest = float(np.quantile(uncertainty, belief.surest_share))
    modesty = max(0.0, 1 - (surest / belief.honest_doubt) ** 4)
    too_much = max(0.0, surest - belief.usual_doubt) * unconfirmed * modesty
    return np.asarray(np.maximum(uncertainty - too_much, np.minimum(uncertainty, belief.least_doubt)))


def _outlook(parts: list[_Part], pool: int) -> Outlook:
    """If no part can be expected to pass, the expected error is that of all that the model could label."""
    labeled = sum(len(part.ids) for part in parts)
    errors = sum(float(part.uncertainty.sum()) for part in parts)
    draws = sum(part.plan.draws for part in parts)
    return Outlook(
        expected_error=errors / max(1, labeled),
        left_to_people=pool - labeled if math.isfinite(draws) else pool,
        draws=draws,
    )

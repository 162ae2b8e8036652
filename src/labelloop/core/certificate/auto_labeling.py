"""Which objects of the pool the model may label, and when that is tested."""

from dataclasses import dataclass

import numpy as np

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_schedule import (
    AuditSchedule,
    error_after,
    may_be_modest,
    may_test_again,
)
from labelloop.core.certificate.expected_errors import believed_errors, less_modest
from labelloop.core.certificate.possible_parts import Outlook, Part, PossibleParts
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.reliability import Floats
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.settings import BLOG_MARGIN, LoopSettings
from labelloop.core.stopping import Limits, next_batch


@dataclass(frozen=True)
class AutoLabeling:
    """What the model labels, or would label once its certificate has been tested."""

    ids: Ids
    threshold: float | None  # on the margin between the two best classes
    schedule: AuditSchedule
    outlook: Outlook | None = None
    audit: Audit | None = None  # must pass first; without one the labels are given at once


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
        return _by_the_posts_margin(ledger, predictions, schedule)
    pool = _open_to_the_model(ledger, predictions)
    if not len(pool):
        return AutoLabeling(NO_IDS, None, schedule)
    confidence, labels = predictions.confidence[pool], ledger.counts().human_labels
    schedule = schedule.with_labels(labels, confidence)
    possible = PossibleParts(predictions, settings, schedule, promise, pool, rng, last=last, tuning=tuning)
    moment = _Moment(
        settings,
        schedule,
        limits,
        confidence,
        labels=labels,
        objects=len(ledger),
        human_labels_left=human_labels_left,
        last=last,
        tuning=tuning,
    )
    return moment.labeling(possible)


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
    possible = PossibleParts(predictions, settings, schedule, promise, pool, rng, last=False, tuning=tuning)
    believed = believed_errors(predictions.confidence[pool], settings, schedule, tuning=tuning)
    return possible.outlook(possible.best(believed))


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


def _by_the_posts_margin(ledger: Ledger, predictions: Predictions, schedule: AuditSchedule) -> AutoLabeling:
    readable = ledger.mask(State.POOL) & predictions.present
    confident = np.flatnonzero(readable & (predictions.margin > BLOG_MARGIN))
    return AutoLabeling(confident, BLOG_MARGIN, schedule)


def _open_to_the_model(ledger: Ledger, predictions: Predictions) -> Ids:
    # Objects that people were asked about and did not label are not like the rest: only people label them.
    unasked = ledger.mask(State.POOL) & (ledger.times_asked == 0)
    return np.flatnonzero(unasked & predictions.present)


@dataclass(frozen=True)
class _Moment:
    """What is known when a round's model has answered: is it the moment to test what it would label?"""

    settings: LoopSettings
    schedule: AuditSchedule
    limits: Limits
    confidence: Floats  # of the model in the pool's objects
    labels: int  # by people, so far
    objects: int  # in the data set
    human_labels_left: int
    last: bool
    tuning: Tuning

    def labeling(self, possible: PossibleParts) -> AutoLabeling:
        """A test of the best part, of a smaller one on a short budget, or nothing yet."""
        believed = believed_errors(self.confidence, self.settings, self.schedule, tuning=self.tuning)
        parts, timing = possible.best(believed), self.tuning.timing
        reserve, outlook = timing.reserve, possible.outlook(parts)
        short = outlook.human_labels > self.human_labels_left
        if short:
            # No second test can be paid for, nor people for what is left: a part that is almost sure to pass.
            reserve = timing.reserve_on_a_budget
            believed = np.minimum(1.0, timing.caution_on_a_budget * believed)
            possible = possible.on_a_budget(self.human_labels_left / reserve)
            parts = possible.best(believed)
            outlook = possible.outlook(parts)
        if self._is_worth_it(outlook):
            short_of_budget = self.human_labels_left < self.limits.batch + reserve * outlook.draws
            if self.last or short_of_budget or self._is_due(possible, believed, outlook):
                return self._test(possible, parts, outlook)
        # A budget that is short is not spent on a hope.
        elif self.last or (not short and self._may_hope(outlook)):
            possible = possible if self.last else possible.in_hope()
            parts = self._hoped_for(possible)
            if parts:
                return self._test(possible, parts, outlook)
        return AutoLabeling(NO_IDS, None, self.schedule, outlook)

    @property
    def _pool(self) -> int:
        return len(self.confidence)

    @property
    def _most_draws(self) -> int:
        return self.settings.most_draws(self.objects, self.human_labels_left, tuning=self.tuning)

    def _is_worth_it(self, outlook: Outlook) -> bool:
        most = self.tuning.giving_up.most_worth_asking * self._pool
        return outlook.human_labels < most and outlook.draws <= self._most_draws

    def _is_due(self, possible: PossibleParts, believed: Floats, outlook: Outlook) -> bool:
        """Whether people would not label less in all if they labeled one more batch before the test."""
        if not may_test_again(self.schedule, self.labels, tuning=self.tuning):
            return False
        batch = next_batch(self.limits, self.objects, outlook.left_to_people, tuning=self.tuning)
        batch = min(batch, self._pool)
        left = error_after(self.labels, batch, tuning=self.tuning)
        unexpected = self.tuning.belief.unexpected_error * self.settings.target_error
        ahead = possible.outlook(possible.best(np.maximum(believed * left, unexpected)))
        gain = outlook.human_labels - ahead.draws - self._labels_after(batch, ahead)
        return gain <= 0

    def _labels_after(self, batch: int, ahead: Outlook) -> float:
        """What people label if they are asked about one more batch, before what the test draws."""
        if self.settings.looks_for_doubt:
            # The batch is of those that would be left to people.
            return max(batch, ahead.left_to_people)
        return ahead.left_to_people + batch * (1 - ahead.left_to_people / self._pool)

    def _may_hope(self, outlook: Outlook) -> bool:
        error, target = outlook.expected_error, self.settings.target_error
        return may_be_modest(self.schedule, self.labels, error, target, tuning=self.tuning)

    def _hoped_for(self, possible: PossibleParts) -> list[Part]:
        """What a test would be of in the hope that the model is better than it says; none if too dear."""
        own = self.schedule.own_uncertainty(self.confidence, tuning=self.tuning)
        hoped = possible.hoped_for(less_modest(own, self.schedule, tuning=self.tuning), self.limits.batch)
        outlook = possible.outlook(hoped)
        most = self.tuning.timing.most_worth_hoping * self._pool
        return hoped if outlook.human_labels < most and outlook.draws <= self._most_draws else []

    def _test(self, possible: PossibleParts, parts: list[Part], outlook: Outlook) -> AutoLabeling:
        audit = possible.test(parts, self._most_draws)
        ids = np.array(audit.candidates["id"])
        threshold = float(possible.predictions.margin[ids].min())
        schedule = self.schedule.tested(self.labels, possible.share_spent)
        return AutoLabeling(ids, threshold, schedule, outlook, audit)

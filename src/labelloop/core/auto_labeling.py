"""Which of the pool the model may label."""

from dataclasses import dataclass

import numpy as np

from labelloop.core.certificate import Certificate, Promise, certify, most_errors_allowed
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.looks import Looks, is_due, level
from labelloop.core.predictions import Predictions
from labelloop.core.request import BLOG_MARGIN, ActiveLearning

# Where a last test begins: a large part of the pool at first, else the better half.
LAST_TEST_COVERAGES = (0.8, 0.5)


@dataclass(frozen=True)
class Outlook:
    """What the model's own probabilities say about labeling all of the pool but one batch."""

    expected_errors: float  # in the validation set, corrected by the overconfidence seen so far
    errors_allowed: int  # there, to pass the next test
    validation_objects: int  # that rank with what would be labeled

    @property
    def expected_error(self) -> float:
        return self.expected_errors / self.validation_objects

    @property
    def allowed_error(self) -> float:
        return max(0, self.errors_allowed) / self.validation_objects


@dataclass(frozen=True)
class AutoLabeling:
    """The pool objects the model labels, and on what ground."""

    ids: Ids
    threshold: float | None  # on the margin between the two best classes
    certificate: Certificate | None
    looks: Looks
    outlook: Outlook | None


def auto_label(
    ledger: Ledger,
    predictions: Predictions,
    settings: ActiveLearning,
    looks: Looks,
    batch: int,
    *,
    last: bool,
) -> AutoLabeling:
    """Apply the policy's rule to the pool.

    `batch` is how many objects can be left to people; `last` says that no later round can test again.
    """
    readable = ledger.mask(State.POOL) & predictions.present
    if settings.policy == "blog":
        confident = np.flatnonzero(readable & (predictions.margin > BLOG_MARGIN))
        return AutoLabeling(confident, BLOG_MARGIN, None, looks, None)
    # Who was asked about and got no answer is no like of the validation objects that were kept: people only.
    pool, validation = np.flatnonzero(readable & (ledger.times_asked == 0)), ledger.ids(State.VALIDATION)
    first = min(len(pool), ledger.counts().pool - batch)
    outlook = _outlook(predictions, pool, validation, settings, looks, first)
    if not last and not _is_due(outlook, looks, ledger):
        return AutoLabeling(NO_IDS, None, None, looks, outlook)
    starts = [round(share * len(pool)) for share in LAST_TEST_COVERAGES] if last else [first]
    share = level(looks, settings.confidence, last=last) / len(starts)
    promise = Promise(settings.target_error, settings.confidence, share)
    correct = predictions.label[validation] == ledger.labels[validation]
    scores = predictions.margin
    tests = (certify(scores[pool], scores[validation], correct, promise, start) for start in starts)
    certificate = next(filter(None, tests), None)
    tested = looks.tested(ledger.counts().human_labels, len(validation), last=last)
    if certificate is None:
        return AutoLabeling(NO_IDS, None, None, tested, outlook)
    certified = pool[scores[pool] >= certificate.threshold]
    return AutoLabeling(certified, certificate.threshold, certificate, tested, outlook)


def validation_accuracy(ledger: Ledger, predictions: Predictions) -> float | None:
    """Share of the validation set the model got right; None when the set is empty."""
    validation = ledger.ids(State.VALIDATION)
    if not len(validation):
        return None
    return float(np.mean(predictions.label[validation] == ledger.labels[validation]))


def _outlook(
    predictions: Predictions, pool: Ids, validation: Ids, settings: ActiveLearning, looks: Looks, first: int
) -> Outlook | None:
    """None when there is nothing to expect: no pool beyond a batch, or no validation object ranks there."""
    if first < 1:
        return None
    # Pool and validation set together: what is expected says nothing of who is in the validation set.
    together = np.concatenate([pool, validation])
    covered = min(len(together), round(first / len(pool) * len(together)))
    margins = predictions.margin[together]
    threshold = np.sort(margins)[::-1][covered - 1]
    sampled = int((predictions.margin[validation] >= threshold).sum())
    if not sampled:
        return None
    uncertainty = 1 - predictions.confidence[together][margins >= threshold]
    expected = float(np.mean(uncertainty)) * looks.overconfidence
    allowed = most_errors_allowed(sampled, first, settings.target_error, level(looks, settings.confidence))
    return Outlook(expected * sampled, allowed, sampled)


def _is_due(outlook: Outlook | None, looks: Looks, ledger: Ledger) -> bool:
    return outlook is not None and is_due(
        looks, ledger.counts().human_labels, outlook.expected_errors, outlook.errors_allowed
    )

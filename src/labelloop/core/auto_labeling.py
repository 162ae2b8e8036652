"""Which of the pool the model may label."""

from dataclasses import dataclass

import numpy as np

from labelloop.core.certificate import Certificate, certify
from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.predictions import Predictions
from labelloop.core.request import BLOG_MARGIN, ActiveLearning


@dataclass(frozen=True)
class AutoLabeling:
    """The pool objects the model may label, and on what ground."""

    ids: Ids
    threshold: float | None  # on the margin between the two best classes
    certificate: Certificate | None


def auto_label(ledger: Ledger, predictions: Predictions, settings: ActiveLearning) -> AutoLabeling:
    """Apply the policy's rule to the pool."""
    readable_pool = ledger.mask(State.POOL) & predictions.present
    if settings.policy == "blog":
        confident = readable_pool & (predictions.margin > BLOG_MARGIN)
        return AutoLabeling(np.flatnonzero(confident), BLOG_MARGIN, None)
    validation = ledger.ids(State.VALIDATION)
    certificate = certify(
        predictions.margin[validation],
        predictions.label[validation] == ledger.labels[validation],
        settings.target_error,
        settings.confidence,
    )
    if certificate is None:
        return AutoLabeling(np.flatnonzero(np.zeros(len(ledger), np.bool_)), None, None)
    certified = readable_pool & (predictions.margin >= certificate.threshold)
    return AutoLabeling(np.flatnonzero(certified), certificate.threshold, certificate)


def validation_accuracy(ledger: Ledger, predictions: Predictions) -> float | None:
    """Share of the validation set the model got right; None when the set is empty."""
    validation = ledger.ids(State.VALIDATION)
    if not len(validation):
        return None
    return float(np.mean(predictions.label[validation] == ledger.labels[validation]))

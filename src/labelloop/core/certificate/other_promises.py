"""What a run would take with another promise or a larger budget, where people would label nearly all."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from labelloop.core.certificate.audit_schedule import AuditSchedule
from labelloop.core.certificate.auto_labeling import outlook_of
from labelloop.core.certificate.promise import CertificateFor, Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import Ledger
from labelloop.core.model.predictions import Predictions
from labelloop.core.records import OtherPromise
from labelloop.core.settings import LoopSettings


def other_promises(
    ledger: Ledger,
    predictions: Predictions,
    settings: LoopSettings,
    schedule: AuditSchedule,
    promise_with: Callable[[LoopSettings], Promise],
    most_labels: float,
    rng: np.random.Generator,
    *,
    tuning: Tuning = DEFAULT,
) -> tuple[OtherPromise, ...]:
    """Those with which people would give at most so many labels, if a test was made of this round's model.

    The run's own comes first, for a larger budget. Earlier tests stay counted in all of them.
    """
    counts, found = ledger.counts(), []
    for whose, target in promises_to_tell(settings, tuning=tuning):
        other = replace(settings, certificate_for=whose, target_error=target)
        outlook = outlook_of(ledger, predictions, other, schedule, promise_with(other), rng, tuning=tuning)
        if outlook and counts.human_labels + outlook.human_labels <= most_labels:
            labels = counts.human_labels + round(outlook.human_labels)
            found.append(OtherPromise(certificate_for=whose, target_error=target, human_labels=labels))
    return tuple(found)


def promises_to_tell(
    settings: LoopSettings, *, tuning: Tuning = DEFAULT
) -> Iterator[tuple[CertificateFor, float]]:
    """What a certificate is for, and the target error: as asked for, then what takes fewer labels."""
    whose, target = settings.certificate_for, settings.target_error
    yield whose, target
    if whose != "dataset":
        yield "dataset", target
    for factor in tuning.rounds.told_targets:
        larger = float(f"{factor * target:.1g}")
        if target < larger < 1:
            yield whose, larger

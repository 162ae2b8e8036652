"""How likely the model is wrong about each object, by all that people's answers have told so far."""

import numpy as np

from labelloop.core.certificate.audit_schedule import AuditSchedule
from labelloop.core.certificate.reliability import Floats
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.settings import LoopSettings


def believed_errors(
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


def _expected_errors(confidence: Floats, schedule: AuditSchedule, *, tuning: Tuning = DEFAULT) -> Floats:
    """The chance of objects to be wrong, by all that answers have told so far."""
    uncertainty = less_modest(schedule.uncertainty(confidence, tuning=tuning), schedule, tuning=tuning)
    return uncertainty * schedule.overconfidence(tuning=tuning) * tuning.belief.caution


def less_modest(uncertainty: Floats, schedule: AuditSchedule, *, tuning: Tuning = DEFAULT) -> Floats:
    """A model that doubts its surest answers is too modest, unless people's answers confirm its doubt.

    Or it has learned next to nothing yet: the more it doubts them, the less of that is taken for modesty.
    """
    belief, unconfirmed = tuning.belief, 1 - schedule.confirmed_doubt(tuning=tuning)
    surest = float(np.quantile(uncertainty, belief.surest_share))
    modesty = max(0.0, 1 - (surest / belief.honest_doubt) ** 4)
    too_much = max(0.0, surest - belief.usual_doubt) * unconfirmed * modesty
    return np.asarray(np.maximum(uncertainty - too_much, np.minimum(uncertainty, belief.least_doubt)))

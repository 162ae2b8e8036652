"""What a run may still spend of its chance of a wrong promise, if other executions have spent of it too.

The chance is counted as a probability. As a share of what the confidence leaves, it would be worth more to an
execution that asks for less confidence, and one that asks for more would be given back what is spent.
"""

from collections.abc import Iterable
from dataclasses import replace

from labelloop.core.certificate.audit_schedule import AuditSchedule

# Mathematics, not tuned: what is below is the rounding of numbers whose difference is zero.
_NOTHING = 1e-12


def chance_spent(schedule: AuditSchedule, confidence: float) -> float:
    """The probability of a wrong promise that tests have taken so far."""
    return (1 - confidence) * (1 - schedule.chance_left)


def charged(schedule: AuditSchedule, levels: Iterable[float], confidence: float) -> AuditSchedule:
    """After tests that others began, which took these probabilities."""
    return _having_spent(schedule, chance_spent(schedule, confidence) + sum(levels), confidence)


def at_another_confidence(schedule: AuditSchedule, before: float, after: float) -> AuditSchedule:
    """With the probability that is spent, and what another confidence leaves of the rest."""
    return schedule if before == after else _having_spent(schedule, chance_spent(schedule, before), after)


def _having_spent(schedule: AuditSchedule, probability: float, confidence: float) -> AuditSchedule:
    # Below zero where more is spent than this confidence leaves: it counts if less is asked for again.
    left = 1 - probability / (1 - confidence)
    return replace(schedule, chance_left=left if abs(left) > _NOTHING else 0.0)

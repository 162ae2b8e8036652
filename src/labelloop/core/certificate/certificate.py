"""The certificate: what is promised about the labels that the model gave."""

from dataclasses import dataclass

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Evidence


@dataclass(frozen=True)
class ClassCertificate:
    """The certificate of one class's auto-labels by themselves."""

    class_index: int
    auto_labels: int
    error_bound: float
    validation_objects: int
    validation_errors: int


@dataclass(frozen=True)
class Certificate:
    """What is promised about the pool objects that the model labeled, and the evidence for it."""

    threshold: float  # the smallest margin among them
    target_error: float
    confidence: float  # for the whole run
    level: float  # the chance of a wrong promise that this one test was given
    error_bound: float  # exact upper bound at that level
    error_estimate: float  # of the model's labels before people corrected those drawn
    coverage: float  # share of the pool that the model labeled
    auto_labels: int
    validation_objects: int  # drawn at random for the test, and labeled by people
    validation_errors: int  # how many of these the model got wrong
    by_class: tuple[ClassCertificate, ...] = ()


def certificate_of(
    audit: Audit, confidence: float, threshold: float, pool: int, *, by_class: bool
) -> Certificate | None:
    """For the groups whose test has passed; None if none has. `pool`: how many objects had no label."""
    passed = audit.passed()
    if not passed:
        return None
    labels = sum(evidence.open_objects for evidence in passed.values())
    candidates = sum(evidence.candidates for evidence in passed.values())
    drawn = sum(evidence.drawn for evidence in passed.values())
    return Certificate(
        threshold=threshold,
        target_error=audit.target_error,
        confidence=confidence,
        level=sum(audit.groups[number].level for number in passed),
        error_bound=max(evidence.error_bound for evidence in passed.values()),
        error_estimate=sum(evidence.error_share(candidates) for evidence in passed.values()),
        coverage=labels / pool,
        auto_labels=labels,
        validation_objects=drawn,
        validation_errors=sum(evidence.wrong for evidence in passed.values()),
        by_class=tuple(_of_class(audit, *found) for found in passed.items()) if by_class else (),
    )


def _of_class(audit: Audit, number: int, evidence: Evidence) -> ClassCertificate:
    members = audit.candidates["label"][audit.candidates["group"] == number]
    return ClassCertificate(
        class_index=int(members[0]),
        auto_labels=evidence.open_objects,
        error_bound=evidence.error_bound,
        validation_objects=evidence.drawn,
        validation_errors=evidence.wrong,
    )

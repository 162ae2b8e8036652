"""What a test has come to, and the certificate it gives where it has passed."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Evidence
from labelloop.core.ledger import NO_IDS, Ids
from labelloop.core.records import (
    ALL_LABELS,
    Certificate,
    ClassCertificate,
    TestRecord,
    Verdict,
    promise_in_words,
)


@dataclass(frozen=True)
class TestUnderWay:
    """A test, and what it is of."""

    __test__ = False  # pytest: it is no test case

    audit: Audit
    threshold: float  # the least margin among the candidates
    pool: int  # objects without a label when the model predicted


@dataclass(frozen=True)
class Conclusion:
    """How a test stands."""

    record: TestRecord
    certificate: Certificate | None
    committed: Ids  # pool objects the model labels

    @property
    def verdict(self) -> Verdict:
        return self.record.verdict


def conclude(test: TestUnderWay, confidence: float, *, by_class: bool, goes_on: bool) -> Conclusion:
    """Whether a test has passed, failed, or needs more draws.

    `goes_on`: people can be asked again.
    """
    audit, certificate, committed = test.audit, None, NO_IDS
    evidence = audit.all_evidence()
    verdict = audit.outcome(evidence)
    if verdict == Verdict.OPEN and not goes_on:
        verdict = Verdict.PASSED if audit.passed(evidence) else Verdict.FAILED
    if verdict == Verdict.PASSED:
        certificate = certificate_of(test, confidence, by_class=by_class, evidence=evidence)
        committed = audit.open_ids(evidence)
    of_all = [audit.counts(number, found) for number, found in enumerate(evidence)]
    candidates = sum(found.candidates for found in of_all)
    record = TestRecord(
        verdict=verdict,
        drawn=sum(found.drawn for found in of_all),
        wrong=sum(found.wrong for found in of_all),
        unsettled=sum(found.unsettled for found in of_all),
        withdrawn=sum(found.withdrawn for found in of_all),
        error_estimate=sum(found.error_share(candidates) for found in of_all),
        error_bound=max(found.error_bound for found in evidence),
    )
    return Conclusion(record, certificate, committed)


def certificate_of(
    test: TestUnderWay, confidence: float, *, by_class: bool, evidence: Sequence[Evidence] | None = None
) -> Certificate | None:
    """Of the groups whose test has passed; None where none has. `evidence`: of each group, if it is known."""
    audit = test.audit
    passed = audit.passed(evidence)
    if not passed:
        return None
    labels = sum(evidence.open_objects for evidence in passed.values())
    candidates = sum(evidence.candidates for evidence in passed.values())
    target = audit.promise.target_error
    return Certificate(
        promise=promise_in_words(_whose(audit, by_class=by_class), target, confidence),
        certificate_for="dataset" if audit.promise.is_of_dataset else "class" if by_class else "all",
        threshold=_threshold(test, evidence),
        target_error=target,
        confidence=confidence,
        level=sum(audit.groups[number].level for number in passed),
        error_bound=max(evidence.error_bound for evidence in passed.values()),
        wrong_bound=sum(evidence.wrong_bound for evidence in passed.values()),
        error_estimate=sum(evidence.error_share(candidates) for evidence in passed.values()),
        coverage=labels / test.pool,
        auto_labels=labels,
        validation_objects=sum(evidence.drawn for evidence in passed.values()),
        validation_errors=sum(evidence.wrong for evidence in passed.values()),
        validation_unsettled=sum(evidence.unsettled for evidence in passed.values()),
        by_class=tuple(_of_class(audit, *found) for found in passed.items()) if by_class else (),
    )


def _threshold(test: TestUnderWay, evidence: Sequence[Evidence] | None) -> float:
    """The least margin among what is labeled."""
    audit = test.audit
    if not audit.chooses:
        return test.threshold
    return float(audit.candidates["margin"][audit.certified(evidence)].min())


def _whose(audit: Audit, *, by_class: bool) -> str:
    if audit.promise.is_of_dataset:
        return ALL_LABELS
    return "the auto-labels of each class the model gave" if by_class else "the auto-labels"


def _of_class(audit: Audit, number: int, evidence: Evidence) -> ClassCertificate:
    members = audit.candidates["label"][audit.candidates["group"] == number]
    return ClassCertificate(
        class_index=int(members[0]),
        auto_labels=evidence.open_objects,
        error_bound=evidence.error_bound,
        validation_objects=evidence.drawn,
        validation_errors=evidence.wrong,
    )

"""What a run promises, in a few sentences."""

from labelloop.core.records import Certificate, Report
from labelloop.core.report.circumstances import (
    NOTHING_TO_TEST,
    draws_in_words,
    lineage_in_words,
    machine_labels_in_words,
    shortfall_in_words,
)


def _unsettled(certificate: Certificate) -> str:
    unsettled = certificate.validation_unsettled
    return f", {unsettled:,} without an answer that people agree on" if unsettled else ""


def _both_bounds(certificate: Certificate) -> str:
    if certificate.dataset_error_bound is None:
        return ""
    shortfall = shortfall_in_words(certificate)
    return (
        f" At most {certificate.error_bound:.1%} of the model's labels are wrong, "
        f"{certificate.dataset_error_bound:.1%} of all labels."
        f"{f' {shortfall}.' if shortfall else ''}"
    )


def certificate_sentence(report: Report) -> str:
    """The certificate in words, or why there is none."""
    certificate, repeated = report.certificate, report.repeated_answers
    if certificate is None:
        return f"No certificate: {report.no_certificate_because}.{_of_machine(report)}"
    draws = draws_in_words(report.seed, was_secret=report.seed_was_secret)
    lineage = f" {lineage_in_words(certificate.lineage)}." if certificate.lineage else ""
    times = {1: "once", 2: "twice"}.get(repeated, f"{repeated:,} times")
    again = f" People were asked again {times}." if repeated else ""
    return (
        f"Certificate: {certificate.promise}.{_both_bounds(certificate)} {_test(certificate)}.{again} "
        f"{draws}.{lineage}{_of_machine(report)}"
    )


def _test(certificate: Certificate) -> str:
    if not certificate.validation_objects:
        return NOTHING_TO_TEST
    return (
        f"Tested on {certificate.validation_objects:,} objects drawn at random, "
        f"{certificate.validation_errors:,} of them wrong{_unsettled(certificate)}: an error of about "
        f"{certificate.error_estimate:.1%}"
    )


def _of_machine(report: Report) -> str:
    words = machine_labels_in_words(report)
    return f" {words}." if words else ""

"""What is said besides a certificate's bound: its draws, what was tried before it, what others would take."""

from collections.abc import Sequence

from labelloop.core.randomness import Seed
from labelloop.core.records import Certificate, Lineage, OtherPromise, Report


def draws_in_words(seed: Seed, *, was_secret: bool) -> str:
    """Where the draws of a run come from, and what that means: sentences about "the objects"."""
    if was_secret:
        return f"The objects were drawn with a random seed that was secret until the run ended: {seed}"
    return (
        f"The objects were drawn with the seed {seed}, which was given: the run can be repeated, but anyone "
        "who knew the seed could work out in advance what would be drawn"
    )


def machine_labels_in_words(report: Report) -> str:
    """What holds for the labels by machine that came with the input; empty where none did."""
    labels, certificate = report.machine_labels_in_input, report.certificate
    if not labels:
        return ""
    came = f"{labels:,} label{'' if labels == 1 else 's'} by machine came with the input"
    if certificate is None:
        return f"{came}: nothing is promised about them"
    if certificate.is_of_dataset:
        return f"{came}: they were not tested, and count as right in the promise"
    return f"{came}: they were not tested, and the certificate does not cover them"


def lineage_in_words(lineage: Lineage) -> str:
    """What the executions of a lineage have spent, and what cannot be known."""
    tests = "1 test" if lineage.tests == 1 else f"{lineage.tests} tests"
    executions = "This run" if lineage.executions == 1 else f"{lineage.executions} executions of this run"
    return (
        f"{executions} made {tests}, and used {lineage.chance_spent:.3g} of the allowed chance of a wrong "
        "certificate. Separate runs on the same data or a copy are not counted: labelloop cannot see them"
    )


# A promise about the whole data set may allow more wrong labels than the model gave.
NOTHING_TO_TEST = (
    "No object had to be drawn to test this: the promise holds even if all of the model's labels are wrong"
)


def shortfall_in_words(certificate: Certificate) -> str:
    """Why more is promised than was asked for; empty where it is not."""
    if certificate.promised_error <= certificate.target_error:
        return ""
    return (
        f"That is more than the {100 * certificate.target_error:.4g}% asked for: people did not label "
        "everything that was left to them, so the same number of wrong labels is a larger share"
    )


def other_promises_in_words(
    others: Sequence[OtherPromise],
    expected: int | None,
    data_objects: int,
    *,
    certificate_for: str,
    target_error: float,
) -> str:
    """What a run would take with another promise or a larger budget; empty if nothing else would do.

    `expected`: the labels that people would give as it stands, by the same model.
    """
    if not others:
        return ""
    *some, last = [_with_promise(one, data_objects, certificate_for, target_error) for one in others]
    listed = f"{', '.join(some)}, or {last}" if some else last
    as_it_stands = "" if expected is None else f"{_labels(expected, data_objects)} as it stands; "
    return f"By this round's model, people would label {as_it_stands}{listed}"


def _with_promise(other: OtherPromise, data_objects: int, certificate_for: str, target_error: float) -> str:
    labels = _labels(other.human_labels, data_objects)
    if other.certificate_for != certificate_for:
        return f'{labels} with a promise about the whole data set ("CertificateFor": "dataset")'
    if other.target_error != target_error:
        return f'{labels} with "TargetError": {other.target_error:.3g}'
    return f"{labels} with a larger budget"


def _labels(number: int, data_objects: int) -> str:
    share = number / data_objects if data_objects else 0.0
    return f"about {number:,} ({share:.0%})"

"""The fields of a request by the names of the options that say the same."""

import re

_TERMS = (
    ('"CertificateFor": "dataset"', "--certificate-for dataset"),
    ("MaxHumanLabels, MaxCost", "--budget"),
)
_TARGET_ERROR = re.compile(r'"TargetError": ([0-9.e-]*[0-9])')


def in_terms_of_options(message: str) -> str:
    """A message for people who gave options, and have no request in sight."""
    for field, option in _TERMS:
        message = message.replace(field, option)
    return _TARGET_ERROR.sub(r"--target-error \1", message)

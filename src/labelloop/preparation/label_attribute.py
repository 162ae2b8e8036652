"""Which names a label attribute may have."""

from __future__ import annotations

import re

from labelloop.core.manifest.lines import LONGEST_LABEL_ATTRIBUTE, label_attribute_fault
from labelloop.preparation.errors import LabelAttributeError

_RESERVED_ENDINGS = ("-metadata", "-ref")
_RESERVED_PREFIX = "labelloop-"
_FALLBACK = "label"


def check_label_attribute(name: str, *, option: str = "--label-attribute") -> None:
    """Accept a name that Ground Truth accepts and that no other key of a manifest line has.

    Raises LabelAttributeError with a name that would do.
    """
    if fault := label_attribute_fault(name):
        raise LabelAttributeError(
            f"The label attribute cannot be {name!r}: {fault}. Try {option} {propose_label_attribute(name)}"
        )


def propose_label_attribute(name: str) -> str:
    """Make a valid attribute name that reads like `name`."""
    proposal = re.sub(r"[^a-zA-Z0-9]+", "-", name)[:LONGEST_LABEL_ATTRIBUTE].strip("-")
    proposal = proposal.removeprefix(_RESERVED_PREFIX)
    while proposal.endswith(_RESERVED_ENDINGS):
        proposal = proposal.rpartition("-")[0].rstrip("-")
    return _FALLBACK if label_attribute_fault(proposal) else proposal

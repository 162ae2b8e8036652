"""Which names a label attribute may have."""

from __future__ import annotations

import re

from labelloop.preparation.errors import LabelAttributeError

_GROUND_TRUTH_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,126}", re.ASCII)
_MAX_LENGTH = 127
_RESERVED_NAMES = frozenset({"source", "source-ref"})
_RESERVED_ENDINGS = ("-metadata", "-ref")
_RESERVED_PREFIX = "labelloop-"
_FALLBACK = "label"


def check_label_attribute(name: str, *, option: str = "--label-attribute") -> None:
    """Accept a name that Ground Truth accepts and that no other key of a manifest line has.

    Raises LabelAttributeError with a name that would do.
    """
    if fault := _fault(name):
        raise LabelAttributeError(
            f"The label attribute cannot be {name!r}: {fault}. Try {option} {propose_label_attribute(name)}"
        )


def propose_label_attribute(name: str) -> str:
    """Make a valid attribute name that reads like `name`."""
    proposal = re.sub(r"[^a-zA-Z0-9]+", "-", name)[:_MAX_LENGTH].strip("-")
    proposal = proposal.removeprefix(_RESERVED_PREFIX)
    while proposal.endswith(_RESERVED_ENDINGS):
        proposal = proposal.rpartition("-")[0].rstrip("-")
    return _FALLBACK if _fault(proposal) else proposal


def _fault(name: str) -> str:
    if name in _RESERVED_NAMES:
        return "that key holds the data object itself"
    if name.startswith(_RESERVED_PREFIX):
        return f"names that begin with {_RESERVED_PREFIX!r} are labelloop's own"
    if name.endswith(_RESERVED_ENDINGS):
        return "Ground Truth keeps names that end in -metadata or -ref for itself"
    if len(name) > _MAX_LENGTH:
        return f"it has {len(name)} characters, and Ground Truth allows {_MAX_LENGTH}"
    if not _GROUND_TRUTH_NAME.fullmatch(name):
        return "Ground Truth allows letters a-z, digits and hyphens between them"
    return ""

"""What the workbench refuses, each with a sentence that says what to do.

WorkbenchError (a LabelloopError)
├── NotFoundError       no such batch or task
├── RefusedError        what was asked cannot be done now
├── NotAllowedError     the person may not do this
└── ConflictError       somebody else wrote first: read again and retry
"""

from labelloop.core.errors import LabelloopError


class WorkbenchError(LabelloopError):
    """What was asked of the workbench cannot be done."""


class NotFoundError(WorkbenchError):
    """Raised when a batch or task does not exist."""


class RefusedError(WorkbenchError):
    """Raised when a batch's or task's state does not allow what was asked."""


class NotAllowedError(WorkbenchError):
    """Raised when a person has not the role that something takes."""


class ConflictError(WorkbenchError):
    """Raised by a store when a document is no longer in the version it was read in."""

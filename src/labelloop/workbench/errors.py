"""The errors of the workbench. Each message says what to do.

WorkbenchError (a LabelloopError)
├── NotFoundError       no such batch or task
├── RefusedError        the request cannot be done now
├── NotAllowedError     the person may not do this
└── ConflictError       somebody else wrote first: read again and retry
"""

from labelloop.core.errors import LabelloopError


class WorkbenchError(LabelloopError):
    """The workbench cannot do what a request asks for."""


class NotFoundError(WorkbenchError):
    """Raised when a batch or task does not exist."""


class RefusedError(WorkbenchError):
    """Raised when the state of a batch or task does not allow the request."""


class NotAllowedError(WorkbenchError):
    """Raised when a person does not have the required role."""


class ConflictError(WorkbenchError):
    """Raised by a store when a document has changed since it was read."""

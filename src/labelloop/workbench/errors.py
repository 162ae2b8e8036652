"""What the workbench refuses, each with what to do about it. `labelloop.core.errors` draws the tree."""

from labelloop.core.errors import LabelloopError


class WorkbenchError(LabelloopError):
    """Raised when the workbench cannot do what was asked; one class below for each reason."""


class NotFoundError(WorkbenchError):
    """Raised when a batch or task does not exist."""


class RefusedError(WorkbenchError):
    """Raised when the state of a batch or task does not allow the request."""


class NotAllowedError(WorkbenchError):
    """Raised when a person does not have the role that something takes."""


class ConflictError(WorkbenchError):
    """Raised when a document in the store is no longer in the version it was read in."""


class UnavailableError(WorkbenchError):
    """Raised when something that the workbench needs does not work now. The request may succeed later."""

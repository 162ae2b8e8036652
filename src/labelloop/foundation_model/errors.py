"""What can go wrong when a foundation model is asked. `labelloop.core.errors` draws the tree."""

from labelloop.core.errors import LabelloopError


class FoundationModelError(LabelloopError):
    """Raised when a foundation model cannot be asked; one class below for each kind of fault."""


class PromptError(FoundationModelError):
    """Raised when no prompt can be made: of the template, the guidelines or the descriptions of classes."""


class ModelServerError(FoundationModelError):
    """Raised when the model's server is not reached, refuses, or does not answer as it should."""


class AnswerCacheError(FoundationModelError):
    """Raised when the file of kept answers is in use, damaged, or not one of ours."""


class RequestRefusedError(Exception):
    """Raised when the server refuses one request; others may go through."""


class NoAnswerError(Exception):
    """Raised when a request has no answer. `lost`: it may have been charged for all the same.

    `slow`: there was none in time, which is lost too.
    """

    def __init__(self, reason: str, *, lost: bool = False, slow: bool = False) -> None:
        super().__init__(reason)
        self.lost, self.slow = lost or slow, slow


class CostLimitReachedError(Exception):
    """Raised when one more request could cost more than is allowed."""

"""The error with which a stand-in for an AWS service refuses a call."""

from typing import Any


class ServiceError(Exception):
    """Raised when a stand-in refuses a call, as the real service would.

    `code` is the service's error code (`ValidationException`), `status` the HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    def as_response(self) -> dict[str, Any]:
        """The parsed error response that botocore turns into a `ClientError`."""
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": self.status, "RequestId": "local", "RetryAttempts": 0},
        }


def throttling(message: str = "Rate exceeded") -> ServiceError:
    """A service's answer to too many calls."""
    return ServiceError("ThrottlingException", message)

"""The user's AWS account in one region, and what its refusals mean."""

import contextlib
from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, UnknownRegionError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from labelloop.core.errors import LabelloopError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient

PERMISSIONS_PAGE = "docs/running-on-aws.md"
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation", "AllAccessDisabled"}
# The answer to a HEAD request has no body that could give the reason.
_MISSING = {"404", "NoSuchKey", "NoSuchBucket"}
_REJECTED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
}
# Credentials that are missing or incomplete, or a sign-in that has expired.
_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "SSOError",
    "LoginError",
    "LoginRefreshRequired",
)


class OperationError(LabelloopError):
    """Raised when a command cannot do on AWS what it was asked for; the message says what to do."""


class Cloud:
    """Clients for one profile and region. Calls that AWS throttles are retried, with growing pauses."""

    def __init__(self, profile: str | None = None, region: str | None = None) -> None:
        """Raises OperationError when there is no such profile, or no region."""
        with explained():
            self._session = boto3.Session(profile_name=profile, region_name=region or None)
        if self._session.region_name is None:
            raise OperationError(
                "no AWS region is set: give one with --region (or AWS_REGION, or `aws configure`)"
            )
        self.region: str = self._session.region_name
        self._config = Config(
            retries={"mode": "adaptive", "max_attempts": 8}, connect_timeout=10, read_timeout=60
        )

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return self._session.client("cloudformation", config=self._config)

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        return self._session.client("stepfunctions", config=self._config)

    @cached_property
    def sagemaker(self) -> "SageMakerClient":
        return self._session.client("sagemaker", config=self._config)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", config=self._config)

    @cached_property
    def service_quotas(self) -> Any:
        # What only `start` and `doctor` look at must not keep them waiting.
        config = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=20)
        return cast("Any", self._session).client("service-quotas", config=config)

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client of a service that only one command asks."""
        return cast("Any", self._session).client(service, config=config or self._config)

    def has(self, service: str) -> bool:
        """Whether AWS offers a service in this region, as far as boto3 knows."""
        try:
            partition = cast("Any", self._session).get_partition_for_region(self.region)
        except UnknownRegionError:
            return False
        return self.region in cast("Any", self._session).get_available_regions(service, partition)


@contextlib.contextmanager
def explained() -> Generator[None]:
    """Turn what boto3 raises into an OperationError: what is wrong, and what to do about it."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise OperationError(in_words(error)) from error


def in_words(error: ClientError | BotoCoreError) -> str:
    """What is wrong, and what to do about it."""
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, BotocoreConnectionError | HTTPClientError):
        return f"AWS cannot be reached: check the network and the region ({error})"
    return _client_fault(error)


def error_code(error: ClientError) -> str:
    """The error code of the service: `AccessDeniedException`, `404`, ..."""
    return error.response.get("Error", {}).get("Code", "")


def is_missing(error: ClientError) -> bool:
    """Whether S3 says that there is no such object, or no such bucket."""
    return error_code(error) in _MISSING


def _refusal(error: ClientError) -> str:
    code = error_code(error)
    said = (error.response.get("Error", {}).get("Message", "") or code).rstrip(".")
    if code in _DENIED:
        return (
            f"AWS denies {error.operation_name}: {said}. Have your administrator allow it: "
            f"what each command needs is listed in {PERMISSIONS_PAGE}"
        )
    if code in _REJECTED:
        return (
            f"AWS does not accept the credentials: {said}. Sign in again (`aws sso login`, or "
            "`aws configure` with a new key), or choose others with --profile"
        )
    if code in _THROTTLED:
        return (
            f"AWS throttles {error.operation_name}, even when retried: wait a minute and repeat the command"
        )
    return f"AWS refuses {error.operation_name}: {said}"


def _client_fault(error: BotoCoreError) -> str:
    kind = type(error).__name__
    if kind == "ProfileNotFound":
        return f"{error}: `aws configure list-profiles` lists those that exist"
    if kind in _NO_CREDENTIALS:
        return (
            f"there are no usable AWS credentials ({str(error).rstrip('.')}): sign in with "
            "`aws sso login` or `aws configure`, or choose a profile with --profile"
        )
    return str(error)

"""Fetches images by their S3 URIs: from S3 with the job's role, or from a folder that stands for S3."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from classifier.failures import UserError

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
MOST_BYTES = 64_000_000
FETCHES_AT_ONCE = 16
_ATTEMPTS = 8
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_NOT_MODIFIED = 304
# What S3 says of one object. All else is about S3 itself or the job's credentials, and concerns every image.
_OF_THE_OBJECT = {
    "NoSuchKey",
    "404",
    "NoSuchBucket",
    "AccessDenied",
    "403",
    "InvalidObjectState",
    "InvalidRange",
}


class FetchError(Exception):
    """Raised when one image cannot be fetched. The message says why."""


class SourceError(UserError):
    """Raised when no image can be fetched, because S3 does not answer or the job has no credentials."""


@dataclass(frozen=True)
class Fetched:
    """A file, as it was when it was fetched."""

    content: bytes
    etag: str | None = None
    """Of the object in S3: whatever replaces it has another. None in a folder."""


class ImageSource(Protocol):
    """Where images are. Several threads use it at once."""

    def fetch(self, uri: str, known_etag: str | None = None) -> Fetched | None:
        """Return what is there; None if it still has the ETag that is known.

        Raises FetchError or SourceError.
        """


def image_source(environment: Mapping[str, str]) -> ImageSource:
    """Return the folder S3_FOLDER as a source, or S3 itself."""
    folder = environment.get("S3_FOLDER", "").strip()
    return FolderSource(Path(folder)) if folder else S3Source()


class FolderSource:
    """A folder in which `<bucket>/<key>` is `s3://<bucket>/<key>`."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def fetch(self, uri: str, known_etag: str | None = None) -> Fetched:  # noqa: ARG002
        bucket, key = bucket_and_key(uri)
        try:
            file = (self._root / bucket / key).resolve()
            if not file.is_relative_to(self._root) or not file.is_file():
                raise FetchError(f"there is no {uri}")
            if file.stat().st_size > MOST_BYTES:
                raise FetchError(f"it has more than {MOST_BYTES:,} bytes")
            return Fetched(file.read_bytes())
        except (OSError, ValueError) as error:
            raise FetchError(f"it cannot be read ({error})") from error


class S3Source:
    """S3, with the credentials of the job's role."""

    def __init__(self, client: Any = None) -> None:
        self.client = client or _client()

    def fetch(self, uri: str, known_etag: str | None = None) -> Fetched | None:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = bucket_and_key(uri)
        unless = {"IfNoneMatch": known_etag} if known_etag else {}
        try:
            found = self.client.get_object(Bucket=bucket, Key=key, **unless)
            if found["ContentLength"] > MOST_BYTES:
                found["Body"].close()
                raise FetchError(f"it has more than {MOST_BYTES:,} bytes")
            return Fetched(found["Body"].read(), found.get("ETag"))
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _NOT_MODIFIED:
                return None
            code = error.response.get("Error", {}).get("Code", "")
            if code in _OF_THE_OBJECT:
                raise FetchError(f"S3 does not give it ({code})") from error
            raise SourceError(
                f"S3 refuses {uri} ({error}): check the job's role, and that the images are in its region."
            ) from error
        except BotoCoreError as error:
            raise SourceError(
                f"{uri} cannot be fetched ({error}): the container reads images from S3, so the job needs a "
                "role that may read them, and a way to S3 (no network isolation; in a VPC, an endpoint)."
            ) from error


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Raises FetchError when it is not an S3 URI."""
    found = _URI.fullmatch(uri)
    if not found:
        raise FetchError("it is not an S3 URI such as s3://bucket/key")
    return found[1], found[2]


def _client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=FETCHES_AT_ONCE,
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return boto3.client("s3", region_name=region, config=config)

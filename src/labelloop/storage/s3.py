"""S3 objects as streams of lines, as bytes or as JSON. For streams, memory does not grow with the size."""

import contextlib
import functools
import io
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import urlsplit

import boto3
import smart_open
from botocore.config import Config
from botocore.exceptions import ClientError

from labelloop.core.errors import StorageError
from labelloop.workflow.run_files import is_intermediate

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

# A longer line is cut. It is over every limit on a manifest line anyway.
LONGEST_LINE = 4 * 1024 * 1024
# Lines come and go one by one. The library handles each call in Python: many are put together for it.
BYTES_AT_ONCE = 1024 * 1024
# Up to here, an object that is written as a stream is held in memory instead.
_SMALL_BYTES = 8 * 1024 * 1024
# Objects that only their run needs have a tag: the lifecycle rule of the stack's bucket removes them after
# some time. People's answers, models and the output have no tag.
_INTERMEDIATE_TAG: "TagTypeDef" = {"Key": "labelloop", "Value": "intermediate"}
# Of a conditional write; the second: another one was under way.
_ALREADY_THERE = {"PreconditionFailed", "ConditionalRequestConflict"}
_REASONS = {
    "NoSuchBucket": "there is no such bucket: check its name",
    "NoSuchKey": "there is no such object: check its name; intermediate files expire (IntermediateDays)",
    "404": "there is no such object or bucket",
    "AccessDenied": "access is denied: check the role's policy",
    "403": "access is denied: check the role's policy",
}


class _Tagging(TypedDict, total=False):
    Tagging: str


@functools.cache
def s3_client() -> "S3Client":
    """One client per process: creating one costs more than most calls."""
    return boto3.client("s3", config=Config(retries={"mode": "adaptive", "max_attempts": 8}))


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise StorageError(f"not an S3 URI: {uri}")
    # A key may contain a question mark, which does not begin a query here.
    return parts.netloc, uri[len("s3://") + len(parts.netloc) + 1 :]


def read_bytes(uri: str) -> bytes:
    bucket, key = split_uri(uri)
    with _explained(uri):
        return s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()


def read_json(uri: str) -> Any:
    return json.loads(read_bytes(uri))


def write_bytes(uri: str, content: bytes) -> None:
    bucket, key = split_uri(uri)
    with _explained(uri):
        s3_client().put_object(Bucket=bucket, Key=key, Body=content, **tagging(uri))


def write_json(uri: str, content: Any) -> None:
    write_bytes(uri, json.dumps(content, indent=2, ensure_ascii=False).encode())


def write_new_json(uri: str, content: Any) -> bool:
    """Write an object that must not exist yet. Returns whether it did not."""
    bucket, key = split_uri(uri)
    body = json.dumps(content, indent=2, ensure_ascii=False).encode()
    try:
        with _explained(uri):
            s3_client().put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", **tagging(uri))
    except StorageError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and cause.response["Error"]["Code"] in _ALREADY_THERE:
            return False
        raise
    return True


def mark_intermediate(uri: str) -> None:
    """Tag an object that a job wrote and that only its run needs."""
    bucket, key = split_uri(uri)
    with _explained(uri):
        s3_client().put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [_INTERMEDIATE_TAG]})


def exists(uri: str) -> bool:
    bucket, key = split_uri(uri)
    try:
        with _explained(uri):
            s3_client().head_object(Bucket=bucket, Key=key)
    except StorageError as error:
        if isinstance(error.__cause__, ClientError) and error.__cause__.response["Error"]["Code"] == "404":
            return False
        raise
    return True


def list_uris(prefix_uri: str) -> list[str]:
    """URIs of all objects that begin with this URI, in key order."""
    bucket, prefix = split_uri(prefix_uri)
    with _explained(prefix_uri):
        pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", ())]


def read_lines(uri: str) -> Iterator[bytes]:
    """Lines without their line feed, split only on line feeds (U+2028 is text)."""
    with reading(uri) as stream:
        # It has `readinto`, and that is all that is asked of a raw stream here.
        buffered = io.BufferedReader(stream, BYTES_AT_ONCE)  # type: ignore[type-var]
        while line := buffered.readline(LONGEST_LINE):
            yield line.removesuffix(b"\n")


def write_lines(uri: str, lines: Iterable[bytes]) -> int:
    """Write lines, each with a line feed; the object appears once all are written. Returns their number."""
    written = 0
    with writing(uri) as stream:
        for some in _at_once(lines):
            written += len(some)
            some.append(b"")
            stream.write(b"\n".join(some))
    return written


@contextlib.contextmanager
def reading(uri: str) -> Iterator[IO[bytes]]:
    """The object as a stream that can seek; each seek is a request."""
    with _explained(uri), _opened(uri, "rb") as stream:
        yield stream


@contextlib.contextmanager
def writing(uri: str) -> Iterator[IO[bytes]]:
    """A stream to write; the object appears at the end, and not if there is an exception.

    A small object is written by one request; an upload in parts takes three at least.
    """
    with _explained(uri), contextlib.ExitStack() as stack:
        stream = _Written(lambda: stack.enter_context(_opened(uri, "wb")))
        yield cast("IO[bytes]", stream)
        if stream.in_parts is None:
            write_bytes(uri, stream.held.getvalue())


class _Written(io.BufferedIOBase):
    """Holds what is written while it is small, then passes it on to an upload in parts."""

    def __init__(self, in_parts: Callable[[], IO[bytes]]) -> None:
        self.held = io.BytesIO()
        self.in_parts: IO[bytes] | None = None
        self._open = in_parts

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        if self.in_parts is None and self.held.tell() + memoryview(data).nbytes <= _SMALL_BYTES:
            return self.held.write(data)
        if self.in_parts is None:
            self.in_parts = self._open()
            self.in_parts.write(self.held.getvalue())
            self.held = io.BytesIO()
        return self.in_parts.write(data)


def _at_once(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines in lists of about `BYTES_AT_ONCE`."""
    some: list[bytes] = []
    size = 0
    for line in lines:
        some.append(line)
        size += len(line)
        if size >= BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


@contextlib.contextmanager
def _opened(uri: str, mode: str) -> Iterator[IO[bytes]]:
    split_uri(uri)  # smart_open also opens other things
    tags = tagging(uri)
    parameters = {
        "client": s3_client(),
        "client_kwargs": {
            # An upload without lines becomes a plain put.
            "S3.Client.create_multipart_upload": tags,
            "S3.Client.put_object": tags,
        },
    }
    with smart_open.open(uri, mode, compression="disable", transport_params=parameters) as stream:
        yield stream


def tagging(uri: str) -> _Tagging:
    """The argument that tags an intermediate object when it is written."""
    if not is_intermediate(uri):
        return {}
    return {"Tagging": f"{_INTERMEDIATE_TAG['Key']}={_INTERMEDIATE_TAG['Value']}"}


@contextlib.contextmanager
def _explained(uri: str) -> Generator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise StorageError(f"{uri}: {_REASONS.get(code, str(error))}") from error
    except (OSError, ValueError) as error:
        # smart_open wraps the client's error.
        cause = error.__cause__ or getattr(error, "backend_error", None)
        if not isinstance(cause, ClientError):
            raise
        code = cause.response["Error"]["Code"]
        raise StorageError(f"{uri}: {_REASONS.get(code, str(error))}") from cause

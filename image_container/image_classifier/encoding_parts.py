"""Keeps encodings in S3 for the later jobs of a run, each of which has a new machine on AWS.

A job reads all files when it begins, and writes what it encodes itself to files of its own. No file is
written again, so any number of instances and jobs may read and write at once.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from classifier.encoding_cache import Vector

from image_classifier.encoding_part import (
    KnownImage,
    Part,
    PartError,
    address_of,
    can_be_kept,
    is_part,
    name_of,
    pack,
)
from image_classifier.image_source import FetchError, bucket_and_key

logger = logging.getLogger(__name__)

# 10 MB with the vectors of EfficientNet-Lite2.
_MOST_IN_A_PART = 1_024
# SageMaker may end a job right after any request. But requests of one image must not make a file for each.
_SECONDS_BETWEEN_REQUESTS = 1.0
_READS_AT_ONCE = 8
_BYTES_AT_ONCE = 1024 * 1024
# The lifecycle rule of the stack's bucket removes what has this tag after some time.
_TAG = "labelloop=intermediate"
_TROUBLE = (BotoCoreError, ClientError, OSError, PartError)


@dataclass(frozen=True)
class _Listed:
    """A file in S3."""

    key: str
    size: int
    """In bytes."""
    written: datetime


class EncodingParts:
    """What the jobs of a run know of its images. Several threads may use it at once.

    Nothing here fails a job. What cannot be read or written costs time, and one message says so.
    """

    def __init__(self, uri: str, size: int, client: Any) -> None:
        """See `open`. Raises FetchError when the address is not an S3 URI."""
        self._uri = uri
        self._bucket, self._prefix = bucket_and_key(uri)
        self._size = size
        self._client = client
        self._known: dict[bytes, tuple[Part, int]] = {}
        self._waiting: dict[str, KnownImage] = {}
        self._lock = threading.Lock()
        self._is_writable = True
        self._tagging = {"Tagging": _TAG}
        self._request_written = float("-inf")

    @classmethod
    def open(cls, uri: str, size: int, client: Any) -> EncodingParts | None:
        """Read what earlier jobs have written; None if it cannot be listed: then nothing is kept here.

        uri: a folder in S3 for one backbone, with a slash at its end. size: of a vector. client: boto3's.
        """
        started = time.monotonic()
        try:
            parts = cls(uri, size, client)
            parts._read(list(parts._listed()))
        except (*_TROUBLE, FetchError) as error:
            logger.info("The encodings in %s cannot be read (%s): continuing without them.", uri, error)
            return None
        seconds = time.monotonic() - started
        logger.info("Encodings of %d images read from %s in %.1f s.", len(parts._known), uri, seconds)
        return parts

    def find(self, uri: str) -> KnownImage | None:
        """Return what an earlier job found at this address. It holds if the object's ETag is the same."""
        place = self._known.get(address_of(uri))
        return None if place is None else place[0].image(place[1])

    def keep(self, uri: str, etag: str, vector: Vector) -> None:
        """Add an image that was encoded."""
        with self._lock:
            if self._is_writable and can_be_kept(etag):
                self._waiting[uri] = KnownImage(etag, vector)
            if len(self._waiting) >= _MOST_IN_A_PART:
                self._write()

    def end_request(self) -> None:
        """Write what was added, unless another request's was written a moment ago."""
        now = time.monotonic()
        with self._lock:
            if self._waiting and now - self._request_written >= _SECONDS_BETWEEN_REQUESTS:
                self._write()
                self._request_written = now

    def _listed(self) -> Iterator[_Listed]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
            for item in page.get("Contents", ()):
                if is_part(item["Key"].removeprefix(self._prefix)):
                    yield _Listed(item["Key"], item["Size"], item["LastModified"])

    def _read(self, listed: Sequence[_Listed]) -> None:
        chosen = _newest_within(listed, shutil.disk_usage(tempfile.gettempdir()).free // 2)
        if len(chosen) < len(listed):
            logger.info("The disk has room for the newest %d of %d files.", len(chosen), len(listed))
        problems = []
        with ThreadPoolExecutor(_READS_AT_ONCE, thread_name_prefix="encodings") as threads:
            # The newest come last: where an image was replaced, they know the one that is there now.
            for part in threads.map(self._part_or_problem, reversed(chosen)):
                if isinstance(part, Part):
                    self._known.update((address, (part, row)) for row, address in enumerate(part.addresses))
                else:
                    problems.append(part)
        if problems:
            logger.info(
                "%d of %d files of encodings cannot be used, and their images are encoded again: %s",
                len(problems),
                len(chosen),
                problems[0],
            )

    def _part_or_problem(self, listed: _Listed) -> Part | str:
        try:
            return self._fetch(listed.key)
        except _TROUBLE as error:
            return f"s3://{self._bucket}/{listed.key}: {error}"

    def _fetch(self, key: str) -> Part:
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            for content in body.iter_chunks(_BYTES_AT_ONCE):
                digest.update(content)
                file.write(content)
            file.flush()
            if key != self._prefix + name_of(digest.hexdigest()):
                raise PartError("its content is not the one that its name says")
            return Part(Path(file.name), self._size)

    def _write(self) -> None:
        content = pack(self._waiting)
        self._waiting.clear()
        key = self._prefix + name_of(hashlib.sha256(content).hexdigest())
        try:
            self._put(key, content)
        except _TROUBLE as error:
            self._is_writable = False
            logger.info("Encodings cannot be written to %s (%s): later jobs encode again.", self._uri, error)

    def _put(self, key: str, content: bytes) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, **self._tagging)
        except ClientError as error:
            # A role of the user's own may be allowed to write, but not to write tags.
            if not self._tagging or error.response.get("Error", {}).get("Code") != "AccessDenied":
                raise
            self._tagging = {}
            self._put(key, content)


def _newest_within(listed: Sequence[_Listed], most_bytes: int) -> list[_Listed]:
    """Return the newest files, as many as have no more bytes in total, the newest first."""
    chosen = []
    for one in sorted(listed, key=lambda one: (one.written, one.key), reverse=True):
        most_bytes -= one.size
        if most_bytes < 0:
            break
        chosen.append(one)
    return chosen

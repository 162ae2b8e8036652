"""A training channel in Pipe mode: SageMaker streams the data through a named pipe, once per epoch."""

import errno
import json
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelloop.local.s3_objects import S3ObjectsError, find_objects, split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# MXNet's RecordIO: each record's magic number and length, then its bytes, padded to four.
_MAGIC = 0xCED7230A
_POLL_SECONDS = 0.02


def wrap_record(record: bytes) -> bytes:
    """The record in RecordIO format."""
    return struct.pack("<II", _MAGIC, len(record)) + record + b"\0" * (-len(record) % 4)


def check_pipe(s3: "S3Client", channel: Mapping[str, Any]) -> None:
    """Raises `S3ObjectsError` when the channel cannot be streamed: before the container waits for it."""
    for _ in pipe_records(s3, channel):
        pass


def pipe_records(s3: "S3Client", channel: Mapping[str, Any]) -> Iterator[bytes]:
    """The data of one epoch. Raises `S3ObjectsError`."""
    wrap = wrap_record if channel.get("RecordWrapperType") == "RecordIO" else bytes
    source = channel["DataSource"]["S3DataSource"]
    records = _of_manifest if source.get("S3DataType") == "AugmentedManifestFile" else _of_objects
    return map(wrap, records(s3, source))


def _of_objects(s3: "S3Client", source: Mapping[str, Any]) -> Iterator[bytes]:
    for bucket, key, _ in find_objects(s3, source):
        yield s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _of_manifest(s3: "S3Client", source: Mapping[str, Any]) -> Iterator[bytes]:
    """The attributes of each line, in the order of AttributeNames, one record each."""
    uri, names = source["S3Uri"], source["AttributeNames"]
    bucket, key = split_s3_uri(uri)
    try:
        lines = s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines()
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket):
        raise S3ObjectsError(f"there is no augmented manifest {uri}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _parsed(line, f"line {number} of {uri}")
        for name in names:
            if name not in record:
                raise S3ObjectsError(f"line {number} of {uri} lacks the attribute {name!r}")
            yield _attribute(s3, name, record[name])


def _parsed(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise S3ObjectsError(f"{place} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise S3ObjectsError(f"{place} is not a JSON object")
    return record


def _attribute(s3: "S3Client", name: str, value: Any) -> bytes:
    if name.endswith("-ref"):
        bucket, key = split_s3_uri(value)
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()


class PipeChannel:
    """The pipes `<channel>_0`, `<channel>_1`, ... in a folder. A thread feeds them while they are read."""

    def __init__(self, folder: Path, name: str, records: Callable[[], Iterator[bytes]]) -> None:
        """`records` returns the data of one epoch."""
        self._folder = folder
        self._name = name
        self._records = records
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._feed, name=f"labelloop pipe {name}", daemon=True)
        folder.mkdir(parents=True, exist_ok=True)
        os.mkfifo(self._pipe(0))
        self._thread.start()

    def close(self) -> None:
        """Stops feeding. The container must have ended before."""
        self._closing.set()
        self._thread.join(5)

    def _pipe(self, epoch: int) -> Path:
        return self._folder / f"{self._name}_{epoch}"

    def _feed(self) -> None:
        epoch = 0
        while (pipe := self._open(self._pipe(epoch))) is not None:
            epoch += 1
            os.mkfifo(self._pipe(epoch))
            try:
                with open(pipe, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
                    for record in self._records():
                        stream.write(record)
            except BrokenPipeError:
                pass  # the container does not need the rest of this epoch

    def _open(self, path: Path) -> int | None:
        """The pipe as soon as somebody reads it; None if that will not happen."""
        while not self._closing.is_set():
            try:
                pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    return None
                time.sleep(_POLL_SECONDS)
            else:
                os.set_blocking(pipe, True)
                return pipe
        return None

"""Plain files behind S3's client: all of labelloop's own work on S3 is measured, and the network's is not."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody


class FilesClient:
    """The calls that the steps make of S3, on a folder: s3://bucket/key is DIR/bucket/key.

    `requests` counts them by name, `read` and `written` are bytes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.requests: Counter[str] = Counter()
        self.read = self.written = 0

    def get_object(self, Bucket: str, Key: str, Range: str = "bytes=0-") -> dict[str, Any]:  # noqa: N803
        self.requests["GetObject"] += 1
        path = self._existing("GetObject", Bucket, Key)
        size, stream = path.stat().st_size, path.open("rb")
        start, end = _range(Range, size)
        stream.seek(start)
        body = _Counted(stream, end + 1 - start, self)
        return {
            "Body": body,
            "ContentLength": size,
            "ContentRange": f"bytes {start}-{end}/{size}",
            "ResponseMetadata": {"RetryAttempts": 0, "HTTPStatusCode": 206 if size else 200},
        }

    def put_object(self, Bucket: str, Key: str, Body: bytes, **_options: str) -> dict[str, Any]:  # noqa: N803
        self.requests["PutObject"] += 1
        self.written += len(Body)
        self._made(Bucket, Key).write_bytes(Body)
        return {}

    def create_multipart_upload(self, Bucket: str, Key: str, **_options: str) -> dict[str, Any]:  # noqa: N803
        self.requests["CreateMultipartUpload"] += 1
        self._made(Bucket, f"{Key}.part").write_bytes(b"")
        return {"UploadId": Key}

    def upload_part(self, Bucket: str, Key: str, Body: IO[bytes], **_options: Any) -> dict[str, Any]:  # noqa: N803
        self.requests["UploadPart"] += 1
        with self._made(Bucket, f"{Key}.part").open("ab") as stream:
            shutil.copyfileobj(Body, stream, 1 << 20)
            self.written += Body.tell()
        return {"ETag": "part"}

    def complete_multipart_upload(self, Bucket: str, Key: str, **_options: Any) -> None:  # noqa: N803
        self.requests["CompleteMultipartUpload"] += 1
        self._made(Bucket, f"{Key}.part").replace(self._made(Bucket, Key))

    def abort_multipart_upload(self, Bucket: str, Key: str, **_options: Any) -> None:  # noqa: N803
        self._made(Bucket, f"{Key}.part").unlink()

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.requests["HeadObject"] += 1
        return {"ContentLength": self._existing("HeadObject", Bucket, Key).stat().st_size}

    def put_object_tagging(self, **_options: Any) -> None:
        self.requests["PutObjectTagging"] += 1

    def get_paginator(self, _name: str) -> "FilesClient":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        self.requests["ListObjectsV2"] += 1
        bucket = self._folder / Bucket
        folder = (bucket / Prefix).parent if not Prefix.endswith("/") else bucket / Prefix
        keys = sorted(path.relative_to(bucket).as_posix() for path in folder.rglob("*") if path.is_file())
        yield {"Contents": [{"Key": key} for key in keys if key.startswith(Prefix)]}

    def take_the_place_of_s3(self) -> None:
        """For the rest of this process."""
        from labelloop.storage import s3

        s3.s3_client = lambda: self  # type: ignore[assignment] # all it is asked for

    def _made(self, bucket: str, key: str) -> Path:
        path = self._folder / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _existing(self, operation: str, bucket: str, key: str) -> Path:
        path = self._folder / bucket / key
        if not path.is_file():
            code = "404" if operation == "HeadObject" else "NoSuchKey"
            raise ClientError({"Error": {"Code": code, "Message": key}}, operation)
        return path


class _Counted(StreamingBody):
    """What is read of it counts as read."""

    def __init__(self, stream: IO[bytes], size: int, client: FilesClient) -> None:
        super().__init__(stream, size)
        self._client, self._size, self._position = client, size, 0

    def read(self, amt: int | None = None) -> bytes:
        left = self._size - self._position
        if not left:
            return b""
        content = super().read(left if amt is None else min(amt, left))
        self._position += len(content)
        self._client.read += len(content)
        if self._position >= self._size:
            self.close()
        return content


def _range(header: str, size: int) -> tuple[int, int]:
    """The first and the last byte."""
    first, last = header.removeprefix("bytes=").split("-")
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last or size), size - 1)

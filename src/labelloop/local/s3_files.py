"""S3 objects to files and back, for the jobs."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3FilesError(Exception):
    """Raised when an S3 URI is malformed, or there is nothing at it."""


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise S3FilesError(f"{uri!r} is no S3 URI: it must look like s3://bucket/key")
    return bucket, key


def list_keys(s3: "S3Client", bucket: str, prefix: str) -> Iterator[str]:
    """The keys under `prefix` in order, without the empty markers that stand for folders."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))
    except s3.exceptions.NoSuchBucket:
        raise S3FilesError(f"there is no bucket {bucket!r}") from None


def relative_key(key: str, prefix: str) -> str:
    """What is left of `key` below the last folder of `prefix`: under `in/da`, `in/data/x` is `data/x`."""
    return key[prefix.rfind("/") + 1 :]


def download(s3: "S3Client", bucket: str, key: str, path: Path) -> None:
    """Writes one object to `path`, making the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file, 1 << 20)


def safe_relative_path(relative: str) -> PurePosixPath:
    """`relative` as a path, unless it would lead out of the folder it is joined to (`S3FilesError`)."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts:
        raise S3FilesError(f"the key {relative!r} leads out of its folder")
    return path


def upload(s3: "S3Client", path: Path, bucket: str, key: str) -> None:
    """Writes a file to one object."""
    with path.open("rb") as file:
        s3.put_object(Bucket=bucket, Key=key, Body=file)

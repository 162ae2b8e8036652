"""The S3 objects of a job: which ones its data source names, and copying them to files and back."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3ObjectsError(Exception):
    """Raised when an S3 URI is malformed, or there is nothing at it."""


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise S3ObjectsError(f"{uri!r} is not an S3 URI: it must look like s3://bucket/key")
    return bucket, key


def list_keys(s3: "S3Client", bucket: str, prefix: str) -> Iterator[str]:
    """The keys under `prefix` in order, without the empty markers for folders."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))
    except s3.exceptions.NoSuchBucket:
        raise S3ObjectsError(f"there is no bucket {bucket!r}") from None


def relative_key(key: str, prefix: str) -> str:
    """The part of `key` below the last folder of `prefix`: under `in/da`, `in/data/x` is `data/x`."""
    return key[prefix.rfind("/") + 1 :]


def download(s3: "S3Client", bucket: str, key: str, path: Path) -> None:
    """Writes one object to `path`, and creates the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file, 1 << 20)


def safe_relative_path(relative: str) -> PurePosixPath:
    """`relative` as a path. Raises `S3ObjectsError` if it would lead out of its folder."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts:
        raise S3ObjectsError(f"the key {relative!r} leads out of its folder")
    return path


def upload(s3: "S3Client", path: Path, bucket: str, key: str) -> None:
    """Writes a file to one object."""
    with path.open("rb") as file:
        s3.put_object(Bucket=bucket, Key=key, Body=file)


def find_objects(s3: "S3Client", source: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The bucket, key, and relative path of each object that an `S3DataSource` names.

    Raises `S3ObjectsError` when there is none, or when this type of source is not supported here.
    """
    kind = source.get("S3DataType", "S3Prefix")
    if kind == "S3Prefix":
        bucket, prefix = split_s3_uri(source["S3Uri"])
        found = [(bucket, key, relative_key(key, prefix)) for key in list_keys(s3, bucket, prefix)]
    elif kind == "ManifestFile":
        found = _objects_in_manifest(s3, source["S3Uri"])
    else:
        raise S3ObjectsError(f"S3DataType {kind} is not known here: use S3Prefix or ManifestFile")
    if not found:
        raise S3ObjectsError(f"no S3 objects found under {source['S3Uri']}")
    return found


def fetch_channel(s3: "S3Client", channel: Mapping[str, Any], folder: Path) -> None:
    """Downloads a training channel into `folder`; also in FastFile mode, where a reader sees no difference.

    Raises `S3ObjectsError` when there is nothing to download, or this kind of channel is not supported here.
    """
    if channel.get("InputMode", "File") not in ("File", "FastFile"):
        raise S3ObjectsError(
            f"input mode {channel['InputMode']} is not known here: use File, FastFile or Pipe"
        )
    for bucket, key, relative in find_objects(s3, channel["DataSource"]["S3DataSource"]):
        download(s3, bucket, key, folder / safe_relative_path(relative))


def _objects_in_manifest(s3: "S3Client", uri: str) -> list[tuple[str, str, str]]:
    """A manifest file is a JSON array: a prefix, then what to append to it."""
    bucket, key = split_s3_uri(uri)
    try:
        entries = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        prefix = entries[0]["prefix"]
        found = []
        for name in entries[1:]:
            object_bucket, object_key = split_s3_uri(f"{prefix}{name}")
            found.append((object_bucket, object_key, str(name)))
    except ClientError as error:
        raise S3ObjectsError(f"the manifest {uri} cannot be read: {error}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise S3ObjectsError(f'the manifest {uri} must be [{{"prefix": "s3://..."}}, "key", ...]') from error
    return found

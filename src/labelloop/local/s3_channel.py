"""The S3 data source of a training channel or a transform job: which objects it means."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from labelloop.local.s3_files import (
    S3FilesError,
    download,
    list_keys,
    relative_key,
    safe_relative_path,
    split_s3_uri,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def find_objects(s3: "S3Client", source: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The bucket, key, and relative path of each object that an `S3DataSource` means.

    Raises `S3FilesError` when there is none, or when the source is of a type that cannot be read here.
    """
    kind = source.get("S3DataType", "S3Prefix")
    if kind == "S3Prefix":
        bucket, prefix = split_s3_uri(source["S3Uri"])
        found = [(bucket, key, relative_key(key, prefix)) for key in list_keys(s3, bucket, prefix)]
    elif kind == "ManifestFile":
        found = _objects_in_manifest(s3, source["S3Uri"])
    else:
        raise S3FilesError(f"S3DataType {kind} is not known here: use S3Prefix or ManifestFile")
    if not found:
        raise S3FilesError(f"no S3 objects found under {source['S3Uri']}")
    return found


def fetch_channel(s3: "S3Client", channel: Mapping[str, Any], folder: Path) -> None:
    """Downloads a training channel into `folder`: in FastFile mode too, which looks the same to who reads.

    Raises `S3FilesError` when there is nothing to download, or the channel cannot be read here.
    """
    if channel.get("InputMode", "File") not in ("File", "FastFile"):
        raise S3FilesError(f"input mode {channel['InputMode']} is not known here: use File, FastFile or Pipe")
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
        raise S3FilesError(f"the manifest {uri} cannot be read: {error}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise S3FilesError(f'the manifest {uri} must be [{{"prefix": "s3://..."}}, "key", ...]') from error
    return found

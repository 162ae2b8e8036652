"""Arrays in S3, written and read as streams: large ones are never in memory twice."""

import io
from collections.abc import Collection, Mapping
from typing import Any

import numpy.typing as npt

from labelloop.core import arrays
from labelloop.storage import s3

Array = npt.NDArray[Any]


def write_array(uri: str, array: Array) -> None:
    """As a .npy file."""
    with s3.writing(uri) as stream:
        arrays.write_array(stream, array)


def read_array(uri: str) -> Array:
    """What `write_array` wrote; it can be written to. Raises ValueError when it is something else."""
    with s3.reading(uri) as stream:
        return arrays.read_array(stream)


def write_archive(uri: str, contents: Mapping[str, Array]) -> None:
    """As a .npz file."""
    with s3.writing(uri) as stream:
        arrays.write_archive(stream, contents)


def read_archive(uri: str, without: Collection[str] = ()) -> dict[str, Array]:
    """What `write_archive` wrote, but for some of its arrays. Raises ValueError when it is something else."""
    with s3.reading(uri) as stream:
        # Each seek is a request: those within what has been read are none.
        return arrays.read_archive(io.BufferedReader(stream, s3.BYTES_AT_ONCE), without)  # type: ignore[type-var]

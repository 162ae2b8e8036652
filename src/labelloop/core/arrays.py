"""One array as the bytes of a .npy file; several named arrays as the bytes of a .npz file."""

import io
import zipfile
import zlib
from collections.abc import Collection, Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt

# What reading raises when the content is not a .npz file, or a broken one.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, SyntaxError)


def to_bytes(array: npt.NDArray[Any]) -> bytes:
    """The array as a .npy file."""
    buffer = io.BytesIO()
    write_array(buffer, array)
    return buffer.getvalue()


def from_bytes(content: bytes) -> npt.NDArray[Any]:
    """What `to_bytes` wrote. Raises ValueError when the content is not a .npy file."""
    return read_array(io.BytesIO(content))


def to_archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The arrays as a .npz file: the same bytes for the same arrays in the same order."""
    buffer = io.BytesIO()
    write_archive(buffer, arrays)
    return buffer.getvalue()


def from_archive(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """What `to_archive` wrote. Raises ValueError when the content is not a .npz file."""
    return read_archive(io.BytesIO(content))


def write_array(stream: IO[bytes], array: npt.NDArray[Any]) -> None:
    """Write a .npy file, a few megabytes of it at a time."""
    np.lib.format.write_array(stream, array, allow_pickle=False)


def read_array(stream: IO[bytes]) -> npt.NDArray[Any]:
    """Read a .npy file into an array that can be written to. Raises ValueError when it is not one."""
    return np.lib.format.read_array(stream, allow_pickle=False)


def write_archive(stream: IO[bytes], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a .npz file, a few megabytes of it at a time."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # An entry without a date gets the earliest possible one: the bytes do not depend on the time.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read_archive(stream: IO[bytes], without: Collection[str] = ()) -> dict[str, npt.NDArray[Any]]:
    """Read a .npz file's arrays, but for some of them. `stream` can seek.

    Raises ValueError when it is not a .npz file.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(stream) as archive:
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name not in without:
                    with archive.open(entry) as member:
                        arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    except _BROKEN as error:
        raise ValueError(f"not a .npz file: {error}") from error
    return arrays

"""One array as the bytes of a .npy file; several named arrays as the bytes of a .npz file."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

# What reading raises when the content is not a .npz file, or a broken one.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, SyntaxError)


def to_bytes(array: npt.NDArray[Any]) -> bytes:
    """The array as a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def from_bytes(content: bytes) -> npt.NDArray[Any]:
    """What `to_bytes` wrote. Raises ValueError when the content is not a .npy file."""
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def to_archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The arrays as a .npz file: the same bytes for the same arrays in the same order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # An entry without a date gets the earliest possible one: the bytes do not depend on the time.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
    return buffer.getvalue()


def from_archive(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """What `to_archive` wrote. Raises ValueError when the content is not a .npz file."""
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as stream:
                    array = np.lib.format.read_array(stream, allow_pickle=False)
                arrays[entry.filename.removesuffix(".npy")] = array
    except _BROKEN as error:
        raise ValueError(f"not a .npz file: {error}") from error
    return arrays

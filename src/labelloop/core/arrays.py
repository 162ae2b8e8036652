"""Arrays as the bytes of a .npy file."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt


def to_bytes(array: npt.NDArray[Any]) -> bytes:
    """The array as a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def from_bytes(content: bytes) -> npt.NDArray[Any]:
    """What `to_bytes` wrote. Raises ValueError when the content is no .npy file."""
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)

"""One file of encodings: the vectors of some images, with the addresses and ETags that they had.

It is in the format safetensors, one row for each image, and named by the SHA-256 of its bytes. So what is
damaged or incomplete does not have the content that its name says, and two jobs cannot write different files
of one name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from classifier.encoding_cache import Vector
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

_NAME = re.compile(r"[0-9a-f]{64}\.safetensors")
_ADDRESS_BYTES = 32
# Those of S3 have up to 40 characters, with their quotation marks.
_MOST_ETAG_BYTES = 64


class PartError(Exception):
    """Raised when a file cannot be used. The message says why."""


@dataclass(frozen=True)
class KnownImage:
    """An image that has been encoded."""

    etag: str
    """Of the object in S3 that was encoded: whatever replaces it has another."""
    vector: Vector
    """Shape (features,)."""


def is_part(name: str) -> bool:
    """Whether a file of this name is one of encodings."""
    return _NAME.fullmatch(name) is not None


def name_of(digest: str) -> str:
    """Return the name of the file whose bytes have this SHA-256."""
    return f"{digest}.safetensors"


def address_of(uri: str) -> bytes:
    """Return what stands for an S3 URI, which may be long."""
    return hashlib.sha256(uri.encode("utf-8", "surrogatepass")).digest()


def can_be_kept(etag: str) -> bool:
    """Whether a file has room for this ETag."""
    return etag.isascii() and 0 < len(etag) <= _MOST_ETAG_BYTES


def pack(images: Mapping[str, KnownImage]) -> bytes:
    """Return the content of a file.

    images: at least one, by its S3 URI, each with an ETag that can be kept.
    """
    addresses = np.frombuffer(b"".join(map(address_of, images)), np.uint8)
    etags = np.array([image.etag.encode("ascii") for image in images.values()], f"S{_MOST_ETAG_BYTES}")
    return save(
        {
            "addresses": addresses.reshape(-1, _ADDRESS_BYTES),
            "etags": etags.view(np.uint8).reshape(-1, _MOST_ETAG_BYTES),
            "vectors": np.stack([image.vector for image in images.values()]).astype(np.float16),
        }
    )


class Part:
    """A file of encodings whose vectors stay on disk until they are asked for."""

    def __init__(self, file: Path, size: int) -> None:
        """Open a file, which may be removed afterwards.

        Raises PartError when it cannot be read, or has no vectors of this size.
        """
        try:
            opened: Any = safe_open(file, "np")
            addresses, etags = opened.get_tensor("addresses"), opened.get_tensor("etags")
            self._vectors = opened.get_slice("vectors")
            shape, dtype = self._vectors.get_shape(), self._vectors.get_dtype()
        except (SafetensorError, OSError) as error:
            raise PartError(f"it cannot be read ({error})") from error
        expected = [(len(addresses), _ADDRESS_BYTES), (len(addresses), _MOST_ETAG_BYTES)]
        types = {str(addresses.dtype), str(etags.dtype)}
        if [addresses.shape, etags.shape] != expected or types != {"uint8"}:
            raise PartError("it does not say which images it is of")
        if (tuple(shape), dtype) != ((len(addresses), size), "F16"):
            raise PartError(f"it has no {size} features of 16 bits for each image")
        self.addresses = [row.tobytes() for row in addresses]
        self._etags = etags.view(f"S{_MOST_ETAG_BYTES}").ravel()

    def image(self, row: int) -> KnownImage:
        """Return the image in this row."""
        return KnownImage(self._etags[row].decode("ascii"), self._vectors[row : row + 1][0])

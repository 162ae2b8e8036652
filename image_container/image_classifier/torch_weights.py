"""Reads the tensors of a file that PyTorch wrote before its version 1.6, without PyTorch.

Such a file is a sequence of pickles: a magic number, a version, facts about the machine, the tensors by name,
and the names of their storages; then the storages' bytes. A pickle can run any code, so only the few names
that a dictionary of tensors needs are allowed, and they stand for functions of this module.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from classifier.failures import UserError
from numpy.typing import NDArray

Tensor = NDArray[np.float32]

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class WeightsError(UserError):
    """Raised when a file of weights is damaged, or holds anything but tensors."""


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class _View:
    """A tensor: a part of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, content: NDArray[Any]) -> NDArray[Any]:
        reach = self.offset + sum(
            (size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True)
        )
        if min((self.offset, *self.shape, *self.strides)) < 0 or reach >= len(content):
            raise ValueError("a tensor is larger than its storage")
        width = content.dtype.itemsize
        strides = [stride * width for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(content[self.offset :], self.shape, strides, writeable=False)
        return np.array(view, order="C")


class _TensorUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for an allowed name. Raises UnpicklingError for any other."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no tensor needs")

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, size, _ = pid
        return _Storage(str(key), str(dtype), int(size))


def read_tensors(file: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors by their names. Raises WeightsError."""
    try:
        with file.open("rb") as stream:
            return _read(stream)
    except Exception as error:  # a damaged pickle raises errors of many kinds
        raise WeightsError(
            f"The weights {file} cannot be read ({error!r:.200}): fetch them again with fetch_backbone."
        ) from error


def _read(stream: IO[bytes]) -> dict[str, NDArray[Any]]:
    if _loaded(stream) != _MAGIC_NUMBER or _loaded(stream) != _PROTOCOL:
        raise ValueError("it is no file of PyTorch's format before 1.6")
    if not _loaded(stream)["little_endian"]:
        raise ValueError("its numbers are big-endian")
    views: dict[str, _View] = _loaded(stream)
    storages = {view.storage.key: view.storage for view in views.values()}
    contents = {key: _content(stream, storages[key]) for key in _loaded(stream)}
    return {name: view.of(contents[view.storage.key]) for name, view in views.items()}


def _loaded(stream: IO[bytes]) -> Any:
    return _TensorUnpickler(stream).load()


def _content(stream: IO[bytes], storage: _Storage) -> NDArray[Any]:
    size = int.from_bytes(stream.read(8), "little")
    if size != storage.size:
        raise ValueError(f"the storage {storage.key} has {size} numbers, not {storage.size}")
    dtype = np.dtype(storage.dtype)
    return np.frombuffer(stream.read(size * dtype.itemsize), dtype, size)


def _view(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_gradients: Any
) -> _View:
    return _View(storage, offset, shape, strides)

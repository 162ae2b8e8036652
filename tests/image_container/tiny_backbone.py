"""A small EfficientNet-Lite with random weights, in the file that PyTorch would write."""

import json
import pickle
import sys
import types
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

# Channels of the stem and of each block: two blocks have a sum.
_CHANNELS = (8, 16, 16, 24, 24)
_HEAD = 32
_EXPANSION = 2


class _Tensor:
    """Pickled as PyTorch pickles a tensor."""

    def __init__(self, content: np.ndarray, key: str) -> None:
        self.content, self.key = content, key

    def __reduce__(self) -> Any:
        strides = tuple(stride // self.content.itemsize for stride in self.content.strides)
        storage = _Storage(self.key, self.content.size)
        return _rebuild_tensor_v2, (storage, 0, self.content.shape, strides, False, OrderedDict())


class _Storage:
    def __init__(self, key: str, size: int) -> None:
        self.key, self.size = key, size


class FloatStorage:
    """Stands for PyTorch's."""


def _rebuild_tensor_v2(*_: Any) -> None:
    """Stands for PyTorch's."""


class _Pickler(pickle.Pickler):
    def persistent_id(self, one: Any) -> Any:
        return (
            ("storage", FloatStorage, one.key, "cpu", one.size, None) if isinstance(one, _Storage) else None
        )


def write_tensors(file: Path, tensors: dict[str, np.ndarray]) -> None:
    """Writes PyTorch's format before 1.6, under PyTorch's names."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2  # type: ignore[attr-defined]
    FloatStorage.__module__, FloatStorage.__qualname__ = "torch", "FloatStorage"
    _rebuild_tensor_v2.__module__ = "torch._utils"
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        with file.open("wb") as stream:
            for header in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
                pickle.dump(header, stream, protocol=2)
            views = OrderedDict((name, _Tensor(content, name)) for name, content in tensors.items())
            _Pickler(stream, protocol=2).dump(views)
            pickle.dump(list(tensors), stream, protocol=2)
            for content in tensors.values():
                stream.write(content.size.to_bytes(8, "little") + content.astype("<f4").tobytes())
    finally:
        del sys.modules["torch"], sys.modules["torch._utils"]


def tiny_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}

    def convolution(name: str, normalization: str, shape: tuple[int, ...]) -> None:
        fan = int(np.prod(shape[1:]))
        tensors[f"{name}.weight"] = random.normal(0, (2 / fan) ** 0.5, shape).astype(np.float32)
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            tensors[f"{normalization}.{part}"] = np.full(shape[0], value, np.float32)

    convolution("_conv_stem", "_bn0", (_CHANNELS[0], 3, 3, 3))
    for number, (before, after) in enumerate(pairwise(_CHANNELS)):
        name, inner = f"_blocks.{number}.", before * _EXPANSION
        convolution(f"{name}_expand_conv", f"{name}_bn0", (inner, before, 1, 1))
        convolution(f"{name}_depthwise_conv", f"{name}_bn1", (inner, 1, 3, 3))
        convolution(f"{name}_project_conv", f"{name}_bn2", (after, inner, 1, 1))
    convolution("_conv_head", "_bn1", (_HEAD, _CHANNELS[-1], 1, 1))
    return tensors


def make_tiny_backbone(folder: Path, seed: int = 0, resolutions: tuple[int, ...] = (32, 48)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "weights.pth", tiny_tensors(seed))
    (folder / "backbone.json").write_text(json.dumps({"resolutions": resolutions}))
    return folder

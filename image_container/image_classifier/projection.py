"""The backbone's many features along the few directions in which a job's images differ most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from classifier.encoded import Features
from classifier.principal_axes import sample
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

# Measured on CIFAR-10 with 1,000 labels: 256 directions are as accurate as 512 or all 4,704 features.
_DIRECTIONS = 256
# Finding the directions takes seconds with so many images, and minutes with ten times as many.
_IMAGES = 2_000
_LEAST = 1e-3
# One thread is the fastest here. More threads wait for each other, on a busy machine many times as long.
_THREADS = 1
_FILE = "projection.safetensors"


@dataclass(frozen=True)
class Projection:
    """Learned from images without their labels."""

    mean: NDArray[np.float32]
    """Of the roots of the features, shape (features,)."""
    directions: NDArray[np.float32]
    """Shape (features, directions)."""

    @classmethod
    def fit(cls, vectors: NDArray[np.float16], seed: int) -> Projection:
        """Find the directions by principal component analysis, of features that each vary as much as any
        other.

        vectors: the backbone's, shape (images, features).
        """
        from threadpoolctl import threadpool_limits

        roots = _roots(vectors[sample(len(vectors), _IMAGES, seed)])
        mean, deviation = roots.mean(axis=0), roots.std(axis=0) + _LEAST
        rows = (roots - mean) / deviation
        with threadpool_limits(_THREADS, user_api="blas"):
            # There are fewer images than features: so the analysis is of the images' products.
            values, vectors_of_rows = np.linalg.eigh(rows @ rows.T)
            kept = np.flatnonzero(values > _LEAST)[::-1][:_DIRECTIONS]
            directions = rows.T @ (vectors_of_rows[:, kept] / np.sqrt(values[kept]))
        return cls(mean, np.ascontiguousarray(directions / deviation[:, None], np.float32))

    @property
    def size(self) -> int:
        return int(self.directions.shape[1])

    def features(self, vectors: NDArray[np.float16]) -> Features:
        """Return vectors of length 1, shape (images, directions)."""
        found = (_roots(vectors) - self.mean) @ self.directions
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, 1e-9), np.float32)

    def save(self, folder: Path) -> None:
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        content = save({"mean": self.mean, "directions": self.directions})
        (folder / _FILE).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> Projection:
        found = load_file(folder / _FILE)
        return cls(found["mean"], found["directions"])


def _roots(vectors: NDArray[np.float16]) -> Features:
    """Return the root of each activation, so that a few large ones do not decide alone."""
    return np.sqrt(np.maximum(vectors.astype(np.float32), 0))

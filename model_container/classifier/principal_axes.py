"""The directions in which objects differ most, and the random choice of the objects that they are found
in.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from classifier.encoded import Features

OBJECTS_FOR_AXES = 5_000
# One thread is the fastest here. More threads wait for each other, on a busy machine many times as long.
_THREADS = 1
_FILE = "axes.safetensors"


class PrincipalAxes:
    """The directions in which objects differ most. The first few give a short embedding."""

    def __init__(self, mean: NDArray[np.float32], axes: NDArray[np.float32]) -> None:
        """Take the mean of the features, shape (features,), and the axes, shape (features, axes)."""
        self._mean = mean
        self._axes = axes

    @classmethod
    def fit(cls, features: Features, likeness: Features, size: int, seed: int) -> PrincipalAxes:
        """Find the axes by principal component analysis. With few objects, the last axes are zero.

        likeness: the factor of each feature before the analysis, shape (features,).
        """
        found = features[sample(len(features), OBJECTS_FOR_AXES, seed)] * likeness
        number = min(size, len(found) - 1, features.shape[1])
        mean = np.zeros(features.shape[1], np.float32)
        axes = np.zeros((features.shape[1], size), np.float32)
        if number > 0:
            from sklearn.decomposition import PCA
            from threadpoolctl import threadpool_limits

            with threadpool_limits(_THREADS):
                analysis = PCA(number, svd_solver="covariance_eigh").fit(found)
            mean = (analysis.mean_ / likeness).astype(np.float32)
            axes[:, :number] = likeness[:, None] * analysis.components_.T
        return cls(mean, axes)

    def embedding(self, features: Features) -> NDArray[np.float32]:
        """Return the places of objects along the axes, shape (objects, axes)."""
        return np.asarray((features - self._mean) @ self._axes, np.float32)

    def save(self, folder: Path) -> None:
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        content = save({"mean": self._mean, "axes": np.ascontiguousarray(self._axes)})
        (folder / _FILE).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> PrincipalAxes:
        found = load_file(folder / _FILE)
        return cls(found["mean"], found["axes"])


def sample(number: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return which of `number` objects to use, in order: all of them, or `most` chosen at random."""
    if number <= most:
        return np.arange(number)
    return np.sort(np.random.default_rng(seed).choice(number, most, replace=False))

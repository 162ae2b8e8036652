"""The texts that others are compared with, labeled or not, and what is seen of a text beside them.

A headline of ten words says less of its class than it and those about the same event. So half of what the
nets see of a text are its own features, and half the mean of its nearest neighbors': a graph convolution
without weights (Wu et al., "Simplifying Graph Convolutional Networks", ICML 2019), which texts that are seen
only in serving get by the same rule (Hamilton et al., "Inductive Representation Learning on Large Graphs",
NeurIPS 2017).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from scipy import sparse

from text_classifier.neighbors import NearestTexts, Places, Weights

Features = NDArray[np.float32]

# Along the first principal axes; along all of them, few texts have other neighbors.
AXES = 128
# Measured on three data sets, with 300 to 2,000 labels: what is best differs, half is near to it for all.
_SHARE_OF_NEIGHBORS = 0.5
# So that a graph takes seconds to make and an artifact stays small: 5 MB of places, 36 of features, and 10 of
# probabilities.
_MOST_REFERENCES = 20_000
_MOST_PROBABILITIES = 5_000_000
_FILE = "references.safetensors"


def most_references(num_classes: int) -> int:
    """Return how many texts a text is compared with, at most."""
    return min(_MOST_REFERENCES, _MOST_PROBABILITIES // num_classes)


class ReferenceTexts:
    """Where the reference texts lie, and their features."""

    def __init__(self, nearest: NearestTexts, features: NDArray[np.float16]) -> None:
        """Take the search among them, and features of shape (references, features)."""
        self._nearest = nearest
        self._features = features
        self._features_32 = features.astype(np.float32)

    @classmethod
    def of(cls, places: Places, features: Features) -> ReferenceTexts:
        """Take places, shape (references, axes), of which the first are looked at, and their features."""
        return cls(NearestTexts.of(places[:, :AXES]), features.astype(np.float16))

    @classmethod
    def none(cls) -> ReferenceTexts:
        """Compare texts with no others."""
        return cls(NearestTexts(np.empty((0, 0), np.float16), 1.0), np.empty((0, 0), np.float16))

    def __len__(self) -> int:
        return len(self._nearest)

    @property
    def graph(self) -> Weights:
        """How much each counts for each, shape (references, references)."""
        return self.weights(self._nearest.places.astype(np.float32))

    def weights(self, places: Places) -> Weights:
        """Return how much they count for texts, shape (texts, references). places: shape (texts, axes)."""
        if not len(self):
            return sparse.csr_array(np.empty((len(places), 0), np.float32))
        return self._nearest.weights(places[:, :AXES])

    def aggregate(self, features: Features, weights: Weights) -> Features:
        """Return features as the nets see them, shape (texts, features): each text's with its neighbors'."""
        if not len(self):
            return features
        of_neighbors = weights @ self._features_32
        return np.asarray(
            (1 - _SHARE_OF_NEIGHBORS) * features + _SHARE_OF_NEIGHBORS * of_neighbors, np.float32
        )

    def save(self, folder: Path) -> None:
        content = {
            "places": self._nearest.places,
            "scale": np.array(self._nearest.scale),
            "features": self._features,
        }
        # Not safetensors' `save_file`: that keeps the file from other users, such as the one who serves it.
        (folder / _FILE).write_bytes(save(content))

    @classmethod
    def load(cls, folder: Path) -> ReferenceTexts:
        found = load_file(folder / _FILE)
        return cls(NearestTexts(found["places"], float(found["scale"])), found["features"])

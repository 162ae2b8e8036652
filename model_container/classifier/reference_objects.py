"""The reference objects, labeled or not, and the features of an object combined with those of its neighbors.

A headline of ten words says little about its class, but together with headlines about the same event it says
more. So the nets' input is half an object's own features, half the mean of its nearest neighbors' features.
This is a graph convolution without weights (Wu et al., "Simplifying Graph Convolutional Networks", ICML
2019). The same rule is used for objects that appear only in serving (Hamilton et al., "Inductive
Representation Learning on Large Graphs", NeurIPS 2017).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from scipy import sparse

from classifier.neighbors import NearestObjects, Places, Weights

Features = NDArray[np.float32]

# Only the first principal axes are used. With all of them, few objects would have other neighbors.
AXES = 128
# Measured on three data sets, with 300 to 2,000 labels: the best share differs, but half is close to it
# everywhere.
_SHARE_OF_NEIGHBORS = 0.5
# With these limits, building a graph takes seconds and an artifact stays small: 5 MB of places, 36 MB of
# features, and 10 MB of probabilities.
_MOST_REFERENCES = 20_000
_MOST_PROBABILITIES = 5_000_000
_FILE = "references.safetensors"


def most_references(num_classes: int) -> int:
    """Return the largest number of reference objects."""
    return min(_MOST_REFERENCES, _MOST_PROBABILITIES // num_classes)


class ReferenceObjects:
    """The places of the reference objects, and their features."""

    def __init__(self, nearest: NearestObjects, features: NDArray[np.float16]) -> None:
        """Take the search among the references, and their features, shape (references, features)."""
        self._nearest = nearest
        self._features = features
        self._features_32 = features.astype(np.float32)

    @classmethod
    def of(cls, places: Places, features: Features) -> ReferenceObjects:
        """Take places, shape (references, axes), and features. Only the first axes are used."""
        return cls(NearestObjects.of(places[:, :AXES]), features.astype(np.float16))

    @classmethod
    def none(cls) -> ReferenceObjects:
        """No reference objects."""
        return cls(NearestObjects(np.empty((0, 0), np.float16), 1.0), np.empty((0, 0), np.float16))

    def __len__(self) -> int:
        return len(self._nearest)

    @property
    def graph(self) -> Weights:
        """How much references count for each other, shape (references, references)."""
        return self.weights(self._nearest.places.astype(np.float32))

    def weights(self, places: Places) -> Weights:
        """Return how much references count for objects, shape (objects, references). places: (objects,
        axes).
        """
        if not len(self):
            return sparse.csr_array(np.empty((len(places), 0), np.float32))
        return self._nearest.weights(places[:, :AXES])

    def aggregate(self, features: Features, weights: Weights) -> Features:
        """Return the nets' input, shape (objects, features): each object's features mixed with its
        neighbors'.
        """
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
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        (folder / _FILE).write_bytes(save(content))

    @classmethod
    def load(cls, folder: Path) -> ReferenceObjects:
        found = load_file(folder / _FILE)
        return cls(NearestObjects(found["places"], float(found["scale"])), found["features"])

"""Objects that know their index and their position in their data set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from text_classifier.neighbors import Weights
from text_classifier.reference_texts import AXES, ReferenceTexts

from bench.features import principal_components

_EMBEDDING_SIZE = 32


@dataclass(frozen=True)
class InPlace:
    """Objects of a data set: rows are objects."""

    seen: Any
    """What a model sees of them: anything that an array of ids picks rows of."""
    places: npt.NDArray[np.float32]
    """Along the data set's principal axes, shape (objects, axes)."""
    neighbors: Weights
    """How much each object of the data set counts for them, shape (objects, data set)."""
    numbers: npt.NDArray[np.int64]
    """In the data set, shape (objects,)."""

    @classmethod
    def of(cls, features: npt.NDArray[np.float32], likeness: npt.NDArray[np.float32]) -> "InPlace":
        """All objects of a data set, each seen beside its neighbors, as the container sees texts.

        `features`: shape (objects, features); `likeness`: how much each of them counts where objects are
        compared, shape (features,).
        """
        places = principal_components(features * likeness, AXES)
        references = ReferenceTexts.of(places, features)
        neighbors = references.weights(places)
        return cls(references.aggregate(features, neighbors), places, neighbors, np.arange(len(places)))

    @property
    def embedding(self) -> npt.NDArray[np.float32]:
        return self.places[:, :_EMBEDDING_SIZE]

    def __getitem__(self, ids: npt.NDArray[np.int64]) -> "InPlace":
        return InPlace(self.seen[ids], self.places[ids], self.neighbors[ids], self.numbers[ids])

    def __len__(self) -> int:
        return len(self.places)

"""Objects that know their index and their position in their data set."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from classifier.distillation import Distillation, PriorSignals
from classifier.neighbors import Weights
from classifier.prior_labels import PriorLabels
from classifier.reference_objects import AXES, ReferenceObjects

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
    priors: PriorSignals | None = None
    """What is known of them through prior labels."""

    @classmethod
    def of(cls, features: npt.NDArray[np.float32], likeness: npt.NDArray[np.float32]) -> "InPlace":
        """All objects of a data set, each seen beside its neighbors, as the container sees texts.

        `features`: shape (objects, features); `likeness`: how much each of them counts where objects are
        compared, shape (features,).
        """
        places = principal_components(features * likeness, AXES)
        references = ReferenceObjects.of(places, features)
        neighbors = references.weights(places)
        return cls(references.aggregate(features, neighbors), places, neighbors, np.arange(len(places)))

    def with_priors(self, priors: PriorLabels, classes: int) -> "InPlace":
        """All objects of a data set with prior labels, each object in one of the container's ten folds."""
        folds = self.numbers % 10
        distillation = Distillation.of(self.places, folds, priors, classes)
        return replace(self, priors=distillation.signals(self.places, folds, priors))

    @property
    def embedding(self) -> npt.NDArray[np.float32]:
        return self.places[:, :_EMBEDDING_SIZE]

    def __getitem__(self, ids: npt.NDArray[np.int64]) -> "InPlace":
        priors = None if self.priors is None else self.priors[ids]
        return InPlace(self.seen[ids], self.places[ids], self.neighbors[ids], self.numbers[ids], priors)

    def __len__(self) -> int:
        return len(self.places)

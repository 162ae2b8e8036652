"""Labels that something else gave: a language model, a vendor, a rule.

Each object may have one of each source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NONE_GIVEN = -1


@dataclass(frozen=True)
class PriorLabels:
    """What each source says of each object, and how sure it says it is."""

    labels: NDArray[np.int64]
    """Class indices, shape (objects, sources): -1 for none."""
    confidence: NDArray[np.float64]
    """From 0 to 1, shape (objects, sources): NaN where none is stated."""

    @classmethod
    def of(cls, said: Sequence[Sequence[tuple[int, float]]], sources: int) -> PriorLabels:
        """Take a label and a confidence of each source for each object."""
        table = np.array(said, np.float64).reshape(len(said), sources, 2)
        return cls(table[..., 0].astype(np.int64), table[..., 1])

    @classmethod
    def none(cls, objects: int, sources: int) -> PriorLabels:
        """Return what is known of objects without any prior label."""
        shape = (objects, sources)
        return cls(np.full(shape, NONE_GIVEN), np.full(shape, np.nan))

    @property
    def sources(self) -> int:
        return int(self.labels.shape[1])

    @property
    def counts(self) -> list[int]:
        """How many objects have a label of each source."""
        return [int(np.count_nonzero(column != NONE_GIVEN)) for column in self.labels.T]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, numbers: NDArray[np.int64]) -> PriorLabels:
        return PriorLabels(self.labels[numbers], self.confidence[numbers])

"""What is known of objects before any label: the networks' inputs, and what computes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Features = NDArray[np.float32]
SparseRows: TypeAlias = sparse.csr_array
SecondView: TypeAlias = SparseRows | NDArray[np.uint8]


@dataclass(frozen=True)
class EncodedObjects:
    """The networks' input for some objects."""

    features: Features
    """Of the dense nets, shape (objects, features)."""
    second: SecondView | None = None
    """Of the second network, shape (objects, ...); None if there is no such network."""

    def __getitem__(self, numbers: NDArray[np.int64]) -> EncodedObjects:
        return EncodedObjects(self.features[numbers], None if self.second is None else self.second[numbers])


@dataclass(frozen=True)
class Encoding:
    """The readable ones of some objects, and why the others cannot be read."""

    objects: EncodedObjects
    """Of the readable ones, in order."""
    problems: Mapping[int, str] = field(default_factory=dict)
    """The sentence that says why, by the object's position."""

    def readable(self, number: int) -> NDArray[np.int64]:
        """Return the positions of the readable ones among all, shape (readable,)."""
        return np.array([place for place in range(number) if place not in self.problems], np.int64)


class Encoder(Protocol):
    """Computes the networks' input for an object, whatever its label."""

    @property
    def likeness(self) -> Features:
        """How much a difference in each feature counts when objects are compared, shape (features,)."""

    @property
    def most_characters(self) -> int:
        """How much of a content's string counts."""

    def encode(self, contents: Sequence[str]) -> Encoding: ...

    def save(self, folder: Path) -> None: ...

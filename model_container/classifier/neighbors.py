"""Finds the nearest objects of an object, and uses what is known about them.

Objects that are close to each other mostly have the same class. So labels and the nets' predictions are
spread over a graph of nearest neighbors: Zhou et al., "Learning with Local and Global Consistency" (NeurIPS
2003); Klicpera et al., "Predict then Propagate" (ICLR 2019); Huang et al., "Combining Label Propagation and
Simple Models Outperforms Graph Neural Networks" (ICLR 2021).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Places = NDArray[np.float32]
Probabilities = NDArray[np.float32]
Distances = NDArray[np.float32]
Found = TypeVar("Found")
Weights: TypeAlias = "sparse.csr_array[np.float32, tuple[int, int]]"

# Ten, plus the object itself if it is a reference object: see `NearestObjects`.
_NEIGHBORS = 11
_GROUPS = 32
# In one block of distances: 32 MB, whatever the number of objects.
_NUMBERS_AT_ONCE = 8_000_000
_OBJECTS_FOR_SCALE = 1_000
# Below the precision of 16 bits.
_LEAST_SCALE = 1e-6
# Puts filler columns, which are not objects, far away from all objects.
_FAR = -1e30
# How much of the first guess may remain when the spreading ends.
_PRECISION = 1e-3
# More threads wait for each other. On a busy machine, that takes many times as long.
_THREADS = 1


class NearestObjects:
    """Reference objects by their places, and an exact search among them by blocked matrix products.

    A reference object is its own nearest neighbor, as in graph convolutions (Kipf and Welling, 2017), in
    training and in serving. So serving uses what training found for the same object, and a labeled object
    finds its own label. Measured on three data sets: with the best share, this is as accurate as leaving the
    object itself out. With a share that is too large, it loses less.
    """

    def __init__(self, places: NDArray[np.float16], scale: float) -> None:
        """Take places, shape (references, axes), and the squared distance at which a weight falls to 1/e."""
        self.places = places
        self.scale = scale
        self._columns = columns_of(places.astype(np.float32))

    def __len__(self) -> int:
        return len(self.places)

    @classmethod
    def of(cls, places: Places) -> NearestObjects:
        """The scale is the median squared distance between neighbors. Places are stored in 16 bits."""
        rounded = places.astype(np.float16)
        some = rounded[:: math.ceil(len(rounded) / _OBJECTS_FOR_SCALE)].astype(np.float32)
        others = cls(rounded, 1.0).search(some)[0][:, 1:]
        scale = float(np.median(others)) if others.size else 1.0
        return cls(rounded, max(scale, _LEAST_SCALE))

    def weights(self, places: Places) -> Weights:
        """Return how much each object's nearest references count for it, shape (objects, references).

        exp(-distance² / scale), each row divided by its sum. So an object far from all others has neighbors
        too.
        """
        distances, numbers = self.search(places)
        likeness = np.exp((distances[:, :1] - distances) / np.float32(self.scale))
        likeness /= likeness.sum(axis=1, keepdims=True)
        ends = np.arange(len(places) + 1) * numbers.shape[1]
        shape = (len(places), len(self))
        return sparse.csr_array((likeness.ravel(), numbers.ravel(), ends), shape=shape)

    def search(self, places: Places) -> tuple[Distances, NDArray[np.int64]]:
        """Return each object's squared distances to its nearest references and their numbers, nearest first.

        Both of shape (objects, neighbors).
        """
        parts = in_blocks(places, self._columns.shape[1], self._search)
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _search(self, places: Places) -> tuple[Distances, NDArray[np.int64]]:
        closeness = with_constant(places) @ self._columns
        numbers = _largest(closeness, min(_NEIGHBORS, len(self)))
        found = np.take_along_axis(closeness, numbers, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        found, numbers = np.take_along_axis(found, order, axis=1), np.take_along_axis(numbers, order, axis=1)
        lengths = np.square(places).sum(axis=1, keepdims=True)
        return np.maximum(lengths - 2 * found, 0), numbers


def propagate(known: Probabilities, graph: Weights, share: float) -> Probabilities:
    """Spread what is known about objects over their neighbors. `known` and the result: shape (objects,
    classes).

    The result for an object is: (1 - share) times what is known about it, plus share times its neighbors'
    mean. graph: shape (objects, objects), each row sums to 1.
    """
    steps = math.ceil(math.log(_PRECISION) / math.log(share)) if share else 0
    spread = known
    kept = (1 - share) * known
    for _ in range(steps):
        spread = kept + share * (graph @ spread)
    return np.asarray(spread, np.float32)


def in_blocks(places: Places, columns: int, look: Callable[[Places], Found]) -> list[Found]:
    """Apply `look` to blocks of the objects, so that rows with this many columns fit into memory."""
    rows = max(1, _NUMBERS_AT_ONCE // columns)
    starts = range(0, max(1, len(places)), rows)
    with _threads().limit(limits=_THREADS, user_api="blas"):
        return [look(places[start : start + rows]) for start in starts]


def with_constant(places: Places) -> Places:
    """Return rows [place, 1], which are multiplied with the result of `columns_of`."""
    return np.column_stack([places, np.ones(len(places), np.float32)])


def columns_of(places: Places) -> Places:
    """Return the matrix that turns a row [place, 1] into -distance² / 2, without the row's own length.

    Shape (axes + 1, references), filled up to a multiple of `_GROUPS`.
    """
    size = math.ceil(max(1, len(places)) / _GROUPS) * _GROUPS
    columns = np.zeros((places.shape[1] + 1, size), np.float32)
    columns[:-1, : len(places)] = places.T
    columns[-1] = _FAR
    columns[-1, : len(places)] = -np.square(places).sum(axis=1) / 2
    return columns


def _largest(values: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """Return the positions of each row's largest values, shape (rows, number), in any order.

    They are in the groups with the largest maxima. Finding those groups first is much faster than a selection
    over the whole row.
    """
    rows, columns = values.shape
    members = values.reshape(rows, _GROUPS, columns // _GROUPS)
    groups = _most(members.max(axis=1), number)
    numbers = groups[:, None, :] + (np.arange(_GROUPS) * members.shape[2])[None, :, None]
    numbers = numbers.reshape(rows, _GROUPS * groups.shape[1])
    best = _most(np.take_along_axis(values, numbers, axis=1), number)
    return np.take_along_axis(numbers, best, axis=1)


def _most(values: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    if number >= values.shape[1]:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    return np.argpartition(values, values.shape[1] - number, axis=1)[:, values.shape[1] - number :]


@functools.cache
def _threads() -> Any:
    # This searches all loaded libraries, which is too slow for each request.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

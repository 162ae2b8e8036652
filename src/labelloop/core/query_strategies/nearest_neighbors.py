"""Nearest neighbors of every point among all points, in time that grows little faster than their number."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from labelloop.core.query_strategies.embedding_space import Points

Positions = npt.NDArray[np.int64]

# Up to so many, all points are compared with all.
_FEW_POINTS = 8192
_COMPARED = 4096
_MOST_COMPARED = 8192
_POINTS_FOR_EACH_CENTRE = 40
_ROWS_AT_ONCE = 1024


def nearest_neighbors(points: Points, count: int, rng: np.random.Generator) -> Positions:
    """Positions of the `count` nearest others of each point, nearest first; shape (points, count).

    Exact up to 8,192 points. Above, each point is compared with the four thousand in its own and the nearest
    cells of a k-means partition, as an inverted file does (Jégou, Douze & Schmid, 2011): some neighbors are
    missed there for others almost as near. There must be more than `count` points.
    """
    if len(points) <= _FEW_POINTS:
        everything = np.arange(len(points))
        return _nearest(points, ((rows, everything) for rows in _chunks(everything)), count)
    centres = _centres(points, 3 * int(np.sqrt(len(points))), rng)
    cells = _cells(points, centres)
    # The points of a cell side by side: they are read often, and scattered ones take six times as long.
    order = np.concatenate(cells)
    sizes = np.asarray([len(cell) for cell in cells])
    found = _nearest(points[order], _blocks(sizes, centres, max(_COMPARED, count + 1), rng), count)
    neighbors = np.empty_like(found)
    neighbors[order] = order[found]
    return neighbors


def _nearest(points: Points, blocks: Iterable[tuple[Positions, Positions]], count: int) -> Positions:
    """The nearest of what each point is compared with, as `blocks` say: points, and what they meet."""
    neighbors = np.empty((len(points), count), np.int64)
    squares = np.einsum("ij,ij->i", points, points)
    column_of = np.full(len(points), -1)  # of each point that is compared with
    for rows, compared in blocks:
        # Less the point's own square. Each pass over an array of this size takes a tenth of the product.
        distances = (-2 * points[rows]) @ points[compared].T
        distances += squares[compared]
        column_of[compared] = np.arange(len(compared))
        own = column_of[rows]
        distances[own >= 0, own[own >= 0]] = np.inf  # nobody is their own neighbor
        column_of[compared] = -1
        # Some ten times as fast as argpartition for a handful, and no slower where most distances are equal.
        for rank in range(count):
            nearest = distances.argmin(axis=1)
            neighbors[rows, rank] = compared[nearest]
            distances[np.arange(len(rows)), nearest] = np.inf
    return neighbors


def _blocks(
    sizes: npt.NDArray[np.int64], centres: Points, wanted: int, rng: np.random.Generator
) -> Iterator[tuple[Positions, Positions]]:
    """Points that lie together, and what they are compared with; each point is in one block.

    The points are in the order of their cells, which have these sizes.
    """
    cells = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    for cell, nearest in zip(cells, _nearest_first(centres), strict=True):
        *nearer, last = (cells[other] for other in nearest[: _enough(sizes[nearest], wanted)])
        # A cell where many objects are the same holds far more than wanted: some of them do.
        room = _MOST_COMPARED - sum(len(other) for other in nearer)
        compared = np.concatenate([*nearer, rng.permutation(last)[:room]])
        yield from ((rows, compared) for rows in _chunks(cell))


def _enough(sizes: npt.NDArray[np.int64], wanted: int) -> int:
    """How many of the cells, of these sizes, it takes to hold as many points as wanted."""
    return int(np.searchsorted(np.cumsum(sizes), wanted)) + 1


def _centres(points: Points, number: int, rng: np.random.Generator) -> Points:
    """Lloyd's k-means, three turns on a sample: cells need to be compact, not the best."""
    sample = points[rng.permutation(len(points))[: _POINTS_FOR_EACH_CENTRE * number]]
    centres = sample[:number]
    for _ in range(3):
        cells = _cells(sample, centres)
        centres = np.stack(
            [sample[cell].mean(axis=0) if len(cell) else centres[i] for i, cell in enumerate(cells)]
        )
    return centres


def _cells(points: Points, centres: Points) -> list[Positions]:
    """The positions of the points nearest to each centre."""
    half_squares = np.einsum("ij,ij->i", centres, centres) / 2
    cell_of = np.empty(len(points), np.int64)
    for rows in _chunks(np.arange(len(points))):
        nearness = points[rows] @ centres.T
        nearness -= half_squares
        cell_of[rows] = nearness.argmax(axis=1)
    ends = np.cumsum(np.bincount(cell_of, minlength=len(centres)))
    return np.split(np.argsort(cell_of, kind="stable"), ends[:-1])


def _nearest_first(centres: Points) -> Iterator[Positions]:
    """For each centre all centres, itself first, by their distance."""
    squares = np.einsum("ij,ij->i", centres, centres)
    for number, centre in enumerate(centres):
        distances = squares - 2 * (centres @ centre)
        distances[number] = -np.inf
        yield np.argsort(distances, kind="stable")


def _chunks(positions: Positions) -> Iterator[Positions]:
    return (positions[start : start + _ROWS_AT_ONCE] for start in range(0, len(positions), _ROWS_AT_ONCE))

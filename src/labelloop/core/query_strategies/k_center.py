"""K-center: cover the data with as few objects as possible."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.embedding_space import Points, points_of, require_embedding


class KCenter:
    """Farthest first: each next object is the one farthest from all before it, the greedy 2-approximation of
    the smallest cover (Sener & Savarese, 2018, arXiv 1708.00489; Gonzalez, 1985).

    The paper starts from the labeled objects. The model is asked about open objects alone, so this one starts
    from a random candidate and covers what is open.
    """

    name: ClassVar = "k-center"
    description: ClassVar = "objects that lie far from each other, whatever the model says of them"
    looks_for_doubt: ClassVar = False

    def rank(
        self, candidates: Ids, predictions: Predictions, rng: np.random.Generator, batch_size: int = 1
    ) -> Ids:
        require_embedding(predictions, "k-center")
        shuffled = rng.permutation(candidates)
        readable = predictions.present[shuffled]
        unreadable, objects = shuffled[~readable], shuffled[readable]
        order = farthest_first(points_of(predictions, objects, rng), batch_size - len(unreadable))
        return np.concatenate([unreadable, objects[order]])


def farthest_first(points: Points, count: int) -> npt.NDArray[np.int64]:
    """All positions: `count` of them, the first point and then the farthest from those before; after them the
    rest, the farthest from those first.
    """
    squares = np.einsum("ij,ij->i", points, points)
    distances = np.full(len(points), np.inf, np.float32)
    chosen: list[int] = []
    for _ in range(min(count, len(points))):
        farthest = int(distances.argmax())
        chosen.append(farthest)
        to_farthest = squares + squares[farthest] - 2 * (points @ points[farthest])
        np.minimum(distances, np.maximum(to_farthest, 0), out=distances)
        # Never twice, where many points are in one place.
        distances[farthest] = -1
    order = np.argsort(-distances, kind="stable")
    return np.concatenate([np.asarray(chosen, np.int64), order[: len(points) - len(chosen)]])

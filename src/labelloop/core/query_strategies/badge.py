"""BADGE: objects that would change the model much, each in another way."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.embedding_space import Points, points_of, require_embedding


class Badge:
    """Draws objects far from those drawn before, by k-means++, in the space of the gradients that the model's
    own answers would give its last layer (Ash et al., 2020, arXiv 1906.03671).

    Of that gradient the part of the best class is built: what the probability lacks to 1, times the embedding
    and a constant, in that class's own directions. Without the parts of the other classes it needs no more
    memory for a hundred classes than for two.
    """

    name: ClassVar = "badge"
    description: ClassVar = "uncertain objects that lie far from each other, by the gradients they would give"

    def rank(
        self, candidates: Ids, predictions: Predictions, rng: np.random.Generator, batch_size: int = 1
    ) -> Ids:
        require_embedding(predictions, "badge")
        shuffled = rng.permutation(candidates)
        readable = predictions.present[shuffled]
        unreadable, objects = shuffled[~readable], shuffled[readable]
        points = points_of(predictions, objects, rng)
        constant = np.ones((len(points), 1), np.float32)
        gradients = np.hstack([points, constant]) * (1 - predictions.confidence[objects])[:, np.newaxis]
        order = _spread_out(gradients, predictions.label[objects], batch_size - len(unreadable), rng)
        return np.concatenate([unreadable, objects[order]])


def _spread_out(
    gradients: Points, labels: npt.NDArray[np.int16], count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """All positions: `count` of them by k-means++ seeding, then the rest, longest gradient first.

    Gradients of different labels are at right angles.
    """
    lengths = np.einsum("ij,ij->i", gradients, gradients)
    distances = lengths.copy()
    left = np.ones(len(gradients), np.bool_)
    chosen: list[int] = []
    for _ in range(min(count, len(gradients))):
        cumulated = np.cumsum(distances, dtype=np.float64)
        if cumulated[-1] <= 0:
            break
        drawn = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right"))
        products = np.where(labels == labels[drawn], gradients @ gradients[drawn], 0)
        to_drawn = np.maximum(lengths + lengths[drawn] - 2 * products, 0)
        distances = np.minimum(distances, to_drawn) if chosen else to_drawn
        chosen.append(drawn)
        left[drawn] = False
        distances[~left] = 0
    rest = np.flatnonzero(left)
    return np.concatenate([np.asarray(chosen, np.int64), rest[np.argsort(-lengths[rest], kind="stable")]])

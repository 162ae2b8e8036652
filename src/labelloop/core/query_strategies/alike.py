"""Which of the objects that people are asked about are alike."""

import numpy as np

from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.embedding_space import points_of
from labelloop.core.query_strategies.nearest_neighbors import Positions, nearest_neighbors

# People who answer like with like get the next object from these.
_NEIGHBORS = 8


def alike(predictions: Predictions, asked: Ids, rng: np.random.Generator) -> Positions | None:
    """For each object asked about, those most like it, nearest first, as positions in `asked`.

    Shape (objects, neighbors). None where the model has given no embedding, or there are too few objects.
    """
    count = min(_NEIGHBORS, len(asked) - 1)
    if predictions.embedding is None or count < 1:
        return None
    return nearest_neighbors(points_of(predictions, asked, rng), count, rng)

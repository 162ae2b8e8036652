"""Where candidates lie to each other, by the container's embeddings."""

import numpy as np
import numpy.typing as npt

from labelloop.core.errors import QueryStrategyError
from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions

Points = npt.NDArray[np.float32]

# Beyond these, more numbers cost time and tell little: distances hold in a random projection.
_MOST_DIMENSIONS = 64


def require_embedding(predictions: Predictions, strategy: str) -> None:
    """Raises QueryStrategyError, naming the strategy, where the container gives no embeddings."""
    if predictions.embedding is None:
        raise QueryStrategyError(
            f"the query strategy {strategy} needs to know which objects are alike: the container must answer "
            '{"label": [...], "prob": [...], "embedding": [0.12, ...]}, equally many numbers for each '
            "record; or choose another QueryStrategy"
        )


def points_of(predictions: Predictions, ids: Ids, rng: np.random.Generator) -> Points:
    """The embeddings of some objects, centred, of mean squared length 1; shape (ids, dimensions).

    More than 64 dimensions are projected onto 64 random directions, which keeps distances to some ten percent
    (Johnson & Lindenstrauss, 1984). The predictions must have embeddings.
    """
    assert predictions.embedding is not None
    size = predictions.embedding.shape[1]
    if size <= _MOST_DIMENSIONS:
        points = predictions.embedding[ids].astype(np.float32)
    else:
        directions = rng.standard_normal((size, _MOST_DIMENSIONS), np.float32)
        points = np.empty((len(ids), _MOST_DIMENSIONS), np.float32)
        for start in range(0, len(ids), 10_000):
            some = ids[start : start + 10_000]
            points[start : start + len(some)] = predictions.embedding[some].astype(np.float32) @ directions
    return _standardized(points) if len(points) else points


def _standardized(points: Points) -> Points:
    # In place: there may be many.
    points -= points.mean(axis=0)
    squares = float(np.einsum("ij,ij->", points, points, dtype=np.float64))
    if squares > 0:
        points *= np.float32(np.sqrt(len(points) / squares))
    return points

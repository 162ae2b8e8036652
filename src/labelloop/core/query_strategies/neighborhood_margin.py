"""The default: the model's margin, seen together with what it says of the objects nearby."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.embedding_space import points_of
from labelloop.core.query_strategies.nearest_neighbors import Positions, nearest_neighbors
from labelloop.core.query_strategies.uncertainty import ascending

_NEIGHBORS = 5
# Neighbors that count as much as the object itself save more labels where the embedding is better than the
# model, and cost some where it is worse. So much cost none on the sets it was chosen on.
_MOST_WEIGHT = 0.25

Margins = npt.NDArray[np.float32]


class NeighborhoodMargin:
    """Smallest margin first, once its five nearest neighbors have been heard: up to a quarter of their mean
    margin is added, theirs counting for the object's best class where they have the same one, and against it
    where they have another.

    So people are also asked where the model is sure, but answers otherwise for objects just like it: errors
    that margin sampling leaves. That unlike predictions for like objects are worth a label is the idea of
    contrastive active learning (Margatina et al., 2021, arXiv 2109.03764), there with labeled neighbors.

    The quarter is multiplied by how far neighbors' classes agree beyond chance (Cohen's kappa, 1960): an
    embedding that knows nothing of the classes leaves margin sampling, and so does a container that gives
    none.
    """

    name: ClassVar = "neighborhood-margin"
    description: ClassVar = (
        "smallest margin first, seen together with that of the nearest neighbors; margin without embeddings"
    )

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        scores = predictions.margin[candidates]
        # Shuffled: of many objects in one place, the head of the manifest must not be everybody's neighbor.
        readable = rng.permutation(np.flatnonzero(predictions.present[candidates]))
        count = min(_NEIGHBORS, len(readable) - 1)
        if predictions.embedding is not None and count > 0:
            objects = candidates[readable]
            neighbors = nearest_neighbors(points_of(predictions, objects, rng), count, rng)
            scores[readable] += _support(scores[readable], predictions.label[objects], neighbors)
            # Objects the model could not read come first, as they do by margin.
            scores[~predictions.present[candidates]] = -np.inf
        return ascending(candidates, scores, rng)


def _support(margins: Margins, labels: npt.NDArray[np.int16], neighbors: Positions) -> Margins:
    """What the neighbors say for each object's class, from -0.25 to 0.25; shape (objects,)."""
    same = labels[neighbors] == labels[:, np.newaxis]
    signed = np.where(same, margins[neighbors], -margins[neighbors])
    weight = _MOST_WEIGHT * _agreement_beyond_chance(same, labels)
    return np.asarray(weight * signed.mean(axis=1), np.float32)


def _agreement_beyond_chance(same: npt.NDArray[np.bool_], labels: npt.NDArray[np.int16]) -> float:
    """0 where neighbors agree no more often than any two objects do, 1 where they always do."""
    shares = np.bincount(labels) / len(labels)
    chance = float(np.square(shares).sum())
    return max(0.0, (float(same.mean()) - chance) / (1 - chance)) if chance < 1 else 0.0

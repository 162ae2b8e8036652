"""Strategies that look at each candidate by itself: the less sure the model, the sooner people are asked."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from labelloop.core.errors import QueryStrategyError
from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions


class RandomSampling:
    """Every candidate is as likely as any other: the baseline all others must beat."""

    name: ClassVar = "random"
    description: ClassVar = "any object as likely as any other; the baseline"
    looks_for_doubt: ClassVar = False

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,  # noqa: ARG002
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        return rng.permutation(candidates)


class LeastConfidence:
    """Lowest probability of the best class first (Lewis & Gale, 1994, arXiv cmp-lg/9407020)."""

    name: ClassVar = "least-confidence"
    description: ClassVar = "lowest probability of the best class first"

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        return ascending(candidates, predictions.confidence[candidates], rng)


class MarginSampling:
    """Smallest distance between the two best classes first (Scheffer, Decomain & Wrobel, 2001)."""

    name: ClassVar = "margin"
    description: ClassVar = "smallest distance between the probabilities of the two best classes first"

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        return ascending(candidates, predictions.margin[candidates], rng)


class EntropySampling:
    """Highest entropy of the class probabilities first (Shannon, 1948; Settles, 2009, section 3.1)."""

    name: ClassVar = "entropy"
    description: ClassVar = "highest entropy of the class probabilities first"

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        return ascending(candidates, -predictions.entropy[candidates], rng)


class Bald:
    """Highest mutual information between class and model first: where an ensemble's members are each sure,
    but not of the same class (Houlsby et al., 2011, arXiv 1112.5745; Gal et al., 2017, arXiv 1703.02910).
    """

    name: ClassVar = "bald"
    description: ClassVar = "highest disagreement among the members of an ensemble first"

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        if predictions.disagreement is None:
            raise QueryStrategyError(
                "the query strategy bald needs to know how far the model's members disagree: the container "
                'must answer {"label": [...], "prob": [...], "disagreement": 0.07}, the mutual information '
                "of class and member in nats, for each record; or choose another QueryStrategy"
            )
        scores = -predictions.disagreement[candidates]
        # Objects the model could not read come first, as they do by every other score.
        scores[~predictions.present[candidates]] = -np.inf
        return ascending(candidates, scores, rng)


def ascending(candidates: Ids, scores: npt.NDArray[np.float32], rng: np.random.Generator) -> Ids:
    """The candidates, lowest score first; scores of shape (candidates,)."""
    # Shuffled first: equal scores must not favour the head of the manifest.
    shuffled = rng.permutation(len(candidates))
    return candidates[shuffled[np.argsort(scores[shuffled], kind="stable")]]

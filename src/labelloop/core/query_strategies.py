"""Query strategies: the rule that picks which of the pool people see next.

Each takes candidate ids and gives them back, the most useful first.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids
from labelloop.core.predictions import Predictions


class QueryStrategy(Protocol):
    """Ranks candidates; pure, and random only through the generator it is given."""

    def rank(self, candidates: Ids, predictions: Predictions, rng: np.random.Generator) -> Ids:
        """The same ids, shape (candidates,), the most useful first."""
        ...


class RandomSampling:
    """Every candidate is as likely as any other: the baseline all others must beat."""

    def rank(self, candidates: Ids, predictions: Predictions, rng: np.random.Generator) -> Ids:  # noqa: ARG002
        return rng.permutation(candidates)


class LeastConfidence:
    """Lowest probability of the best class first (Lewis & Gale, 1994, arXiv cmp-lg/9407020)."""

    def rank(self, candidates: Ids, predictions: Predictions, rng: np.random.Generator) -> Ids:
        return _ascending(candidates, predictions.confidence, rng)


class MarginSampling:
    """Smallest distance between the two best classes first (Scheffer, Decomain & Wrobel, 2001)."""

    def rank(self, candidates: Ids, predictions: Predictions, rng: np.random.Generator) -> Ids:
        return _ascending(candidates, predictions.margin, rng)


class EntropySampling:
    """Highest entropy of the class probabilities first (Shannon, 1948; Settles, 2009, section 3.1)."""

    def rank(self, candidates: Ids, predictions: Predictions, rng: np.random.Generator) -> Ids:
        return _ascending(candidates, -predictions.entropy, rng)


QUERY_STRATEGIES: dict[str, Callable[[], QueryStrategy]] = {
    "random": RandomSampling,
    "least-confidence": LeastConfidence,
    "margin": MarginSampling,
    "entropy": EntropySampling,
}


def _ascending(candidates: Ids, scores: npt.NDArray[np.float32], rng: np.random.Generator) -> Ids:
    # Shuffled first: equal scores must not favour the head of the manifest.
    shuffled = rng.permutation(candidates)
    return shuffled[np.argsort(scores[shuffled], kind="stable")]

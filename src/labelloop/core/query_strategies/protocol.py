"""What a query strategy is, and what is held against every one of them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from labelloop.core.errors import QueryStrategyError
from labelloop.core.implementations import accepted
from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions


@dataclass(frozen=True)
class LabeledObjects:
    """The objects that people have labeled, in this run or in its input; all arrays in the order of `ids`."""

    ids: Ids  # ascending
    labels: npt.NDArray[np.int16]
    # One row an object, NaN where there is none: a round's model is asked about the open objects and those of
    # the validation set, not about those it has learned from. None where no row is known.
    embedding: npt.NDArray[np.float16] | None


class QueryStrategy(Protocol):
    """Ranks candidates; pure, and random only through the generator it is given.

    A class whose `rank` takes an argument `labeled` is also given the LabeledObjects.

    A class may say `looks_for_doubt = False`: its batches are not taken from what the model is least sure of,
    and another one is weighed up accordingly before a certificate is tested.
    """

    def rank(
        self, candidates: Ids, predictions: Predictions, rng: np.random.Generator, batch_size: int = 1
    ) -> Ids:
        """The same ids, shape (candidates,), the most useful first.

        `batch_size` is how many of the first are expected to be taken together: it matters to strategies
        that choose an object in view of the others chosen. Raises QueryStrategyError when the predictions
        lack what the strategy needs.
        """
        ...


def checked_ranking(
    strategy: QueryStrategy,
    candidates: Ids,
    predictions: Predictions,
    rng: np.random.Generator,
    batch_size: int = 1,
    *,
    labeled: LabeledObjects | None = None,
) -> Ids:
    """What the strategy ranks. Raises QueryStrategyError, naming it, unless that is each candidate once."""
    # A copy: a strategy that sorts in place must not change what its answer is held against.
    more = accepted(strategy.rank, {"labeled": labeled})
    ranked = np.asarray(strategy.rank(candidates.copy(), predictions, rng, batch_size, **more))
    name = f"{type(strategy).__module__}:{type(strategy).__qualname__}"
    if ranked.shape != candidates.shape or (len(ranked) and not np.issubdtype(ranked.dtype, np.integer)):
        raise QueryStrategyError(
            f"the query strategy {name} must return the {len(candidates)} ids it was given, ordered, but "
            f"returned an array of {ranked.dtype} of shape {ranked.shape}"
        )
    if not np.array_equal(np.sort(ranked), np.sort(candidates)):
        raise QueryStrategyError(
            f"the query strategy {name} must return each of the {len(candidates)} ids it was given once, "
            "but left some out, or returned others"
        )
    return ranked.astype(np.int64, copy=False)

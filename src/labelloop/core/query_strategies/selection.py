"""Which data objects people see next."""

import numpy as np

from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import QueryStrategy, checked_ranking


def select_at_random(ledger: Ledger, count: int, rng: np.random.Generator) -> Ids:
    """Draw from the pool, as long as there is no model to ask."""
    drawn = rng.permutation(ledger.ids(State.POOL))[:count]
    return np.sort(drawn)


def select_most_useful(
    ledger: Ledger,
    predictions: Predictions,
    left_out: Ids,
    count: int,
    strategy: QueryStrategy,
    rng: np.random.Generator,
) -> Ids:
    """The `count` objects of the pool that the strategy ranks first; `left_out` are not ranked."""
    open_objects = ledger.mask(State.POOL)
    open_objects[left_out] = False
    candidates = np.flatnonzero(open_objects)
    if len(candidates) <= count:
        return candidates
    ranked = checked_ranking(strategy, candidates, predictions, rng, max(1, count))
    return np.sort(ranked[:count])

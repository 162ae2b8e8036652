"""Which data objects people see next."""

import math
from dataclasses import dataclass

import numpy as np

from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.predictions import Predictions
from labelloop.core.query_strategies import QueryStrategy, checked_ranking


@dataclass(frozen=True)
class Selection:
    """Pool objects to ask people about, and validation objects that move to the training set."""

    asked: Ids
    released: Ids


# In multiples of the fewest validation objects that can certify anything.
TOP_UP_BELOW = 1.5
TOP_UP_TO = 2
LEAST_POOL_TO_TOP_UP = 4


def select_at_random(ledger: Ledger, count: int, rng: np.random.Generator) -> Selection:
    """Draw from the pool, as long as there is no model to ask."""
    drawn = rng.permutation(ledger.ids(State.POOL))[:count]
    return Selection(np.sort(drawn), NO_IDS)


def select_most_useful(
    ledger: Ledger,
    predictions: Predictions,
    auto_labeled: Ids,
    count: int,
    strategy: QueryStrategy,
    rng: np.random.Generator,
    *,
    hidden_pool: bool,
) -> Selection:
    """Ask about the `count` objects of the pool that the strategy ranks first, auto-labeled ones left out.

    With a hidden pool, the validation set's objects are ranked together with the pool's, and those ranked
    above the last object asked about move to the training set. What remains of the validation set is then
    still a random sample of what remains of the pool, which is what the certificate stands on.
    """
    open_objects = ledger.mask(State.POOL)
    open_objects[auto_labeled] = False
    if open_objects.sum() <= count:
        return Selection(np.flatnonzero(open_objects), NO_IDS)
    hidden = ledger.mask(State.VALIDATION) & hidden_pool
    candidates = np.flatnonzero(open_objects | hidden)
    # Validation objects above the cut leave with the batch, in their share of the candidates.
    batch_size = math.ceil(count * len(candidates) / int(open_objects.sum()))
    ranked = checked_ranking(strategy, candidates, predictions, rng, batch_size)
    taken = np.cumsum(open_objects[ranked])
    above_the_cut = ranked[: int(np.searchsorted(taken, count)) + 1] if count else ranked[:0]
    return Selection(
        asked=np.sort(above_the_cut[open_objects[above_the_cut]]),
        released=np.sort(above_the_cut[hidden[above_the_cut]]),
    )


def top_up_validation(
    ledger: Ledger, selection: Selection, wanted: int, fewest: int, most: int, rng: np.random.Generator
) -> Ids:
    """Pool objects to ask about for the validation set, where what is left of it is too small.

    Drawn uniformly from what the selection leaves of the pool, so that the set stays a random sample of
    that; `wanted` is how large it is to be, `fewest` are what a test can pass with at all, `most` what may be
    asked. None where so little is left that people might as well label it.
    """
    left = np.setdiff1d(ledger.ids(State.POOL), selection.asked)
    hidden = ledger.counts().validation - len(selection.released)
    if hidden < TOP_UP_BELOW * fewest:
        wanted = max(wanted, TOP_UP_TO * fewest)
    if len(left) < LEAST_POOL_TO_TOP_UP * max(fewest, wanted - hidden):
        return NO_IDS
    return np.sort(rng.permutation(left)[: max(0, min(most, wanted - hidden))])

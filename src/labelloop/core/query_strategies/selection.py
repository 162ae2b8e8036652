"""Which data objects people see next."""

import numpy as np

from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.protocol import LabeledObjects, QueryStrategy, checked_ranking


def select_at_random(ledger: Ledger, count: int, rng: np.random.Generator, left_out: Ids = NO_IDS) -> Ids:
    """Draw from the pool without `left_out`, as long as there is no model to ask."""
    open_objects = ledger.mask(State.POOL)
    open_objects[left_out] = False
    return np.sort(rng.permutation(np.flatnonzero(open_objects))[:count])


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
    ranked = checked_ranking(
        strategy, candidates, predictions, rng, max(1, count), labeled=labeled_by_people(ledger, predictions)
    )
    return np.sort(ranked[:count])


def labeled_by_people(ledger: Ledger, predictions: Predictions) -> LabeledObjects:
    """What is known of the labeled objects; the model was asked about those of the validation set alone."""
    ids = ledger.ids(State.HUMAN, State.VALIDATION)
    embedding, known = predictions.embedding, predictions.present[ids]
    if embedding is None or not known.any():
        return LabeledObjects(ids, ledger.labels[ids], None)
    rows = embedding[ids]
    rows[~known] = np.nan
    return LabeledObjects(ids, ledger.labels[ids], rows)

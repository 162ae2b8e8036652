"""Selections hold their promises for any pool, any model and any strategy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import QUERY_STRATEGIES
from labelloop.core.query_strategies.selection import select_at_random, select_most_useful
from labelloop.core.randomness import random_stream


def ledger_of(states: list[State]) -> Ledger:
    ledger = Ledger.of_size(len(states))
    for object_id, state in enumerate(states):
        if state != State.POOL:
            ledger.label(np.array([object_id]), [0], state, 1)
    return ledger


def predictions_of(margins: list[float]) -> Predictions:
    predictions = Predictions(len(margins))
    predictions.margin[:] = margins
    predictions.confidence[:] = (1 + predictions.margin) / 2
    predictions.entropy[:] = 1 - predictions.margin
    predictions.label[:] = 0
    predictions.disagreement = 1 - predictions.margin
    predictions.embedding = predictions.margin[:, None].astype("<f2")
    return predictions


objects = st.lists(
    st.tuples(
        st.sampled_from([State.POOL, State.POOL, State.VALIDATION, State.HUMAN]), st.floats(0, 1, width=16)
    ),
    min_size=1,
    max_size=60,
)


@given(objects, st.integers(0, 20), st.sampled_from(sorted(QUERY_STRATEGIES)), st.integers(0, 9))
def test_a_selection_asks_only_open_objects(
    given_objects: list[tuple[State, float]], count: int, strategy: str, seed: int
) -> None:
    states, margins = [list(column) for column in zip(*given_objects, strict=True)]
    ledger, predictions = ledger_of(states), predictions_of(margins)
    auto = np.flatnonzero(ledger.mask(State.POOL) & (predictions.margin > 0.8))
    open_objects = set(ledger.ids(State.POOL).tolist()) - set(auto.tolist())

    def select() -> Ids:
        rng = random_stream(seed, "selection")
        return select_most_useful(ledger, predictions, auto, count, QUERY_STRATEGIES[strategy](), rng)

    asked = select()
    assert set(asked.tolist()) <= open_objects
    assert len(asked) == min(count, len(open_objects))
    assert select().tolist() == asked.tolist()


@given(objects, st.integers(1, 10))
def test_margin_sampling_asks_about_the_smallest_margins(
    given_objects: list[tuple[State, float]], count: int
) -> None:
    states, margins = [list(column) for column in zip(*given_objects, strict=True)]
    ledger, predictions = ledger_of(states), predictions_of(margins)
    rng = random_stream(0, "selection")
    asked = select_most_useful(ledger, predictions, NO_IDS, count, QUERY_STRATEGIES["margin"](), rng)
    left = np.setdiff1d(ledger.ids(State.POOL), asked)
    if len(left):
        assert predictions.margin[asked].max(initial=-1) <= predictions.margin[left].min()


@given(objects, st.integers(0, 30), st.integers(0, 5))
def test_a_random_selection_is_from_the_pool_and_repeats_for_its_seed(
    given_objects: list[tuple[State, float]], count: int, seed: int
) -> None:
    ledger = ledger_of([state for state, _ in given_objects])
    first = select_at_random(ledger, count, random_stream(seed, "selection", 1))
    again = select_at_random(ledger, count, random_stream(seed, "selection", 1))
    assert first.tolist() == again.tolist()
    assert set(first.tolist()) <= set(ledger.ids(State.POOL).tolist())
    assert len(first) == min(count, len(ledger.ids(State.POOL)))


@pytest.mark.parametrize("strategy", sorted(QUERY_STRATEGIES))
def test_ties_are_not_broken_by_place_in_the_manifest(strategy: str) -> None:
    ledger, predictions = ledger_of([State.POOL] * 400), predictions_of([0.5] * 400)
    ranked = QUERY_STRATEGIES[strategy]().rank(ledger.ids(State.POOL), predictions, np.random.default_rng(0))
    assert sorted(ranked.tolist()) == list(range(400))
    assert abs(ranked[:100].mean() - 199.5) < 40

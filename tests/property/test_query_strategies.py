"""What every query strategy promises, for any model and any embedding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.ledger import NO_LABEL, Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import QUERY_STRATEGIES, checked_ranking

# Few values each: ties, and many objects in one place, are what breaks rankings.
answers = st.lists(
    st.tuples(
        st.sampled_from([NO_LABEL, 0, 0, 1, 2]),
        st.sampled_from([0, 0.25, 0.5, 1]),
        st.sampled_from([0.0, 0.0, 1.0, -65504.0]),
    ),
    max_size=40,
)
strategies = st.sampled_from(sorted(QUERY_STRATEGIES))


def predictions_of(given_answers: list[tuple[int, float, float]], first_id: int = 0) -> Predictions:
    predictions = Predictions(first_id + len(given_answers))
    predictions.embedding = np.zeros((len(predictions.label), 2), np.float16)
    predictions.disagreement = np.zeros(len(predictions.label), np.float32)
    for object_id, (label, margin, place) in enumerate(given_answers, first_id):
        if label != NO_LABEL:
            predictions.label[object_id] = label
            predictions.margin[object_id] = margin
            predictions.confidence[object_id] = (1 + margin) / 2
            predictions.entropy[object_id] = 1 - margin
            predictions.disagreement[object_id] = 1 - margin
            predictions.embedding[object_id] = (place, margin)
    return predictions


def ranking(strategy: str, candidates: Ids, predictions: Predictions, seed: int, batch_size: int) -> Ids:
    rng = np.random.default_rng(seed)
    return checked_ranking(QUERY_STRATEGIES[strategy](), candidates, predictions, rng, batch_size)


@given(answers, strategies, st.integers(0, 9), st.integers(0, 50), st.data())
def test_each_candidate_is_ranked_once_and_the_same_again_for_its_seed(
    given_answers: list[tuple[int, float, float]],
    strategy: str,
    seed: int,
    batch_size: int,
    data: st.DataObject,
) -> None:
    predictions = predictions_of(given_answers)
    chosen = data.draw(st.sets(st.sampled_from(range(len(given_answers))))) if given_answers else set()
    candidates = np.asarray(sorted(chosen), np.int64)
    ranked = ranking(strategy, candidates, predictions, seed, batch_size)
    assert sorted(ranked.tolist()) == candidates.tolist()
    assert ranked.tolist() == ranking(strategy, candidates, predictions, seed, batch_size).tolist()


@given(answers, strategies, st.integers(0, 9), st.integers(0, 50))
def test_an_objects_place_in_the_manifest_says_nothing(
    given_answers: list[tuple[int, float, float]], strategy: str, seed: int, batch_size: int
) -> None:
    ids = np.arange(len(given_answers))
    here = ranking(strategy, ids, predictions_of(given_answers), seed, batch_size)
    there = ranking(strategy, ids + 7, predictions_of(given_answers, first_id=7), seed, batch_size)
    assert (here + 7).tolist() == there.tolist()


@pytest.mark.parametrize("strategy", sorted(set(QUERY_STRATEGIES) - {"random"}))
@given(given_answers=answers, batch_size=st.integers(0, 50))
def test_objects_the_model_could_not_read_come_first(
    strategy: str, given_answers: list[tuple[int, float, float]], batch_size: int
) -> None:
    predictions = predictions_of(given_answers)
    ranked = ranking(strategy, np.arange(len(given_answers)), predictions, 0, batch_size)
    read = predictions.present[ranked]
    assert read.tolist() == sorted(read.tolist())

"""Examples count as often as they stand for unlabeled objects: what is fitted on them then fits the pool."""

import numpy as np
import pytest
from classifier.calibration import fit_temperature, with_temperature
from classifier.importance import importance_of
from classifier.nearest_examples import NearestExamplesChoice
from hypothesis import given
from hypothesis import strategies as st

from tests.container.clusters import saying


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10_000))
def test_each_unlabeled_object_counts_for_its_nearest_example(
    examples: int, unlabeled: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    places = random.normal(size=(examples, 6)).astype(np.float32)
    others = random.normal(size=(unlabeled, 6)).astype(np.float32)
    found = importance_of(places, others)
    nearest = np.square(others[:, None] - places[None]).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=examples)
    counts = np.minimum(counts, max(1.0, np.quantile(counts, 0.99)))
    assert np.allclose(found / found.sum(), counts / counts.sum())
    assert found.sum() == pytest.approx(counts.sum() ** 2 / np.square(counts).sum())
    assert 1 - 1e-9 <= found.sum() <= examples + 1e-9


def test_one_example_alone_in_half_of_the_pool_does_not_decide_alone() -> None:
    places = np.arange(1_000, dtype=np.float32)[:, None] % 500
    places[0] = -1_000
    pool = np.concatenate([np.full((5_000, 1), -1_000), np.arange(500)[:, None]]).astype(np.float32)
    assert importance_of(places, pool).max() < 10


def test_examples_that_were_asked_about_for_their_difficulty_do_not_make_the_model_doubt_the_pool() -> None:
    """The nets are wrong on 3 of 100 objects of the pool, and on 16 of those that people were asked about."""
    random = np.random.default_rng(4)
    hard = random.random(6_000) < 0.1
    # What is hard lies elsewhere.
    places = (random.normal(size=(6_000, 4)) + 6 * hard[:, None]).astype(np.float32)
    labels = random.integers(3, size=6_000)
    wrong = random.random(6_000) < np.where(hard, 0.45, 0.01)
    said = saying((labels + wrong) % 3, 0.9)
    chosen = np.concatenate([np.flatnonzero(hard)[:400], np.flatnonzero(~hard)[:800]])
    pool = np.setdiff1d(np.arange(6_000), chosen)

    def error(choice: NearestExamplesChoice) -> float:
        sure = choice.of(places[chosen], labels[chosen]).probabilities(said[pool], places[pool])
        return float(1 - sure.max(axis=1).mean())

    plain = fit_temperature(said[chosen], labels[chosen])
    before = NearestExamplesChoice(0.0, plain, with_temperature(said[chosen], plain))
    after = before.calibrated(labels[chosen], importance_of(places[chosen], places[pool]))
    truth = float(wrong[pool].mean())
    assert error(before) > 3 * truth
    assert error(after) == pytest.approx(truth, rel=0.4)
    assert np.allclose(
        after.out_of_fold,
        after.of(places[chosen], labels[chosen]).probabilities(said[chosen], places[chosen]),
        atol=1e-5,
    )

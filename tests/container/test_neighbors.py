"""The nearest texts are found exactly, in blocks of any size, and what spreads over them comes to rest."""

import numpy as np
import pytest
from classifier import neighbors
from classifier.neighbors import NearestObjects, propagate
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

SEEDS = st.integers(0, 2**32 - 1)


def cloud(size: int, axes: int, seed: int) -> NDArray[np.float32]:
    """Returns places that 16 bits can tell."""
    places = np.random.default_rng(seed).normal(size=(size, axes))
    return places.astype(np.float16).astype(np.float32)


def distances_between(places: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    differences = places[:, None].astype(np.float64) - others[None]
    return np.asarray(np.square(differences).sum(axis=2))


@given(st.integers(1, 700), st.integers(1, 6), st.integers(0, 40), SEEDS)
def test_no_text_lies_nearer_than_those_found(references: int, axes: int, texts: int, seed: int) -> None:
    places, asked = cloud(references, axes, seed), cloud(texts, axes, seed + 1)
    found, numbers = NearestObjects.of(places).search(asked)
    true = distances_between(asked, places)
    expected = np.sort(true, axis=1)[:, : min(11, references)]
    assert np.allclose(found, expected, atol=1e-4)
    assert np.allclose(np.take_along_axis(true, numbers, axis=1), found, atol=1e-4)
    assert all(len(set(row)) == len(row) for row in numbers.tolist())


def test_a_search_in_small_blocks_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    places = cloud(300, 4, seed=0)
    at_once = NearestObjects.of(places).search(places)
    monkeypatch.setattr(neighbors, "_NUMBERS_AT_ONCE", 1_000)
    in_blocks = NearestObjects.of(places).search(places)
    assert np.array_equal(at_once[1], in_blocks[1])
    assert np.allclose(at_once[0], in_blocks[0], atol=1e-5)


@given(st.integers(1, 100), st.integers(0, 4), SEEDS)
def test_weights_are_shares_and_fall_with_distance(references: int, axes: int, seed: int) -> None:
    # Some lie at one place, and some of the asked far from all.
    places = cloud(references, axes, seed)
    places[references // 2 :] = places[0]
    asked = np.concatenate([places, 1_000 + places])
    nearest = NearestObjects.of(places)
    weights = nearest.weights(asked).toarray()
    assert np.isfinite(weights).all()
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    numbers = nearest.search(asked)[1]
    of_found = np.take_along_axis(weights, numbers, axis=1)
    assert (np.diff(of_found, axis=1) <= 1e-6).all()


def test_a_reference_text_is_its_own_nearest_neighbor() -> None:
    places = cloud(50, 8, seed=0)
    weights = NearestObjects.of(places).weights(places).toarray()
    assert np.array_equal(weights.argmax(axis=1), np.arange(50))


@given(st.integers(1, 60), st.sampled_from([0.0, 0.3, 0.5, 0.7]), SEEDS)
def test_what_spreads_comes_to_rest_between_what_was_known_and_the_neighbors(
    texts: int, share: float, seed: int
) -> None:
    places = cloud(texts, 3, seed)
    graph = NearestObjects.of(places).weights(places)
    known = np.random.default_rng(seed).dirichlet(np.ones(3), texts).astype(np.float32)
    spread = propagate(known, graph, share)
    assert np.allclose(spread, (1 - share) * known + share * (graph @ spread), atol=2e-3)
    assert np.allclose(spread.sum(axis=1), 1, atol=1e-4)
    assert spread.min() >= 0

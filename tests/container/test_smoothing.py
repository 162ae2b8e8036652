"""Neighbors correct what is wrong among them, count for nothing where they mislead, and no label leaks."""

from pathlib import Path

import numpy as np
import pytest
from classifier.reference_objects import ReferenceObjects
from classifier.smoothing import (
    SHARES,
    Neighborhoods,
    Smoothing,
    SmoothingChoice,
    choose_smoothing,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.container.clusters import Floats, Numbers, clusters, saying

FOLDS = 5


def references(places: Floats) -> ReferenceObjects:
    return ReferenceObjects.of(places, places)


def among(places: Floats, examples: Numbers) -> Neighborhoods:
    return Neighborhoods.of(references(places), places[examples], examples)


def folds_of(labels: Numbers) -> Numbers:
    return np.arange(len(labels)) % FOLDS


def choose(
    places: Floats, examples: Numbers, labels: Numbers, of_nets: Floats, of_folds: Floats | None = None
) -> SmoothingChoice:
    """Chooses with nets that say the same whatever they have seen."""
    folds = folds_of(labels)
    of_references = np.stack([of_nets] * FOLDS) if of_folds is None else of_folds
    return choose_smoothing(among(places, examples), of_references, of_nets[examples], labels, folds)


def test_a_wrong_prediction_among_neighbors_that_agree_is_corrected() -> None:
    places, cluster = clusters(200)
    said = cluster.copy()
    said[:5] = (said[:5] + 1) % 3
    examples = np.arange(100, 200)
    choice = SmoothingChoice(0.5, 1.0, saying(cluster[examples]))
    smoothing = choice.smoothing(among(places, examples), saying(said), cluster[examples])
    smoothed = smoothing.probabilities(saying(said, 0.6), references(places).graph)
    assert np.array_equal(smoothed.argmax(axis=1), cluster)
    assert np.allclose(smoothed.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("share", SHARES)
def test_a_served_text_gets_what_was_found_for_it_in_training(share: float) -> None:
    places, cluster = clusters(300)
    of_nets = np.random.default_rng(1).dirichlet(np.ones(3), 300).astype(np.float32)
    examples, unlabeled = np.arange(100), np.arange(100, 300)
    neighborhoods, labels, known = among(places, examples), cluster[examples], np.ones(100, bool)
    spread = neighborhoods.spread(of_nets, labels, known, share)
    choice = SmoothingChoice(share, 1.0, of_nets[examples])
    smoothing = choice.smoothing(neighborhoods, of_nets, labels)
    served = smoothing.probabilities(of_nets[unlabeled], references(places).weights(places[unlabeled]))
    assert np.allclose(served, spread[unlabeled], atol=3e-3)


def test_labels_without_a_pattern_are_not_predicted_by_themselves() -> None:
    # If an example's own label counted for it, most would be right.
    places, _ = clusters(600)
    labels = np.random.default_rng(1).integers(3, size=600)
    chance = np.full((600, 3), 1 / 3, np.float32)
    choice = choose(places, np.arange(600), labels, chance)
    assert np.mean(choice.out_of_fold.argmax(axis=1) == labels) < 0.4


def test_nets_that_saw_the_fold_are_not_asked_about_it() -> None:
    # Each fold's nets know its labels, but for their own fold: what others know must not reach the fold.
    places, _ = clusters(300)
    labels = np.random.default_rng(1).integers(3, size=300)
    folds = folds_of(labels)
    chance = np.full((300, 3), 1 / 3, np.float32)
    of_folds = np.stack([np.where((folds == fold)[:, None], chance, saying(labels)) for fold in range(FOLDS)])
    choice = choose(places, np.arange(300), labels, chance, of_folds)
    assert np.mean(choice.out_of_fold.argmax(axis=1) == labels) < 0.42


def test_neighbors_count_where_nets_err_at_random() -> None:
    places, cluster = clusters(300)
    random = np.random.default_rng(1)
    said = np.where(random.random(300) < 0.3, random.integers(3, size=300), cluster)
    examples = np.arange(0, 300, 3)
    choice = choose(places, examples, cluster[examples], saying(said, 0.7))
    assert choice.share > 0
    assert np.mean(choice.out_of_fold.argmax(axis=1) == cluster[examples]) == 1


def test_neighbors_that_mislead_count_for_nothing() -> None:
    # Within a cluster all classes are as frequent, and the nets know which text is of which.
    places, _ = clusters(300)
    labels = np.arange(300) % 3
    of_nets = saying(labels, 0.999)
    choice = choose(places, np.arange(300), labels, of_nets)
    assert choice.share == 0
    assert np.array_equal(choice.out_of_fold, of_nets)
    smoothing = choice.smoothing(among(places, np.arange(300)), of_nets, labels)
    assert smoothing.probabilities(of_nets, references(places).graph) is of_nets


def test_a_label_that_is_left_out_spreads_no_more() -> None:
    places, cluster = clusters(100)
    labels = cluster.copy()
    labels[0] = (labels[0] + 1) % 3
    neighborhoods, of_nets = among(places, np.arange(100)), saying(cluster)
    kept = np.arange(100) > 0
    without = neighborhoods.spread(of_nets, labels, kept, 0.5)
    assert np.array_equal(without.argmax(axis=1), cluster)
    of_all = neighborhoods.spread(of_nets, labels, np.ones(100, bool), 0.5)
    assert of_all[0].argmax() == labels[0]


def test_examples_of_one_text_share_its_place() -> None:
    places, _ = clusters(20)
    neighborhoods = among(places, np.array([3, 3, 3, 3]))
    labels, known = np.array([0, 1, 1, 1]), np.array([True, True, True, False])
    start = neighborhoods.spread(saying(np.zeros(20, np.int64)), labels, known, 0.0)
    assert np.allclose(start[3], [1 / 3, 2 / 3, 0])


def test_an_example_need_not_be_a_reference_text() -> None:
    places, cluster = clusters(100)
    neighborhoods = Neighborhoods.of(references(places[:50]), places[50:], np.full(50, -1))
    of_nets = saying(cluster)
    of_folds = np.stack([of_nets[:50]] * FOLDS)
    labels = cluster[50:]
    choice = choose_smoothing(neighborhoods, of_folds, of_nets[50:], labels, folds_of(labels))
    assert np.array_equal(choice.out_of_fold.argmax(axis=1), labels)


@given(st.integers(1, 40), st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_whatever_lies_where_probabilities_stay_probabilities(texts: int, labeled: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    places = random.integers(0, 2, (texts, 3)).astype(np.float32)
    examples = random.integers(texts, size=labeled)
    labels = random.integers(3, size=labeled)
    of_nets = random.dirichlet(np.full(3, 0.1), texts).astype(np.float32)
    choice = choose(places, examples, labels, of_nets)
    smoothing = choice.smoothing(among(places, examples), of_nets, labels)
    smoothed = smoothing.probabilities(of_nets, references(places).weights(2 * places))
    for probabilities in (choice.out_of_fold, smoothed):
        assert np.isfinite(probabilities).all()
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    again = choose(places, examples, labels, of_nets)
    assert (again.share, again.temperature) == (choice.share, choice.temperature)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_smoothing_comes_back_from_its_file_readable_for_all(tmp_path: Path, share: float) -> None:
    places, cluster = clusters(100)
    of_nets = np.random.default_rng(0).dirichlet(np.ones(3), 100).astype(np.float32)
    choice = SmoothingChoice(share, 1.3, of_nets)
    made = choice.smoothing(among(places, np.arange(100)), of_nets, cluster)
    made.save(tmp_path)
    loaded = Smoothing.load(tmp_path)
    weights = references(places).graph
    assert np.array_equal(loaded.probabilities(of_nets, weights), made.probabilities(of_nets, weights))
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in tmp_path.iterdir())

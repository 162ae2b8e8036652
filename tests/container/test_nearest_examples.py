"""Nearest examples tell where a model is sure without a cause, count for nothing where they mislead, and no
label leaks.
"""

from pathlib import Path

import numpy as np
import pytest
from classifier.nearest_examples import (
    WEIGHTS,
    ExamplesByClass,
    NearestExamples,
    NearestExamplesChoice,
    better_without,
    choose_nearest_examples,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.container.clusters import Floats, Numbers, clusters, saying

FOLDS = 5


def choose(
    places: Floats, said: Floats, labels: Numbers, known: NDArray[np.bool_] | None = None
) -> NearestExamplesChoice:
    folds = np.arange(len(labels)) % FOLDS
    return choose_nearest_examples(places, said, labels, folds, known)


def without_helps(doubted: NDArray[np.bool_], places: Floats, said: Floats, labels: Numbers) -> bool:
    folds = np.random.default_rng(1).permutation(len(labels)) % FOLDS
    around = (places, said, labels, folds)
    return better_without(doubted, choose_nearest_examples(*around), *around)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 4), st.integers(0, 10_000))
def test_the_nearest_of_each_class_is_found(examples: int, texts: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    # Whole numbers: in 16 bits they are what they are.
    places = random.integers(-8, 9, size=(examples, 5)).astype(np.float32)
    asked = random.integers(-8, 9, size=(texts, 5)).astype(np.float32)
    labels = random.integers(classes, size=examples)
    found = ExamplesByClass.of(places, labels, classes).distances(asked)
    every = np.square(asked[:, None] - places[None]).sum(axis=2)
    expected = np.stack(
        [np.where(labels == each, every, np.inf).min(axis=1) for each in range(classes)], axis=1
    )
    # A class without an example is as far as the farthest.
    farthest = np.where(np.isfinite(expected), expected, 0).max(axis=1, keepdims=True)
    assert np.array_equal(found, np.where(np.isfinite(expected), expected, farthest))


def test_who_is_sure_beside_an_example_of_another_class_is_doubted() -> None:
    places, cluster = clusters(300)
    labels = cluster[:100]
    choice = choose(places[:100], saying(labels, 0.7), labels)
    said = cluster[100:].copy()
    said[:20] = (said[:20] + 1) % 3
    found = choice.of(places[:100], labels).probabilities(saying(said), places[100:])
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    sureness = found[np.arange(200), said]
    assert sureness[:20].max() < sureness[20:].min()


def test_examples_that_tell_nothing_have_no_say() -> None:
    places = np.random.default_rng(1).normal(size=(600, 8)).astype(np.float32)
    labels = np.random.default_rng(2).integers(3, size=600)
    wrong = np.random.default_rng(3).random(600) < 0.2
    said = saying((labels + wrong) % 3, 0.8)
    choice = choose(places, said, labels)
    assert choice.weight == 0
    assert choice.out_of_fold is said
    examples = choice.of(places, labels)
    assert examples.probabilities(said, places) is said


def test_an_examples_own_label_is_not_seen() -> None:
    # Each is nearest to itself: whoever saw that would have all of them right.
    places = np.random.default_rng(1).normal(size=(600, 8)).astype(np.float32)
    labels = np.random.default_rng(2).integers(3, size=600)
    choice = choose(places, np.full((600, 3), 1 / 3, np.float32), labels)
    assert np.mean(choice.out_of_fold.argmax(axis=1) == labels) < 0.4


def test_nor_is_a_label_left_out_as_wrong() -> None:
    places, cluster = clusters(300)
    told = cluster.copy()
    wrong = np.arange(0, 300, 3)
    told[wrong] = (told[wrong] + 1) % 3
    unsure = np.full((300, 3), 1 / 3, np.float32)
    known = ~np.isin(np.arange(300), wrong)
    of_known, of_all = choose(places, unsure, told, known), choose(places, unsure, told)
    right = np.mean(of_known.out_of_fold.argmax(axis=1) == cluster)
    assert right > 0.99 > np.mean(of_all.out_of_fold.argmax(axis=1) == cluster)


def test_wrong_labels_here_and_there_are_better_left_out() -> None:
    places, cluster = clusters(300)
    told, doubted = cluster.copy(), np.arange(300) % 10 == 0
    told[doubted] = (told[doubted] + 1) % 3
    assert without_helps(doubted, places, np.full((300, 3), 1 / 3, np.float32), told)


def test_unexpected_labels_that_lie_together_are_not() -> None:
    # Half of a cluster is of another class, whatever the nets say.
    places, cluster = clusters(300)
    told, doubted = cluster.copy(), (cluster == 0) & (places[:, 7] > 0)
    told[doubted] = 1
    assert not without_helps(doubted, places, saying(cluster, 0.6), told)


@pytest.mark.parametrize(
    ("places", "labels"),
    [
        (np.zeros((1, 4), np.float32), np.array([1])),
        (np.zeros((10, 4), np.float32), np.arange(10) % 3),
        (np.ones((10, 0), np.float32), np.arange(10) % 3),
        (np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32), np.ones(10, np.int64)),
    ],
    ids=["one example", "all in one place", "no axes", "one class"],
)
def test_too_little_to_compare_changes_no_class(places: Floats, labels: Numbers) -> None:
    said = saying(labels)
    choice = choose(places, said, labels)
    found = choice.of(places, labels).probabilities(said, places)
    assert np.array_equal(found.argmax(axis=1), labels)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("weight", WEIGHTS)
def test_what_is_saved_is_loaded(weight: float, tmp_path: Path) -> None:
    places, cluster = clusters(60)
    said = saying(cluster)
    saved = NearestExamplesChoice(weight, 1.3, said).of(places[:30], cluster[:30])
    saved.save(tmp_path)
    loaded = NearestExamples.load(tmp_path, 3)
    assert np.array_equal(loaded.probabilities(said, places), saved.probabilities(said, places))

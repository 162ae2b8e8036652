"""Most wrong labels are found and hardly any right one; on clean labels next to nothing is."""

import numpy as np
import pytest
from classifier.label_errors import find_label_errors
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray


def sure_predictions(
    size: int, sureness: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns probabilities of three classes, and the labels they speak of: drawn from them."""
    logits = random.normal(0, sureness, (size, 3))
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) > random.random((size, 1))).argmax(axis=1)
    return probabilities.astype(np.float32), labels


def test_of_labels_made_wrong_most_are_found_and_few_others() -> None:
    random = np.random.default_rng(0)
    probabilities, labels = sure_predictions(2_000, 8, random)
    wrong = random.random(2_000) < 0.1
    given_labels = np.where(wrong, (labels + 1) % 3, labels)
    found = find_label_errors(probabilities, given_labels)
    assert (found & wrong).sum() > 0.5 * wrong.sum(), "not all: their number is estimated from below"
    assert (found & wrong).sum() > 0.9 * found.sum()


def test_hard_examples_with_true_labels_are_hardly_touched() -> None:
    probabilities, labels = sure_predictions(2_000, 3, np.random.default_rng(0))
    assert np.mean(probabilities.argmax(axis=1) != labels) > 0.1
    assert find_label_errors(probabilities, labels).mean() < 0.02


@pytest.mark.parametrize("share_of_wrong_labels", [0.0, 0.1])
def test_hard_examples_do_not_count_as_wrong_where_few_objects_are_like_them(
    share_of_wrong_labels: float,
) -> None:
    """Nine in ten of the examples are hard, and one in six of the pool."""
    random, size = np.random.default_rng(0), 10_000
    easy = np.arange(size) < size // 10
    sure = np.where(easy, random.uniform(0.97, 0.999, size), random.uniform(0.5, 0.9, size))
    predicted = random.integers(3, size=size)
    right = random.random(size) < sure
    true = np.where(right, predicted, (predicted + random.integers(1, 3, size)) % 3)
    wrong = random.random(size) < share_of_wrong_labels
    labels = np.where(wrong, (true + random.integers(1, 3, size)) % 3, true)
    others = (1 - sure[:, None]) / 2
    probabilities = np.where(np.eye(3)[predicted] > 0, sure[:, None], others).astype(np.float32)
    importance = np.where(easy, 50.0, 1.0)
    found = find_label_errors(probabilities, labels, importance)
    of_all_alike = find_label_errors(probabilities, labels)
    assert of_all_alike.mean() > share_of_wrong_labels + 0.05, "the hard ones count as wrong"
    assert share_of_wrong_labels / 2 <= found.mean() <= share_of_wrong_labels + 0.01


def test_a_class_keeps_its_last_examples() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    wrong = np.tile(np.array([0.999, 0.001], np.float32), (100, 1))
    assert find_label_errors(wrong, labels)[labels == 1].sum() <= 5


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_whatever_is_predicted_at_most_a_fifth_is_left_out_and_no_class_wholly(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet([0.2, 0.2, 0.2], size).astype(np.float32)
    labels = random.choice(3, size, p=[0.8, 0.19, 0.01])
    importance = random.multinomial(3 * size, random.dirichlet(np.full(size, 0.1))).astype(np.float64)
    found = find_label_errors(probabilities, labels, importance)
    assert found.sum() <= size / 5
    for label in np.unique(labels):
        assert (~found[labels == label]).sum() >= min(5, np.sum(labels == label))

"""The temperature is found again, moves no ranking, and few examples do not move it far."""

import numpy as np
import pytest
from classifier.calibration import (
    Mixture,
    NetProbabilities,
    fit_mixture,
    fit_temperature,
    mutual_information,
    with_temperature,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), np.float32)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_distorted_true_probabilities_is_found(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 4))
    labels = (softmax(logits).cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    distorted = softmax(logits / temperature)
    assert fit_temperature(distorted, labels) == pytest.approx(1 / temperature, rel=0.05)


def test_few_examples_all_of_them_right_do_not_make_it_certain() -> None:
    few = np.array([[0.7, 0.3], [0.2, 0.8]], np.float32)
    assert 0.5 < fit_temperature(few, np.array([0, 1])) < 1


def drawn(random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns logits of 2,000 texts, and labels drawn from what they say."""
    logits = random.normal(0, 2, (2_000, 4))
    return logits, (softmax(logits).cumsum(axis=1) > random.random((2_000, 1))).argmax(axis=1)


def test_the_nets_that_know_have_the_say() -> None:
    random = np.random.default_rng(0)
    logits, labels = drawn(random)
    knows, guesses = softmax(logits)[None], softmax(random.normal(0, 2, logits.shape))[None]
    assert fit_mixture(NetProbabilities(knows, guesses), labels).second_share == 0
    assert fit_mixture(NetProbabilities(guesses, knows), labels).second_share == 0.7


def test_nets_that_err_on_different_texts_share_the_say_and_both_gain() -> None:
    random = np.random.default_rng(0)
    logits, labels = drawn(random)
    dense, tokens = (softmax(logits + random.normal(0, 2, logits.shape))[None] for _ in range(2))
    of_nets = NetProbabilities(dense, tokens)
    mixture = fit_mixture(of_nets, labels)
    assert mixture.second_share in (0.3, 0.5, 0.7)
    right = np.mean(mixture.probabilities(of_nets).argmax(axis=1) == labels)
    assert right > max(np.mean(nets[0].argmax(axis=1) == labels) for nets in (dense, tokens))


@given(hnp.arrays(np.float64, (2, 3, 4), elements=st.floats(-50, 50)), st.floats(0, 1), st.floats(0.2, 5))
def test_a_mixture_is_a_probability_and_keeps_what_both_say(
    logits: NDArray[np.float64], share: float, temperature: float
) -> None:
    dense, tokens = softmax(logits)[:, None]
    mixture = Mixture(share, temperature)
    assert np.allclose(mixture.probabilities(NetProbabilities(dense, tokens)).sum(axis=1), 1, atol=1e-5)
    same = mixture.probabilities(NetProbabilities(dense, dense))
    assert np.allclose(same, with_temperature(dense[0], temperature), atol=1e-4)


def test_one_class_alone_gives_a_temperature() -> None:
    sure = np.tile(np.array([0.97, 0.03], np.float32), (500, 1))
    assert 0.1 <= fit_temperature(sure, np.zeros(500, np.int64)) < 1


logits_of_texts = hnp.arrays(np.float64, (3, 5), elements=st.floats(-8, 8))


@given(logits_of_texts, st.floats(0.2, 5))
def test_no_ranking_of_classes_changes_and_rows_sum_to_one(
    logits: NDArray[np.float64], temperature: float
) -> None:
    before = softmax(logits)
    after = with_temperature(before, temperature)
    order = before.argsort(axis=1)
    assert (np.diff(np.take_along_axis(after, order, axis=1), axis=1) >= -1e-6).all()
    assert np.allclose(after.sum(axis=1), 1, atol=1e-5)


@given(hnp.arrays(np.float64, (3, 2, 4), elements=st.floats(-8, 8)))
def test_disagreement_is_at_least_nothing_and_at_most_what_there_is_to_know(
    logits: NDArray[np.float64],
) -> None:
    information = mutual_information(softmax(logits))
    assert (information >= 0).all()
    assert (information <= np.log(3) + 1e-5).all()


def test_nets_that_agree_have_nothing_to_tell_and_opposite_ones_have_a_bit() -> None:
    agreed = np.full((3, 1, 2), 0.5, np.float32)
    opposed = np.array([[[1, 0]], [[0, 1]]], np.float32)
    assert mutual_information(agreed) == pytest.approx(0, abs=1e-6)
    assert mutual_information(opposed) == pytest.approx(np.log(2), abs=1e-5)

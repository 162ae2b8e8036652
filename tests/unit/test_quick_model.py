"""The quick model of a simulation: features of texts in any language, and a regression on them."""

import random

import numpy as np
import pytest

from labelloop.core.model.prior_labels import PriorLabels
from labelloop.quick_model import EMBEDDING_SIZE, Ridge, WithPriorLabels, text_features

WORDS = {
    "English": (["iron", "copper", "zinc"], ["rivers", "lakes", "ponds"], " "),
    # Endings differ; only parts of the words are the same.
    "Finnish": (["rautaa", "raudasta", "rautaan"], ["jokea", "joesta", "jokeen"], " "),
    "Chinese": (["钢铁价格上涨", "铁矿石出口", "铜铁合金"], ["河流水位", "江河汛期", "河水上涨"], ""),
    "Arabic": (["الحديد", "حديد", "النحاس"], ["النهر", "نهر", "الأنهار"], " "),
}


@pytest.mark.parametrize("language", WORDS)
def test_it_learns_the_classes_of_texts_in_any_language(language: str) -> None:
    *words, separator = WORDS[language]
    rng = random.Random(0)
    labels = np.array([rng.randrange(2) for _ in range(200)])
    features = text_features([separator.join(rng.choices(words[label], k=3)) for label in labels])
    answers = Ridge(EMBEDDING_SIZE).fit(features[:40], labels[:40], 2, seed=0)(features[40:])
    assert (answers.probabilities.argmax(axis=1) == labels[40:]).mean() > 0.95
    assert answers.probabilities.sum(axis=1) == pytest.approx(1)
    assert answers.embedding is not None
    assert answers.embedding.shape == (160, min(EMBEDDING_SIZE, features.shape[1]))


def test_its_probabilities_are_as_often_right_as_they_say() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=4000)
    features = (1.2 * labels[:, np.newaxis] + rng.standard_normal((4000, 2))).astype(np.float32)
    probabilities = Ridge().fit(features[:400], labels[:400], 2, seed=0)(features[400:]).probabilities
    right = probabilities.argmax(axis=1) == labels[400:]
    assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.03)


def test_the_same_texts_have_the_same_features() -> None:
    texts = [f"text {number % 7} of {number % 5}" for number in range(50)]
    assert (text_features(texts) == text_features(texts)).all()
    assert np.linalg.norm(text_features(texts), axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("texts", [["one", "two"], ["?", "!", "…"], ["a b", "a b", "a b"]])
def test_texts_that_have_nothing_in_common_are_no_error(texts: list[str]) -> None:
    features = text_features(texts)
    answers = Ridge(EMBEDDING_SIZE).fit(features[:1], np.array([0]), 2, seed=0)(features)
    assert np.isfinite(answers.probabilities).all()


class Told:
    """Objects of three classes, which their features tell in part, and a source with confidences."""

    def __init__(self, right: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(3, size=2000)
        self.features = (np.eye(3, 5)[self.labels] + rng.standard_normal((2000, 5))).astype(np.float32)
        is_right = rng.random(2000) < right
        said = np.where(is_right, self.labels, (self.labels + rng.integers(1, 3, 2000)) % 3)
        sure = np.where(is_right, rng.beta(6, 2, 2000), rng.beta(2, 2, 2000))
        self.priors = PriorLabels(
            said[:, np.newaxis].astype(np.int16), sure[:, np.newaxis].astype(np.float32)
        )
        self.inputs = WithPriorLabels.of(self.features, self.priors, 3)

    def answers(self, people: int = 200, *, priors: bool = True) -> np.ndarray:
        inputs = self.inputs if priors else self.features
        predict = Ridge(2).fit(inputs[np.arange(people)], self.labels[:people], 3, seed=0)
        answers = predict(inputs[np.arange(people, 2000)])
        assert answers.embedding is not None
        assert answers.embedding.shape == (2000 - people, 2)
        return np.asarray(answers.probabilities)

    def wrong(self, probabilities: np.ndarray) -> float:
        return float(np.mean(probabilities.argmax(axis=1) != self.labels[-len(probabilities) :]))


def test_prior_labels_are_believed_as_far_as_they_are_right() -> None:
    told = Told(0.8)
    found = told.answers()
    assert told.wrong(found) < 0.16 < 0.3 < told.wrong(told.answers(priors=False))
    assert found.max(axis=1).mean() == pytest.approx(1 - told.wrong(found), abs=0.03)
    assert np.array_equal(found, told.answers())


@pytest.mark.slow
@pytest.mark.parametrize("right", [0.0, 1 / 3])
def test_prior_labels_that_are_wrong_or_random_do_not_hurt(right: float) -> None:
    for seed in range(5):
        told = Told(right, seed)
        told.priors.confidence[:] = 0.9
        told.inputs = WithPriorLabels.of(told.features, told.priors, 3)
        assert told.wrong(told.answers()) <= told.wrong(told.answers(priors=False)) + 0.01


def test_missing_prior_labels_and_very_few_labels_are_no_error() -> None:
    told = Told(0.8)
    told.priors.labels[::2] = -1
    told.inputs = WithPriorLabels.of(told.features, told.priors, 3)
    assert all(np.isfinite(told.answers(people)).all() for people in (1, 2, 3, 100))
    told.priors.labels[:] = -1
    told.inputs = WithPriorLabels.of(told.features, told.priors, 3)
    assert np.array_equal(told.answers(), told.answers(priors=False))


def test_prior_labels_count_as_in_the_shipped_container() -> None:
    from classifier.calibration import with_temperature
    from classifier.distillation import PriorSignals
    from classifier.prior_labels import PriorLabels as ContainersPriorLabels
    from classifier.stacking import choose_stacking

    from labelloop.quick_model import _stacked

    told = Told(0.8)
    given = ContainersPriorLabels(
        told.priors.labels.astype(np.int64), told.priors.confidence.astype(np.float64)
    )
    expected = 2 * told.inputs.votes[:, :, [2]].transpose(0, 2, 1)
    before = with_temperature(np.eye(3, dtype=np.float32)[(told.labels + (told.features[:, 0] > 1)) % 3], 5)
    signals = PriorSignals(given, expected.astype(np.float32))
    choice = choose_stacking(before, signals, told.labels, seed=3)
    stacked = _stacked(np.log(before.astype(np.float64)), told.inputs, told.labels, 3)
    assert choice.stacking
    assert stacked
    there = choice.stacking.probabilities(before, signals)
    scores = stacked.scores(np.log(before.astype(np.float64)), told.inputs)
    here = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.abs(there - here).max() < 1e-3

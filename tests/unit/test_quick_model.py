"""The quick model of a simulation: features of texts in any language, and a regression on them."""

import random

import numpy as np
import pytest

from labelloop.quick_model import EMBEDDING_SIZE, Ridge, text_features

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

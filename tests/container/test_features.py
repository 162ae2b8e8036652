"""Texts become features: each view of length 1, fewer components for few texts, and the same each time."""

import functools
from pathlib import Path

import numpy as np
import pytest
from classifier.principal_axes import PrincipalAxes
from text_classifier.encoder import SentenceEncoder
from text_classifier.features import TextFeatures
from text_classifier.static_embedding import StaticEmbedding, StaticEmbeddingError
from text_classifier.vocabulary import Vocabulary

from tests.container.tiny_bert import make_tiny_bert

TOPICS = ["bank", "film", "東京"]
TEXTS = [f"{topic} {number} {word}" for topic in TOPICS for number in range(9) for word in "ab"]
ODD = ["", "\ud800", "\x00", "😀", "x" * 5_000]


@functools.cache
def static() -> StaticEmbedding:
    return StaticEmbedding.of_package()


def fit(
    texts: list[str], components: int = 8, encoder: SentenceEncoder | None = None, seed: int = 0
) -> TextFeatures:
    vocabulary = Vocabulary.of_texts(texts, 1_000, 1_000)
    return TextFeatures.fit(texts, vocabulary, components, static(), encoder, seed)


def test_a_text_is_the_mean_of_its_tokens() -> None:
    bank, of, both = static().vectors(["bank", "of", "bank of"])
    assert np.allclose((bank + of) / 2, both, atol=1e-6)


def test_texts_of_like_meaning_lie_close_in_the_table() -> None:
    vectors = static().vectors(["doctor", "physician", "guitar"])
    near, far = vectors[1:] @ vectors[0] / np.linalg.norm(vectors[1:], axis=1)
    assert near > 2 * abs(far)


@pytest.mark.parametrize("text", ODD)
def test_any_text_has_a_vector(text: str) -> None:
    (vector,) = static().vectors([text])
    assert np.isfinite(vector).all()
    assert bool(vector.any()) == bool(text)


def test_a_missing_package_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("text_classifier.static_embedding._PACKAGE", "no_such_package")
    with pytest.raises(StaticEmbeddingError, match=r"install the container's requirements\.txt"):
        StaticEmbedding.of_package()


def test_each_view_has_length_one_or_none() -> None:
    features = fit(TEXTS).of_texts([*TEXTS, "zzz", *ODD])
    for view in (features[:, : static().size], features[:, static().size :]):
        lengths = np.linalg.norm(view, axis=1)
        assert (np.isclose(lengths, 1, atol=1e-4) | (lengths < 1e-6)).all()


@pytest.mark.slow
def test_the_encoder_is_a_view_too(tmp_path: Path) -> None:
    encoder = SentenceEncoder(make_tiny_bert(tmp_path))
    with_encoder = fit(TEXTS, encoder=encoder).of_texts(TEXTS)
    assert np.array_equal(with_encoder[:, : encoder.size], encoder.vectors(TEXTS))
    assert np.array_equal(with_encoder[:, encoder.size :], fit(TEXTS).of_texts(TEXTS))


@pytest.mark.parametrize(("texts", "most"), [(TEXTS, 6), (TEXTS[:2], 1), (["a"], 1), (["a", "a a"], 1)])
def test_few_texts_have_few_components(texts: list[str], most: int) -> None:
    known = fit(texts, components=8)
    assert static().size < known.size <= static().size + most
    assert known.of_texts(ODD).shape == (len(ODD), known.size)


def test_components_can_be_left_out() -> None:
    assert fit(TEXTS, components=0).size == static().size


def test_components_tell_topics_apart_in_any_script() -> None:
    views = fit(TEXTS).of_texts(TEXTS)[:, static().size :]
    topics = views.reshape(3, -1, views.shape[1]).mean(axis=1)
    likeness = topics @ topics.T
    assert likeness.diagonal().min() > 2 * np.abs(likeness - np.diag(likeness.diagonal())).max()


def test_the_same_seed_finds_the_same_components() -> None:
    assert np.array_equal(fit(TEXTS).of_texts(TEXTS), fit(TEXTS).of_texts(TEXTS))


def test_features_come_back_from_their_files_readable_for_all(tmp_path: Path) -> None:
    known = fit(TEXTS)
    axes = PrincipalAxes.fit(known.of_texts(TEXTS), known.likeness, 4, seed=0)
    known.save(tmp_path)
    axes.save(tmp_path)
    loaded = TextFeatures.load(tmp_path, static(), None)
    found = loaded.of_texts([*TEXTS, *ODD])
    assert np.array_equal(found, known.of_texts([*TEXTS, *ODD]))
    assert np.array_equal(PrincipalAxes.load(tmp_path).embedding(found), axes.embedding(found))
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in tmp_path.iterdir())


def test_axes_keep_most_of_what_tells_texts_apart() -> None:
    known = fit(TEXTS)
    features = known.of_texts(TEXTS)
    embedding = PrincipalAxes.fit(features, known.likeness, 16, seed=0).embedding(features)
    assert embedding.shape == (len(TEXTS), 16)
    assert embedding.var(axis=0).sum() > 0.8 * (features * known.likeness).var(axis=0).sum()
    assert (np.diff(embedding.var(axis=0)) <= 1e-6).all(), "the first tell most"


@pytest.mark.parametrize(("texts", "size"), [(TEXTS[:3], 8), (TEXTS[:1], 8), (TEXTS, 0)])
def test_axes_that_few_texts_cannot_give_are_zero(texts: list[str], size: int) -> None:
    known = fit(texts)
    axes = PrincipalAxes.fit(known.of_texts(texts), known.likeness, size, seed=0)
    embedding = axes.embedding(known.of_texts(TEXTS))
    assert embedding.shape == (len(TEXTS), size)
    assert not embedding[:, max(0, len(texts) - 1) :].any()

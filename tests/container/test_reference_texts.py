"""A text is seen beside its neighbors: in serving as in training, and alone where there are none."""

from pathlib import Path

import numpy as np
from classifier.reference_objects import AXES, ReferenceObjects, most_references
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FEATURES = 7


def texts(size: int, axes: int = 5, seed: int = 0) -> tuple[Floats, Floats]:
    """Returns places and features that 16 bits can tell."""
    random = np.random.default_rng(seed)
    places, features = random.normal(size=(size, axes)), random.normal(size=(size, FEATURES))
    return places.astype(np.float16).astype(np.float32), features.astype(np.float16).astype(np.float32)


@given(st.integers(1, 60), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_half_of_what_is_seen_is_the_mean_of_the_neighbors(size: int, asked: int, seed: int) -> None:
    places, features = texts(size, seed=seed)
    references = ReferenceObjects.of(places, features)
    others, own = texts(asked, seed=seed + 1)
    weights = references.weights(others)
    seen = references.aggregate(own, weights)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(2 * seen - own, weights.toarray() @ features, atol=1e-4)


def test_texts_about_one_event_are_seen_more_alike_than_they_are() -> None:
    random = np.random.default_rng(0)
    event = np.arange(200) % 4
    places = (8 * np.eye(4, 5)[event] + random.normal(size=(200, 5))).astype(np.float32)
    features = (np.eye(4, FEATURES)[event] + random.normal(size=(200, FEATURES))).astype(np.float32)
    references = ReferenceObjects.of(places, features)
    seen = references.aggregate(features, references.graph)

    def spread(of_texts: Floats) -> float:
        return float(np.mean([of_texts[event == number].var(axis=0).sum() for number in range(4)]))

    assert spread(seen) < 0.5 * spread(features)
    means = np.stack([seen[event == number].mean(axis=0) for number in range(4)])
    assert np.allclose(means, [features[event == number].mean(axis=0) for number in range(4)], atol=0.2)


def test_without_references_a_text_is_seen_alone() -> None:
    places, features = texts(3)
    none = ReferenceObjects.none()
    assert none.aggregate(features, none.weights(places)) is features


def test_only_the_first_axes_are_looked_at() -> None:
    places, features = texts(50, axes=AXES + 4)
    elsewhere = places.copy()
    elsewhere[:, AXES:] += 100
    references = ReferenceObjects.of(places, features)
    assert np.array_equal(references.weights(elsewhere).toarray(), references.graph.toarray())


def test_references_come_back_from_their_file_readable_for_all(tmp_path: Path) -> None:
    places, features = texts(40)
    for made in (ReferenceObjects.of(places, features), ReferenceObjects.none()):
        made.save(tmp_path)
        loaded = ReferenceObjects.load(tmp_path)
        seen, again = (one.aggregate(features, one.weights(places)) for one in (made, loaded))
        assert np.array_equal(seen, again)
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in tmp_path.iterdir())


@given(st.integers(2, 10_000))
def test_what_an_artifact_keeps_of_references_stays_small(classes: int) -> None:
    # With the encoder a text has 896 features.
    bytes_of_a_number, features = 2, 896
    assert 0 < most_references(classes) * (AXES + features + classes) * bytes_of_a_number < 60_000_000

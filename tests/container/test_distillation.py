"""What a source says of texts is predicted from their places, never from a text's own prior label."""

from pathlib import Path

import numpy as np
from classifier.distillation import Distillation, folds_of
from classifier.prior_labels import PriorLabels

from tests.container.clusters import Floats, Numbers, clusters


def said(labels: Numbers) -> PriorLabels:
    """One source, without confidences."""
    return PriorLabels(labels[:, None], np.full((len(labels), 1), np.nan))


def expected(places: Floats, folds: Numbers, labels: Numbers) -> Floats:
    priors = said(labels)
    return np.exp(Distillation.of(places, folds, priors, 3).signals(places, folds, priors).expected[:, 0])


def test_a_source_is_expected_to_say_what_it_says_of_similar_texts() -> None:
    places, cluster = clusters(300)
    found = expected(places, np.arange(300) % 10, (cluster + 1) % 3)
    assert np.mean(found.argmax(axis=1) == (cluster + 1) % 3) > 0.97
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_a_texts_own_prior_label_has_no_say_in_what_is_expected_of_it() -> None:
    places, cluster = clusters(300)
    folds = np.arange(300) % 10
    other = cluster.copy()
    other[folds == 4] = (cluster[folds == 4] + 1) % 3
    before, after = (Distillation.of(places, folds, said(labels), 3) for labels in (cluster, other))
    # Penalty and temperature, which all texts decide, change how sure it is, not what is best.
    priors, members = said(cluster), np.flatnonzero(folds == 4)
    both = [each.signals(places, folds, priors).expected[members, 0] for each in (before, after)]
    best = [each.argmax(axis=1) for each in both]
    assert np.array_equal(*best)
    assert np.mean(best[1] == cluster[members]) > 0.95


def test_texts_without_a_prior_label_are_predicted_too_and_none_at_all_says_nothing() -> None:
    places, cluster = clusters(300)
    some = np.where(np.arange(300) < 100, cluster, -1)
    folds = np.arange(300) % 10
    assert np.mean(expected(places, folds, some).argmax(axis=1) == cluster) > 0.95
    assert np.allclose(expected(places, folds, np.full(300, -1)), 1 / 3)
    assert np.isfinite(expected(places, folds, np.where(np.arange(300) == 7, 1, -1))).all()


def test_equal_texts_are_in_one_fold_whatever_follows_what_is_read() -> None:
    texts = [f"text {number}" for number in range(1000)]
    folds = folds_of(texts, 1000)
    assert np.bincount(folds, minlength=10).min() > 50
    assert folds_of([f"{text} and more" for text in texts], 6).tolist() == folds_of(texts, 6).tolist()
    assert folds_of(["a lone surrogate \ud800"], 1000).shape == (1,)


def test_what_is_stored_says_the_same(tmp_path: Path) -> None:
    places, cluster = clusters(100)
    folds, priors = np.arange(100) % 10, said(cluster)
    here = Distillation.of(places, folds, priors, 3)
    here.save(tmp_path)
    there = Distillation.load(tmp_path)
    assert np.array_equal(
        here.signals(places, folds, priors).expected, there.signals(places, folds, priors).expected
    )

"""The benchmarks' models and their processes are what they say."""

import os

import numpy as np
import pytest

from bench.datasets import digits
from bench.features import kernel_features
from bench.models import Logistic, Smoothed
from bench.neighborhoods import InPlace
from bench.runs import run_all


def test_a_smoothed_regression_errs_less_on_what_lies_in_clusters() -> None:
    data = digits()
    features = kernel_features(data.inputs)
    objects = InPlace.of(features, np.ones(features.shape[1], np.float32))
    order = np.random.default_rng(0).permutation(len(objects))
    learned, asked = order[:200], order[200:]
    labels = data.labels[learned]

    def wrong(probabilities: np.ndarray) -> float:
        return float(np.mean(probabilities.argmax(axis=1) != data.labels[asked]))

    plain = Logistic().fit(features[learned], labels, 10, seed=0)(features[asked])
    smoothed = Smoothed(objects).fit(objects[learned], labels, 10, seed=0)(objects[asked])
    assert wrong(smoothed.probabilities) < 0.9 * wrong(plain.probabilities)
    assert smoothed.embedding is not None
    assert smoothed.embedding.shape == (len(asked), 32)


def test_a_smoothed_regression_of_one_class_takes_the_others_for_possible() -> None:
    places = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    objects = InPlace.of(places, np.ones(4, np.float32))
    answers = Smoothed(objects).fit(objects[np.arange(5)], np.ones(5, np.int64), 3, seed=0)(objects)
    assert (answers.probabilities.argmax(axis=1) == 1).all()
    assert answers.probabilities.min() > 0


@pytest.mark.slow
def test_worker_processes_have_one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    for name in names:
        monkeypatch.setenv(name, "8")
    assert dict(run_all("names", os.getenv, names, jobs=2)) == dict.fromkeys(names, "1")

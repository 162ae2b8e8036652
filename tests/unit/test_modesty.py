"""A model that doubts all it says: too modest, or one that has learned nothing yet."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labelloop.simulation import Labels, ModelAnswers, SimulatedRun, simulate

SIZE, CLASSES = 300, 4


class SaysHowSure:
    """Is right about each object with one chance, and states another confidence, give or take a little."""

    def __init__(self, right: float, stated: float) -> None:
        self.right, self.stated = right, stated

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Callable[[Any], ModelAnswers]:
        def predict(unseen: Any) -> ModelAnswers:
            rng = np.random.default_rng(seed)
            confidence = self.stated + rng.uniform(-0.04, 0.04, len(unseen))
            wrong = rng.random(len(unseen)) > self.right
            guess = (unseen[:, 0] + wrong * rng.integers(1, CLASSES, len(unseen))) % CLASSES
            probabilities = np.repeat((1 - confidence[:, None]) / (CLASSES - 1), CLASSES, axis=1)
            probabilities[np.arange(len(unseen)), guess] = confidence
            return ModelAnswers(probabilities)

        return predict


def run(seed: int, model: SaysHowSure) -> SimulatedRun:
    truth = np.random.default_rng(seed).integers(0, CLASSES, SIZE)
    return simulate(truth[:, None], truth, model, {"CertificateFor": "dataset", "Seed": seed})


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_knows_nothing_and_says_so_is_not_tested_at_once(seed: int) -> None:
    ended = run(seed, SaysHowSure(right=0.3, stated=0.3))
    before = [record.human_labels_before for record in ended.records if record.drawn_for_test]
    assert not before or before[0] > SIZE / 2
    assert ended.answers < 1.1 * SIZE, "people are not asked twice about most of it"


@pytest.mark.parametrize("seed", range(4))
def test_a_modest_model_that_is_right_is_still_tested(seed: int) -> None:
    ended = run(seed, SaysHowSure(right=0.99, stated=0.8))
    assert ended.certificate is not None
    assert ended.answers < 0.8 * SIZE

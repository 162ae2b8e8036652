"""The run in memory ends as the deployed state machines end, and its own figures agree with its ledger."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets import easy, hard
from bench.models import KnowsNothing, Ridge
from bench.simulated_loop import Answers, Labels, Predict, RunResult, simulate
from labelloop.core.ledger import State
from tests.statemachine.conftest import CLASSES, WORDS, Loop, texts

VOCABULARY = [word for name in CLASSES for word in WORDS[name]]


class WordCounts:
    """What tests' stand-in container learns: the scores are counts of a class's words, plus one."""

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        counts = np.eye(classes)[labels].T @ inputs

        def predict(unseen: Any) -> Answers:
            scores = 1 + unseen @ counts.T
            return Answers(scores / scores.sum(axis=1, keepdims=True))

        return predict


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with ExitStack() as stack:
        yield Loop(tmp_path, stack)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "labeled"),
    [
        ({"TargetError": 0.2, "Seed": 3}, 20),
        ({"MaxHumanLabels": 200}, 0),
        ({"Policy": "blog"}, 0),
    ],
)
def test_a_run_in_memory_labels_what_the_state_machine_labels(
    loop: Loop, settings: dict[str, Any], labeled: int
) -> None:
    loop.data(600, labeled=labeled, clean=False)
    # The steps hold a tenth out for containers other than the stack's own.
    loop.settings(**settings, Model={"HoldoutShare": 0.0})
    lines = loop.run().lines()
    rows = texts(600, clean=False)
    inputs = np.array([[text.split().count(word) for word in VOCABULARY] for text, _ in rows], float)
    truth = np.array([CLASSES.index(label) for _, label in rows])
    simulated = simulate(inputs, truth, WordCounts(), settings, labeled=range(labeled))
    automatic = [line["category-metadata"].get("human-annotated") == "no" for line in lines]
    assert any(automatic)
    assert np.array_equal(simulated.ledger.mask(State.AUTO), automatic)
    assert [line.get("category", -1) for line in lines] == simulated.ledger.labels.tolist()


def test_a_model_that_learns_saves_labels_within_the_target() -> None:
    ended = simulate(*of(easy(0)), Ridge())
    assert ended.certificate is not None
    assert ended.auto_label_error <= 0.05
    assert ended.human_share < 0.4
    assert ended.oracle_human_share <= ended.human_share
    accounted_for(ended)


def test_a_model_that_knows_nothing_labels_nothing() -> None:
    ended = simulate(*of(hard(0)), KnowsNothing())
    assert ended.auto_labels == 0
    assert ended.human_share == 1
    accounted_for(ended)


def test_the_posts_policy_labels_without_a_certificate() -> None:
    ended = simulate(*of(hard(0)), Ridge(), {"Policy": "blog"})
    assert ended.auto_labels > 0
    assert ended.certificate is None
    assert ended.tests == 0
    accounted_for(ended)


def test_what_is_not_labeled_within_the_limits_counts_as_peoples() -> None:
    ended = simulate(*of(hard(0)), KnowsNothing(), {"MaxHumanLabels": 700})
    assert ended.ledger.counts().human_labels == 700
    assert ended.human_share == 1


def test_the_validation_set_stays_a_fair_sample_of_the_pool() -> None:
    """Over many runs its errors are those of the pool: with a biased one no certificate would hold."""
    in_validation = expected = 0.0
    for seed in range(12):
        data = hard(seed, 2_000)
        seen: list[tuple[float, float]] = []
        simulate(*of(data), Ridge(), {"Seed": seed, "MaxRounds": 14}, auto_label=watching(data.labels, seen))
        in_validation += sum(found for found, _ in seen[6:])
        expected += sum(wanted for _, wanted in seen[6:])
    # Errors of one run's rounds are much the same: some 60 independent ones.
    assert in_validation == pytest.approx(expected, rel=0.3)


def watching(truth: Labels, seen: list[tuple[float, float]]) -> Any:
    from labelloop.core.auto_labeling import AutoLabeling
    from labelloop.core.ledger import NO_IDS

    def label_nothing(
        ledger: Any, predictions: Any, settings: Any, looks: Any, batch: int, *, last: bool
    ) -> Any:
        pool, validation = ledger.ids(State.POOL), ledger.ids(State.VALIDATION)
        wrong = predictions.label != truth
        seen.append((float(wrong[validation].sum()), float(wrong[pool].mean() * len(validation))))
        return AutoLabeling(NO_IDS, None, None, looks, None)

    return label_nothing


def of(data: Any) -> tuple[Any, Labels]:
    return data.inputs, data.labels


def accounted_for(ended: RunResult) -> None:
    counts = ended.ledger.counts()
    assert counts.human_labels + counts.auto + counts.pool == counts.input
    assert ended.human_share == pytest.approx(1 - counts.auto / counts.input)
    assert ended.auto_labels == counts.auto

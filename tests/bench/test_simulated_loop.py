"""The run in memory ends as the deployed state machines end, and its own figures agree with its ledger."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets import easy, hard
from bench.models import KnowsNothing, Ridge
from bench.simulated_loop import SIMULATED_PEOPLE, Answers, Labels, Predict, RunResult, simulate
from labelloop.core.ledger import State
from tests.local.fork_server import ForkServer
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
def loop(tmp_path: Path, forks: ForkServer) -> Iterator[Loop]:
    with ExitStack() as stack:
        yield Loop(tmp_path, stack, forks)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "labeled"),
    [
        ({"TargetError": 0.2, "Seed": 3}, 20),
        ({"TargetError": 0.2, "MaxHumanLabels": 200}, 0),
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
    automatic = [
        "category" in line and line["category-metadata"].get("human-annotated") == "no" for line in lines
    ]
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
    assert ended.answers == 700
    assert ended.ledger.counts().human_labels <= 700
    assert ended.human_share == 1


@pytest.mark.parametrize("strategy", ["random", "margin"])
def test_a_test_is_made_in_time_whether_or_not_batches_are_of_doubtful_objects(strategy: str) -> None:
    """Another batch must not seem free because it is of what would be left to people: a random one is not."""
    ended = simulate(*of(easy(0)), Ridge(), {"QueryStrategy": strategy})
    assert ended.certificate is not None
    assert ended.human_share < 0.3


def test_a_small_pool_is_tested_when_the_model_is_ready_not_at_once() -> None:
    ended = simulate(*of(easy(0, 800)), Ridge(), {"TargetError": 0.03})
    assert ended.certificate is not None
    assert ended.human_share < 0.6


@pytest.mark.slow
def test_people_who_err_do_not_keep_a_model_from_its_certificate() -> None:
    faults = {**SIMULATED_PEOPLE, "ErrorRate": 0.05}
    ended = simulate(*of(easy(0)), Ridge(), {"SimulatedPeople": faults})
    assert ended.certificate is not None
    assert ended.auto_label_error <= 0.05
    alone = simulate(*of(easy(0)), Ridge(), {"SimulatedPeople": faults, "ReviewDisagreements": False})
    assert alone.auto_labels < ended.auto_labels


def test_a_budget_in_money_is_kept_with_the_answers_of_the_tests() -> None:
    prices = {"HumanLabel": 0.5, "ServiceFee": 0.0}
    ended = simulate(*of(easy(0)), Ridge(), {"MaxCost": 250.0, "Prices": prices})
    assert ended.ledger.counts().human_labels <= 500
    assert ended.certificate is not None


def of(data: Any) -> tuple[Any, Labels]:
    return data.inputs, data.labels


def accounted_for(ended: RunResult) -> None:
    counts = ended.ledger.counts()
    assert counts.human_labels + counts.auto + counts.pool == counts.input
    assert ended.human_share == pytest.approx(1 - counts.auto / counts.input)
    assert ended.auto_labels == counts.auto

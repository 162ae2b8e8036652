"""Whole runs in memory: what they promise and label, and that their figures agree with their ledger."""

from typing import Any

import pytest

from bench.datasets import easy, hard
from bench.models import KnowsNothing
from labelloop.quick_model import Ridge
from labelloop.simulation import Labels, SimulatedRun, simulate


def test_a_model_that_learns_saves_labels_within_the_target() -> None:
    ended = simulate(*of(easy(0)), Ridge())
    assert ended.certificate is not None
    assert ended.auto_label_error <= 0.05
    assert ended.human_share < 0.4
    assert ended.oracle_human_share <= ended.human_share
    accounted_for(ended)


@pytest.mark.slow
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


@pytest.mark.slow
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
    faults = {"ErrorRate": 0.05}
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


def accounted_for(ended: SimulatedRun) -> None:
    counts = ended.ledger.counts()
    assert counts.human_labels + counts.auto + counts.pool == counts.input
    assert ended.human_share == pytest.approx(1 - counts.auto / counts.input)
    assert ended.auto_labels == counts.auto

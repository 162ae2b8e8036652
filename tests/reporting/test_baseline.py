"""What random labeling would have given: said only where the run can tell."""

import pytest

from labelloop.core.report import random_baseline

from .conftest import MadeUpRun


def with_accuracies(run: MadeUpRun, *accuracies: float) -> MadeUpRun:
    """The run with no auto-labels on the way, and these validation accuracies."""
    trained = [record for record in run.records if record["trained"]]
    for record, accuracy in zip(trained, accuracies, strict=True):
        record["validation_accuracy"] = accuracy
        record["auto_labels_committed"] = 0
    return run


def test_random_rounds_give_a_curve_to_the_last_number_of_labels() -> None:
    run = with_accuracies(MadeUpRun(strategy="random", trained_rounds=5), 0.70, 0.76, 0.80, 0.825, 0.84)
    baseline = random_baseline(run.state(), run.records, run.evidence())
    assert baseline["rounds"] == [2, 3, 4, 5, 6]
    assert baseline["human_labels"] == 400 // 4 + 4 * 40
    assert baseline["accuracy"] == pytest.approx(0.84, abs=0.01)
    assert baseline["curve"][0][0] == 100
    assert baseline["curve"][-1] == [260, pytest.approx(baseline["accuracy"])]


def test_a_query_strategy_leaves_one_random_round_which_is_no_curve() -> None:
    run = with_accuracies(MadeUpRun(trained_rounds=5), 0.70, 0.76, 0.80, 0.825, 0.84)
    baseline = random_baseline(run.state(), run.records, run.evidence())
    assert "one round only" in baseline["unknown_because"]


def test_labels_drawn_after_the_sure_ones_were_left_out_are_not_random() -> None:
    run = with_accuracies(MadeUpRun(strategy="random", trained_rounds=5), 0.70, 0.76, 0.80, 0.825, 0.84)
    run.records[2]["auto_labels_committed"] = 30
    baseline = random_baseline(run.state(), run.records, run.evidence())
    assert "2 rounds only" in baseline["unknown_because"]


def test_without_a_model_nothing_is_known() -> None:
    run = MadeUpRun(trained_rounds=0)
    assert "no model was trained" in random_baseline(run.state(), run.records, None)["unknown_because"]


def test_accuracy_that_does_not_rise_is_no_learning_curve() -> None:
    run = with_accuracies(MadeUpRun(strategy="random", trained_rounds=4), 0.8, 0.79, 0.78, 0.77)
    baseline = random_baseline(run.state(), run.records, run.evidence())
    assert "did not rise" in baseline["unknown_because"]

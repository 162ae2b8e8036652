"""What random labeling would have given: said only where the run can tell."""

import pytest

from labelloop.core.records import (
    AccuracyOfRound,
    ModelQuality,
    RandomBaseline,
    TestRecord,
    Verdict,
)
from labelloop.core.report.document import random_baseline

from .conftest import MadeUpRun


def baseline_of(run: MadeUpRun, *accuracies: float) -> RandomBaseline:
    """With no auto-labels and no test on the way, and these accuracies."""
    trained = [record for record in run.records if record.trained]
    scored = tuple(
        AccuracyOfRound(round=record.round, accuracy=accuracy, labeled=100)
        for record, accuracy in zip(trained, accuracies, strict=True)
    )
    quality = ModelQuality(
        round=trained[-1].round,
        basis="validation set",
        labeled=100,
        stood_for=0,
        not_known=0,
        accuracy_by_round=scored,
    )
    return random_baseline(run.strategy, tuple(run.records), quality)


def change(run: MadeUpRun, number: int, **changes: object) -> None:
    """Change the record of the round with this index."""
    run.records[number] = run.records[number].model_copy(update=changes)


def random_run(trained_rounds: int = 5) -> MadeUpRun:
    run = MadeUpRun(strategy="random", trained_rounds=trained_rounds)
    for number in range(len(run.records)):
        change(run, number, auto_labels_committed=0)
    return run


def test_random_rounds_give_a_curve_to_the_last_number_of_labels() -> None:
    baseline = baseline_of(random_run(), 0.70, 0.76, 0.80, 0.825, 0.84)
    assert baseline.rounds == (2, 3, 4, 5, 6)
    assert baseline.human_labels == 400 // 4 + 4 * 40
    assert baseline.accuracy == pytest.approx(0.84, abs=0.01)
    assert baseline.curve
    assert baseline.curve[0][0] == 100
    labels, accuracy = baseline.curve[-1]
    assert labels == 260
    assert accuracy == pytest.approx(baseline.accuracy)


def test_a_query_strategy_leaves_one_random_round_which_is_no_curve() -> None:
    baseline = baseline_of(MadeUpRun(trained_rounds=5), 0.70, 0.76, 0.80, 0.825, 0.84)
    assert "only one round" in (baseline.unknown_because or "")


def test_labels_drawn_after_the_sure_ones_were_left_out_are_not_random() -> None:
    run = random_run()
    change(run, 2, auto_labels_committed=30)
    baseline = baseline_of(run, 0.70, 0.76, 0.80, 0.825, 0.84)
    assert "only 2 rounds" in (baseline.unknown_because or "")


def test_what_was_drawn_for_a_failed_test_is_not_random() -> None:
    run = random_run()
    test = TestRecord(verdict=Verdict.FAILED, drawn=30, wrong=9, error_estimate=0.3, error_bound=0.4)
    change(run, 2, test=test)
    baseline = baseline_of(run, 0.70, 0.76, 0.80, 0.825, 0.84)
    assert "only 2 rounds" in (baseline.unknown_because or "")


def test_without_a_model_nothing_is_known() -> None:
    run = MadeUpRun(trained_rounds=0)
    assert "no model was trained" in (
        random_baseline(run.strategy, tuple(run.records), None).unknown_because or ""
    )


def test_accuracy_that_does_not_rise_is_no_learning_curve() -> None:
    baseline = baseline_of(random_run(4), 0.8, 0.79, 0.78, 0.77)
    assert "did not rise" in (baseline.unknown_because or "")

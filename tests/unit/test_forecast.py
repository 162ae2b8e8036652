import pytest

from labelloop.core.ledger import Counts
from labelloop.core.records import Certificate, RoundRecord
from labelloop.core.report.forecast import forecast


def counts_of(human: int) -> Counts:
    return Counts(input=10_000, pool=10_000 - human, validation=0, human=human, auto=0, failed=0)


def records(*rounds: tuple[int, float, int, float | None], batch: int = 0) -> list[RoundRecord]:
    """Of rounds with so many labels at first, the error expected, objects left to people, and draws."""
    return [
        RoundRecord(
            round=number,
            trained=True,
            expected_error=error,
            left_to_people=left,
            expected_draws=draws,
            labeled_by_people=batch,
            counts=counts_of(labels + batch),
        )
        for number, (labels, error, left, draws) in enumerate(rounds, 2)
    ]


def test_before_a_test_can_be_hoped_to_pass_the_trend_is_carried_on_to_the_target() -> None:
    halving_each_100_labels = records((100, 0.24, 0, None), (200, 0.12, 0, None), (300, 0.06, 0, None))
    told = forecast(halving_each_100_labels, 5000, 0.03)
    assert told is not None
    assert (told.human_labels, told.expected_auto_labels) == (100, 4900)
    assert "6.0% wrong" in told.explanation
    assert "a test of 3.0%" in told.explanation
    assert "about 100 labels more" in told.explanation


def test_a_model_that_does_not_learn_leaves_all_to_people() -> None:
    for rounds in (((100, 0.2), (200, 0.2)), ((100, 0.1), (200, 0.2)), ((100, 0.2), (100, 0.2))):
        told = forecast(records(*((labels, error, 0, None) for labels, error in rounds)), 50, 0.03)
        assert told is not None
        assert (told.human_labels, told.expected_auto_labels) == (50, 0)


def test_a_model_that_can_be_tested_needs_the_draws_and_what_it_leaves() -> None:
    told = forecast(records((100, 0.04, 300, 200.0)), 5000, 0.05)
    assert told is not None
    assert (told.human_labels, told.expected_auto_labels) == (500, 4500)
    assert "draw about 200 objects, and people would label the 300 it leaves" in told.explanation


@pytest.mark.parametrize(("draws", "verdict"), [(110.0, "save about 50"), (170.0, "cost about 10")])
def test_the_trend_says_whether_a_batch_more_pays(draws: float, verdict: str) -> None:
    told = forecast(records((100, 0.04, 300, 200.0), (200, 0.03, 240, draws), batch=100), 5000, 0.05)
    assert told is not None
    # From 500 to `draws` + 240: a gain is what that falls by more than the 100 labels it took.
    assert f"training on 100 labels more would {verdict} labels in all" in told.explanation


def test_what_a_certificate_leaves_is_for_people() -> None:
    (tested,) = records((100, 0.04, 300, 200.0))
    certificate = Certificate(
        promise="error among the auto-labels <= 0.05, 90% confidence",
        threshold=0.4,
        target_error=0.05,
        confidence=0.9,
        level=0.06,
        error_bound=0.04,
        error_estimate=0.01,
        coverage=0.9,
        auto_labels=9000,
        validation_objects=200,
        validation_errors=2,
    )
    certified = tested.model_copy(update={"certificate": certificate})
    later = RoundRecord(round=3, trained=False, counts=counts_of(200))
    told = forecast([certified, later], 300, 0.05)
    assert told is not None
    assert (told.human_labels, told.expected_auto_labels) == (300, 0)


def test_nothing_is_foretold_without_a_trend_or_without_open_objects() -> None:
    assert forecast(records((100, 0.1, 0, None)), 50, 0.05) is None
    assert forecast(records((100, 0.1, 0, None), (200, 0.05, 0, None)), 0, 0.05) is None
    assert forecast([RoundRecord(round=1, trained=False, counts=counts_of(100))], 5, 0.05) is None

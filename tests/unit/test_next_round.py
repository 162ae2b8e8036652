from typing import Any

from labelloop.core.next_round import forecast


def records(*rounds: tuple[int, float], allowed: float = 0.03) -> list[dict[str, Any]]:
    return [
        {
            "round": number,
            "expected_error": error,
            "allowed_error": allowed,
            "counts": {"human": labels, "validation": 0},
        }
        for number, (labels, error) in enumerate(rounds, 2)
    ]


def test_the_trend_is_carried_on_to_what_a_test_allows() -> None:
    halving_each_100_labels = records((100, 0.24), (200, 0.12), (300, 0.06))
    told = forecast(halving_each_100_labels, 5000)
    assert told is not None
    assert (told.human_labels, told.expected_auto_labels) == (100, 4900)
    assert "6.0% wrong in round 4" in told.explanation
    assert "allows 3.0%" in told.explanation


def test_a_model_that_does_not_learn_leaves_all_to_people() -> None:
    for rounds in (((100, 0.2), (200, 0.2)), ((100, 0.1), (200, 0.2)), ((100, 0.2), (100, 0.2))):
        told = forecast(records(*rounds), 50)
        assert told is not None
        assert (told.human_labels, told.expected_auto_labels) == (50, 0)


def test_a_model_that_expects_to_pass_needs_no_more_labels() -> None:
    told = forecast(records((100, 0.1), (200, 0.02)), 50)
    assert told is not None
    assert (told.human_labels, told.expected_auto_labels) == (0, 50)


def test_nothing_is_foretold_without_a_trend_or_without_open_objects() -> None:
    assert forecast(records((100, 0.1)), 50) is None
    assert forecast(records((100, 0.1), (200, 0.05)), 0) is None
    assert forecast([{"round": 1, "expected_error": None, "counts": {}}], 5) is None


def test_a_validation_set_that_can_certify_nothing_is_said_to_be_too_small() -> None:
    told = forecast(records((100, 0.1), (200, 0.05), allowed=0.0), 50)
    assert told is not None
    assert "too small" in told.explanation

import numpy as np
import pytest

from labelloop.core.looks import DOUBT_AFTER_FAILURE, HOPELESS, Looks, is_due, level


def test_all_tests_together_take_what_the_confidence_leaves() -> None:
    for last_test in range(12):
        looks, spent = Looks(), 0.0
        for _ in range(last_test):
            spent += level(looks, 0.9)
            looks = looks.tested(100, 50)
        spent += level(looks, 0.9, last=True)
        assert spent == pytest.approx(0.1)
        assert level(looks.tested(100, 50, last=True), 0.9, last=True) == 0, (
            "a failed last test leaves nothing"
        )


def test_later_tests_are_given_less_but_never_nothing() -> None:
    looks, levels = Looks(), []
    for _ in range(20):
        levels.append(level(looks, 0.9))
        looks = looks.tested(100, 50)
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 0


def test_a_test_is_due_when_the_model_expects_to_pass() -> None:
    assert is_due(Looks(human_labels=1000), 1000, expected_errors=9.0, errors_allowed=10)
    assert not is_due(Looks(human_labels=1000), 1000, expected_errors=11.0, errors_allowed=10)
    assert not is_due(Looks(human_labels=1000), 9000, expected_errors=0.0, errors_allowed=-1)


def test_a_second_test_waits_for_more_labels() -> None:
    assert not is_due(Looks(tests=1, human_labels=1000), 1149, expected_errors=0.0, errors_allowed=10)
    assert is_due(Looks(tests=1, human_labels=1000), 1150, expected_errors=0.0, errors_allowed=10)


def test_a_modest_model_is_tested_after_a_while_a_hopeless_one_is_not() -> None:
    assert is_due(Looks(human_labels=1000), 1500, expected_errors=14.0, errors_allowed=10)
    assert not is_due(Looks(human_labels=1000), 1499, expected_errors=14.0, errors_allowed=10)
    assert not is_due(Looks(human_labels=1000), 9000, expected_errors=HOPELESS * 10 + 1, errors_allowed=10)


def test_overconfidence_is_learned_from_what_people_answer() -> None:
    fair = Looks().learned(np.full(100, 0.9), np.arange(100) < 10)
    assert fair.overconfidence == pytest.approx(1.0)
    boastful = Looks().learned(np.full(100, 0.99), np.arange(100) < 20)
    assert boastful.overconfidence > 4
    assert boastful.learned(np.full(100, 0.9), np.arange(100) < 10).overconfidence < 2.5
    assert Looks(tests=2).overconfidence == pytest.approx(DOUBT_AFTER_FAILURE**2), "failed tests add doubt"
    assert Looks().learned(np.empty(0), np.empty(0, bool)).overconfidence == 1.0

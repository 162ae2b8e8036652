from typing import Any

import numpy as np
import pytest

from labelloop.core.looks import HOPELESS, Looks, error_after, level, may_be_modest, may_test_again


def test_all_tests_together_take_what_the_confidence_leaves() -> None:
    for last_test in range(12):
        looks, spent = Looks(), 0.0
        for _ in range(last_test):
            spent += level(looks, 0.9)
            looks = looks.tested(100)
        spent += level(looks, 0.9, last=True)
        assert spent == pytest.approx(0.1)
        failed = looks.tested(100, last=True)
        assert level(failed, 0.9, last=True) == 0, "a failed last test leaves nothing"


def test_later_tests_are_given_less_but_never_nothing() -> None:
    looks, levels = Looks(), []
    for _ in range(20):
        levels.append(level(looks, 0.9))
        looks = looks.tested(100)
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 0


def test_a_second_test_waits_for_more_labels() -> None:
    assert may_test_again(Looks(), 10)
    assert not may_test_again(Looks(tests=1, human_labels=1000), 1199)
    assert may_test_again(Looks(tests=1, human_labels=1000), 1200)


def test_a_modest_model_is_tested_after_a_while_a_hopeless_one_is_not() -> None:
    looks = Looks(human_labels=1000)
    assert may_be_modest(looks, 1500, 0.1, target_error=0.05)
    assert not may_be_modest(looks, 1499, 0.1, target_error=0.05)
    assert not may_be_modest(looks, 9000, HOPELESS * 0.05 + 0.01, target_error=0.05)


def test_another_batch_takes_errors_away_the_less_the_more_labels_there_are() -> None:
    assert 0 < error_after(1000, 1000) < error_after(1000, 100) < error_after(5000, 100) < 1
    assert error_after(1000, 0) == 1


def learned(confidence: Any, wrong: Any, sure: Any = False) -> Looks:
    return Looks().learned(confidence, wrong, np.broadcast_to(np.asarray(sure), wrong.shape))


def test_overconfidence_is_learned_from_what_people_answer() -> None:
    fair = learned(np.full(100, 0.9), np.arange(100) < 10)
    assert fair.overconfidence == pytest.approx(1.0)
    boastful = learned(np.full(1000, 0.99), np.arange(1000) < 200)
    assert boastful.overconfidence > 4
    modest = learned(np.full(1000, 0.8), np.arange(1000) < 2)
    assert modest.overconfidence < 0.3


def test_a_few_answers_change_little_least_of_all_to_the_better() -> None:
    worse = learned(np.full(20, 0.97), np.arange(20) < 2)
    assert 1 < worse.overconfidence < 1.3
    better = learned(np.full(100, 0.97), np.zeros(100, bool))
    assert 0.8 < better.overconfidence < 1


def test_where_people_contradict_even_what_the_model_is_surest_of_they_probably_err() -> None:
    confidence, sure = np.tile([0.99, 0.9], 500), np.tile([True, False], 500)
    wrong = np.arange(1000) % 20 < 2  # a tenth of either half
    looks = learned(confidence, wrong, sure)
    assert looks.mistakes == pytest.approx(0.082, abs=0.01)
    assert looks.overconfidence < learned(confidence, wrong, sure=False).overconfidence
    honest = learned(confidence, np.arange(1000) % 200 < 2, sure)
    assert honest.mistakes == pytest.approx(0, abs=0.001)


def test_a_failed_test_corrects_the_probabilities_themselves() -> None:
    """A model that is wrong where it is surest: a factor on next to nothing would not show it."""
    confidence = np.repeat([0.9999, 0.8], 200)
    wrong = np.concatenate([np.arange(200) < 20, np.arange(200) < 40])
    looks = learned(confidence, wrong, sure=confidence > 0.9)
    assert looks.mistakes > 0.05
    looks = looks.failed(confidence, wrong)
    assert looks.overconfidence == 1.0, "or it would count twice"
    assert looks.mistakes == 0, "people were asked again in the test: it was the model"
    assert looks.reliability.uncertainty(np.array([0.9999]))[0] > 0.01

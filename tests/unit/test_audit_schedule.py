from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.certificate.audit_schedule import (
    AuditSchedule,
    error_after,
    level,
    may_be_modest,
    may_test_again,
)
from labelloop.core.certificate.tuning import DEFAULT

SHARES = st.floats(0.01, 0.99)


@given(st.lists(SHARES, max_size=12))
def test_all_tests_together_take_what_the_confidence_leaves(shares: list[float]) -> None:
    schedule, spent = AuditSchedule(), 0.0
    for share in shares:
        spent += level(schedule, 0.9, share)
        schedule = schedule.tested(100, share)
    spent += level(schedule, 0.9, 1.0)
    assert spent == pytest.approx(0.1)
    failed = schedule.tested(100, 1.0)
    assert level(failed, 0.9, 1.0) == 0, "a failed last test leaves nothing"


@given(SHARES)
def test_later_tests_are_given_less_but_never_nothing(share: float) -> None:
    schedule, levels = AuditSchedule(), []
    for _ in range(20):
        levels.append(level(schedule, 0.9, share))
        schedule = schedule.tested(100, share)
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 0


def test_a_second_test_waits_for_more_labels() -> None:
    assert may_test_again(AuditSchedule(), 10)
    assert not may_test_again(AuditSchedule(tests=1, human_labels=1000), 1199)
    assert may_test_again(AuditSchedule(tests=1, human_labels=1000), 1200)


def test_a_modest_model_is_tested_after_a_while_a_hopeless_one_is_not() -> None:
    schedule = AuditSchedule(human_labels=1000)
    assert may_be_modest(schedule, 1500, 0.1, target_error=0.05)
    assert not may_be_modest(schedule, 1499, 0.1, target_error=0.05)
    assert not may_be_modest(schedule, 9000, DEFAULT.timing.hopeless_error * 0.05 + 0.01, target_error=0.05)


def test_another_batch_takes_errors_away_the_less_the_more_labels_there_are() -> None:
    assert 0 < error_after(1000, 1000) < error_after(1000, 100) < error_after(5000, 100) < 1
    assert error_after(1000, 0) == 1


def test_a_model_that_learned_from_hard_labels_doubts_too_much_of_the_rest() -> None:
    pool, hard = np.full(900, 0.9, np.float32), np.full(100, 0.4, np.float32)
    drawn_at_random = AuditSchedule().with_labels(100, pool)
    assert drawn_at_random.excess_doubt(pool) == 1, "they are like the pool"
    chosen = drawn_at_random.asked(hard)
    assert chosen.learned_from == 200
    known = 200 / (200 + DEFAULT.belief.prior_labels)
    assert chosen.excess_doubt(pool) == pytest.approx(3.5 ** (known * DEFAULT.belief.excess_doubt))
    assert chosen.with_labels(200, pool) == chosen, "all of them were counted already"
    assert chosen.asked(hard).excess_doubt(pool) > chosen.excess_doubt(pool)
    assert chosen.excess_doubt(np.full(900, 0.2, np.float32)) == 1, "a pool that is harder still"


def test_after_a_failed_test_its_draws_say_how_far_doubt_is_too_large() -> None:
    pool, nobody = np.full(900, 0.9, np.float32), np.zeros(50, bool)
    chosen = AuditSchedule().with_labels(100, pool).asked(np.full(100, 0.4, np.float32))
    failed = chosen.failed(np.full(50, 0.9), np.arange(50) < 10, nobody)
    assert failed.excess_doubt(pool) == 1


def learned(
    confidence: Any, wrong: Any, mistaken: Any = False, schedule: AuditSchedule | None = None
) -> AuditSchedule:
    return (schedule or AuditSchedule()).learned(
        confidence, wrong, np.broadcast_to(np.asarray(mistaken), wrong.shape)
    )


def test_overconfidence_is_learned_from_what_people_answer() -> None:
    fair = learned(np.full(100, 0.9), np.arange(100) < 10)
    assert fair.overconfidence() == pytest.approx(1.0)
    boastful = learned(np.full(1000, 0.99), np.arange(1000) < 200)
    assert boastful.overconfidence() > 4
    modest = learned(np.full(1000, 0.8), np.arange(1000) < 2)
    assert modest.overconfidence() < 0.3


def test_a_few_answers_change_little_least_of_all_to_the_better() -> None:
    worse = learned(np.full(20, 0.97), np.arange(20) < 2)
    assert 1 < worse.overconfidence() < 1.3
    better = learned(np.full(40, 0.97), np.zeros(40, bool))
    assert 0.8 < better.overconfidence() < 1


def test_a_round_without_random_answers_forgets_nothing() -> None:
    schedule = learned(np.full(100, 0.9), np.arange(100) < 10)
    assert learned(np.empty(0), np.empty(0, bool), schedule=schedule) == schedule


def test_what_people_err_is_told_from_what_the_model_does() -> None:
    """A calibrated model that learned from labels a tenth of which is wrong doubts all a tenth more."""
    errors = np.repeat([0.0, 0.02, 0.3], 400)
    confidence = 1 - (0.1 + 0.9 * errors)
    mistaken = np.arange(1200) % 10 == 0
    schedule = learned(confidence, np.zeros(1200, bool), mistaken)
    assert schedule.mistakes() == pytest.approx(0.1, abs=0.002)
    assert schedule.own_uncertainty(confidence[[400, 800]]) == pytest.approx([0.02, 0.3], abs=0.005)
    assert learned(confidence, mistaken).mistakes() == 0, "the model was wrong, as others say too"


def test_a_little_doubt_is_the_models_own_whatever_people_do() -> None:
    schedule = learned(np.full(1000, 0.9), np.zeros(1000, bool), np.arange(1000) % 5 == 0)
    assert schedule.own_uncertainty(np.array([0.85, 0.95, 0.9995])) == pytest.approx([0.01, 0.01, 0.0005])


def test_a_few_mistakes_say_little_and_no_number_of_them_says_all() -> None:
    assert learned(np.full(2, 0.9), np.zeros(2, bool), np.ones(2, bool)).mistakes() < 0.1
    assert learned(np.full(500, 0.9), np.zeros(500, bool), np.ones(500, bool)).mistakes() == 0.5


def test_a_failed_test_corrects_the_probabilities_themselves() -> None:
    """A model that is wrong where it is surest: a factor on next to nothing would not show it."""
    confidence = np.repeat([0.9999, 0.8], 200)
    wrong = np.concatenate([np.arange(200) < 20, np.arange(200) < 40])
    schedule = learned(confidence, wrong)
    schedule = schedule.failed(confidence, wrong, ~wrong & (np.arange(400) % 10 == 0))
    assert schedule.overconfidence() == 1.0, "or it would count twice"
    assert schedule.mistakes() > 0.03, "a test tells how often people err, too"
    assert schedule.uncertainty(np.array([0.9999]))[0] > 0.01


def test_doubt_is_borne_out_by_errors_and_by_a_test() -> None:
    confidence = np.full(200, 0.8)
    assert AuditSchedule().confirmed_doubt() == 0
    assert learned(confidence, np.arange(200) < 2).confirmed_doubt() < 0.1
    honest = learned(confidence, np.arange(200) < 40)
    assert 0.9 < honest.confirmed_doubt() < 1
    assert AuditSchedule().failed(confidence, np.arange(200) < 40, np.zeros(200, bool)).confirmed_doubt() == 1

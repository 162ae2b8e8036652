import numpy as np
import pytest
from scipy import stats

from labelloop.core.certificate import (
    Certificate,
    Promise,
    certify,
    fewest_validation_objects,
    most_errors_allowed,
    upper_error_bound,
)

PROMISE = Promise(target_error=0.05, confidence=0.9, level=0.1)


def all_right(size: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(size, bool)


def test_the_test_is_exact_for_a_finite_population() -> None:
    # 40 of 400 sampled; were 19 (> 5 %) of the 360 others wrong, this is how likely so few in the sample are.
    allowed = most_errors_allowed(40, 360, 0.05, 0.1)
    chance = [stats.hypergeom.cdf(wrong, 400, wrong + 19, 40) for wrong in (allowed, allowed + 1)]
    assert chance[0] <= 0.1 < chance[1]


def test_a_share_that_is_a_whole_number_of_objects_is_not_lost_to_rounding() -> None:
    """0.05 * 20 floats above 1: with one wrong of 20 the target is met, so two must be ruled out, not one."""
    assert most_errors_allowed(20, 20, 0.05, stats.hypergeom.cdf(0, 40, 2, 20) + 1e-9) == 0
    assert most_errors_allowed(20, 20, 0.05, stats.hypergeom.cdf(0, 40, 2, 20) - 1e-9) == -1


def test_in_a_large_pool_the_test_is_the_binomial_one() -> None:
    for sampled in (60, 200, 500):
        allowed = most_errors_allowed(sampled, 10_000_000, 0.05, 0.1)
        assert stats.binom.cdf(allowed, sampled, 0.05) <= 0.1 < stats.binom.cdf(allowed + 1, sampled, 0.05)


def test_the_bound_is_the_smallest_target_the_test_would_pass() -> None:
    bound = upper_error_bound(3, 100, 900, 0.1)
    assert most_errors_allowed(100, 900, bound, 0.1) >= 3
    assert most_errors_allowed(100, 900, bound - 1 / 900, 0.1) < 3
    assert upper_error_bound(0, 0, 900, 0.1) == 1.0
    assert upper_error_bound(100, 100, 900, 0.1) == 1.0


def test_the_fewest_objects_that_can_certify() -> None:
    assert fewest_validation_objects(0.05, 0.1) == 45
    pool = np.linspace(0.5, 1, 1_000_000)
    for size, certified in ((45, True), (44, False)):
        certificate = certify(pool, np.full(size, 0.9), all_right(size), PROMISE, 1)
        few = certify(pool, np.full(size, 1.0), all_right(size), PROMISE, 1_000_000)
        assert (few is not None) is certified
        assert certificate is None, "the first threshold tested lies above every validation object"


def test_a_small_pool_takes_fewer_objects_than_a_large_one() -> None:
    assert most_errors_allowed(44, 20, 0.05, 0.1) >= 0
    assert most_errors_allowed(44, 10_000, 0.05, 0.1) == -1


def certified(wrong: list[int], first: int = 80) -> Certificate | None:
    """100 pool objects and 100 validation objects of the same scores 1..100, these ones wrong."""
    scores = np.arange(1.0, 101)
    return certify(scores, scores, ~np.isin(scores, wrong), Promise(0.2, 0.9, 0.1), first)


def test_a_perfect_model_is_certified_for_all_and_a_useless_one_for_nothing() -> None:
    certificate = certified([])
    assert certificate is not None
    assert (certificate.coverage, certificate.threshold, certificate.auto_labels) == (1.0, 1.0, 100)
    assert certified(list(range(1, 101))) is None
    assert certify(np.empty(0), np.empty(0), np.empty(0, bool), PROMISE, 1) is None
    assert certify(np.ones(9), np.empty(0), np.empty(0, bool), PROMISE, 1) is None


def test_testing_ends_at_the_first_threshold_that_fails() -> None:
    certificate = certified(list(range(1, 11)) + list(range(11, 19)))
    assert certificate is not None
    assert 80 <= certificate.auto_labels < 100
    below = 101 - certificate.auto_labels - 1
    wrong = sum(1 for score in range(1, 19) if score >= below)
    assert wrong > most_errors_allowed(101 - below, 101 - below, 0.2, 0.1)


def test_what_comes_before_the_first_threshold_is_not_tested() -> None:
    """Errors among the best cannot be passed over by a later, larger threshold that would pass."""
    assert certified([100, 99, 98, 97], first=5) is None
    assert certified([100, 99, 98, 97], first=60) is not None


def test_equal_scores_are_certified_together() -> None:
    pool = np.repeat([0.9, 0.5], [85, 15])
    validation, right = np.repeat([0.9, 0.5], [170, 30]), np.repeat([True, False], [170, 30])
    certificate = certify(pool, validation, right, PROMISE, 80)
    assert certificate is not None
    assert (certificate.threshold, certificate.auto_labels) == (0.9, 85)


@pytest.mark.parametrize("slope", [0.06, 0.1, 0.2])
def test_the_promise_is_kept_in_at_least_the_stated_share_of_trials(slope: float) -> None:
    """One test: P(more than 5 % of the objects above the threshold are wrong) <= 10 %."""
    trials, broken = 600, 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        scores = rng.random(700)
        wrong = rng.random(700) < slope * (1 - scores) * 2
        validation, pool = np.arange(250), np.arange(250, 700)
        certificate = certify(scores[pool], scores[validation], ~wrong[validation], PROMISE, 360)
        if certificate is not None:
            broken += wrong[pool][scores[pool] >= certificate.threshold].mean() > 0.05
    # 10 % of the trials, with three standard deviations for the luck of the draw.
    assert broken <= trials * 0.1 + 3 * np.sqrt(trials * 0.1 * 0.9)

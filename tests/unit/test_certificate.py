import numpy as np
import pytest
from scipy import stats

from labelloop.core.certificate import certify, fewest_validation_objects, upper_error_bound


def test_the_bound_is_clopper_and_pearsons() -> None:
    # Exact values: 1 - confidence = P(Binomial(n, bound) <= errors).
    for errors, objects in [(0, 45), (3, 200), (24, 640)]:
        bound = upper_error_bound(errors, objects, 0.9)
        assert stats.binom.cdf(errors, objects, bound) == pytest.approx(0.1)
    assert upper_error_bound(0, 100, 0.95) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert upper_error_bound(5, 5, 0.9) == 1.0


def test_the_fewest_objects_that_can_certify() -> None:
    assert fewest_validation_objects(0.05, 0.9) == 45
    scores, right = np.linspace(0.5, 1, 45), np.ones(45, bool)
    assert certify(scores, right, 0.05, 0.9) is not None
    assert certify(scores[:44], right[:44], 0.05, 0.9) is None


def test_a_perfect_model_is_certified_for_all_and_a_useless_one_for_nothing() -> None:
    scores = np.linspace(0, 1, 500)
    certificate = certify(scores, np.ones(500, bool), 0.05, 0.9)
    assert certificate is not None
    assert certificate.coverage == 1.0
    assert certificate.threshold == 0.0
    assert certify(scores, np.zeros(500, bool), 0.05, 0.9) is None
    assert certify(np.empty(0), np.empty(0, bool), 0.05, 0.9) is None


def test_the_certified_bound_is_at_most_the_target() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(800)
    certificate = certify(scores, rng.random(800) < 0.9 + 0.1 * scores, 0.08, 0.9)
    assert certificate is not None
    assert certificate.error_bound <= 0.08
    assert certificate.validation_objects == (scores >= certificate.threshold).sum()


def test_equal_scores_are_certified_together_or_not_at_all() -> None:
    scores = np.repeat([0.9, 0.5], [450, 150])
    right = np.repeat([True, False], [450, 150])
    assert certify(scores, right, 0.05, 0.9) is None, "the 80 % threshold falls among the equal, wrong ones"
    certificate = certify(np.repeat([0.9, 0.5], [590, 10]), np.repeat([True, False], [590, 10]), 0.05, 0.9)
    assert certificate is not None
    assert certificate.threshold in (0.9, 0.5)


@pytest.mark.parametrize("slope", [0.04, 0.1, 0.2])
def test_the_promise_is_kept_in_at_least_the_stated_share_of_trials(slope: float) -> None:
    """At one look: P(true error above the threshold > target) <= 10 %."""
    trials, broken = 400, 0
    grid = np.linspace(0, 1, 2001)
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        scores = rng.random(300)
        certificate = certify(scores, rng.random(300) >= slope * (1 - scores) * 2, 0.05, 0.9)
        if certificate is not None:
            above = grid[grid >= certificate.threshold]
            broken += (slope * (1 - above) * 2).mean() > 0.05
    # 10 % of 400 trials, with three standard deviations for the luck of the draw.
    assert broken <= 40 + 3 * np.sqrt(400 * 0.1 * 0.9)

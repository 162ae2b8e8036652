"""Our few pieces of numerical analysis give what SciPy's do."""

import numpy as np
import pytest
from scipy import optimize, special

from labelloop.core.certificate.inverse_probability import inclusion_chances
from labelloop.core.numerics import beta_quantile, log_odds_of, logistic, normal_quantile


@pytest.mark.parametrize("chance", [0.001, 0.05, 0.5, 0.95])
@pytest.mark.parametrize("objects", [1, 7, 50, 3_000, 100_000])
def test_the_beta_quantile_is_scipys(objects: int, chance: float) -> None:
    right = np.unique(np.linspace(1, objects, 40).round())
    found = beta_quantile(right, objects - right + 1, chance)
    assert found == pytest.approx(special.betaincinv(right, objects - right + 1, chance), rel=1e-8)


def test_log_odds_and_the_normal_quantile_are_scipys() -> None:
    odds = np.linspace(-30, 30, 201)
    assert logistic(odds) == pytest.approx(special.expit(odds), rel=1e-12)
    chances = np.linspace(0.001, 0.999, 201)
    assert log_odds_of(chances) == pytest.approx(special.logit(chances), abs=1e-12)
    assert [normal_quantile(each) for each in chances.tolist()] == pytest.approx(special.ndtri(chances))


@pytest.mark.parametrize("drawn", [1, 20, 999])
def test_inclusion_chances_have_the_threshold_brent_finds(drawn: int) -> None:
    weight = 0.3 + 0.7 * np.random.default_rng(0).exponential(size=1000)
    found = optimize.brentq(lambda key: float(-np.expm1(-weight * key).sum()) - drawn, 0, 8 / weight.min())
    assert inclusion_chances(weight, drawn) == pytest.approx(-np.expm1(-weight * found))

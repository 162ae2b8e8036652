"""The little numerical analysis that the steps need: SciPy would add 105 MB to their image."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# After this many halvings, rounding can no longer tell the numbers in an interval of doubles apart.
_HALVINGS = 64
_TINY = 1e-300
# Distance of a factor from 1: rounding keeps it above a few times 1e-16.
_CLOSE = 1e-14
_LOG_GAMMA = np.vectorize(math.lgamma, otypes=[np.float64])


def logistic(log_odds: npt.NDArray[np.floating]) -> Floats:
    """The probabilities with these log odds; any shape."""
    return np.asarray(np.exp(-np.logaddexp(0, -log_odds)), np.float64)


def log_odds_of(chance: npt.NDArray[np.floating]) -> Floats:
    """The log odds of probabilities above 0 and below 1; any shape."""
    return np.asarray(np.log(chance) - np.log1p(-chance), np.float64)


def normal_quantile(chance: float) -> float:
    """The quantile of the standard normal distribution; the probability is above 0 and below 1."""
    return NormalDist().inv_cdf(chance)


def zero_of(rising: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where an increasing function crosses 0, element by element, by bisection; all of one shape.

    If it does not cross 0 between `low` and `high`, the end nearer to the crossing.
    """
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = rising(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2, np.float64)


def beta_quantile(first: Floats, second: Floats, chance: float) -> Floats:
    """The quantile of a beta distribution; parameters above 0, of one shape."""
    ends = np.zeros(first.shape), np.ones(first.shape)
    return zero_of(lambda number: beta_distribution(first, second, number) - chance, *ends)


def beta_distribution(first: Floats, second: Floats, number: Floats) -> Floats:
    """The probability that a beta distributed number is smaller; all of one shape.

    This is the regularized incomplete beta function. It uses the continued fraction DLMF 8.17.22, from the
    side where that converges fast.
    """
    swapped = number > (first + 1) / (first + second + 2)
    a, b = np.where(swapped, second, first), np.where(swapped, first, second)
    x = np.where(swapped, 1 - number, number)
    with np.errstate(divide="ignore"):
        powers = a * np.log(x) + b * np.log1p(-x)
    front = np.exp(powers + _LOG_GAMMA(a + b) - _LOG_GAMMA(a) - _LOG_GAMMA(b)) / a
    part = front * _continued_fraction(a, b, x)
    return np.asarray(np.where(swapped, 1 - part, part), np.float64)


def _continued_fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """By Lentz's method, until no element changes."""
    above, below = np.ones(x.shape), 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value, number = below, 0
    change = np.full(x.shape, np.inf)
    while np.any(np.abs(change - 1) > _CLOSE):
        number += 1
        even = number * (b - number) * x / ((a + 2 * number - 1) * (a + 2 * number))
        odd = -(a + number) * (a + b + number) * x / ((a + 2 * number) * (a + 2 * number + 1))
        for term in (even, odd):
            below = 1 / _not_zero(1 + term * below)
            above = _not_zero(1 + term / above)
            change = above * below
            value = value * change
    return value


def _not_zero(number: Floats) -> Floats:
    return np.where(np.abs(number) < _TINY, _TINY, number)

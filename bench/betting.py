"""Betting against the claim that too much is wrong (Waudby-Smith & Ramdas 2024, arXiv 2010.09686).

A claim says what the mean of the draws is at least. Money is put on its being less. If the claim holds, the
money reaches 1 / level with a chance of at most `level`, at whatever time one looks (Ville's inequality).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

# No draw takes more than this part of the money.
_MOST_AT_STAKE = 0.75


def best_log_wealth(wrong: Mask, claimed: Floats, counted: Mask, level: float) -> Floats:
    """The logarithm of the most money there was, for each claim; shape (claims,).

    All arguments have a row for each draw, in order, and a column for each claim: whether the draw was wrong,
    what mean is claimed of it, and whether it counts. The stakes follow the variance up to the draw.
    """
    losses = (wrong & counted).astype(float)
    seen = counted.cumsum(axis=0)
    mean = (0.5 + losses.cumsum(axis=0)) / (1 + seen)
    deviations = np.where(counted, (losses - mean) ** 2, 0)
    variance = _before((0.25 + deviations.cumsum(axis=0)) / (1 + seen), 0.25)
    stakes = np.sqrt(2 * np.log(2 / level) / (np.maximum(seen[-1], 1) * variance))
    stakes = np.minimum(stakes, _MOST_AT_STAKE / np.maximum(1 - claimed, 1e-9))
    growth = np.where(counted, np.log1p(-stakes * (losses - claimed)), 0)
    return np.asarray(growth.cumsum(axis=0).max(axis=0))


def refuted(wrong: Mask, claimed: Floats, counted: Mask, level: float) -> Mask:
    """Which claims are refuted at the level; shape (claims,)."""
    return np.asarray(best_log_wealth(wrong, claimed, counted, level) >= np.log(1 / level))


def claimed_of_the_rest(
    wrong: Mask, counted: Mask, objects: npt.NDArray[np.integer], claimed: npt.NDArray[np.integer]
) -> Floats:
    """The mean claimed of each draw without replacement, where at least `claimed` of `objects` are wrong.

    What was drawn before is taken off both. A claim that has come true is left with a mean of 0.
    """
    found = _before((wrong & counted).cumsum(axis=0), 0)
    drawn = _before(counted.cumsum(axis=0), 0)
    return np.clip((claimed - found) / np.maximum(objects - drawn, 1), 0, 1)


def _before(values: Floats, first: float) -> Floats:
    """What was known before each draw."""
    return np.concatenate([np.full((1, values.shape[1]), first), values[:-1]])

"""A learning curve through a few points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

FEWEST_FOR_A_LAW = 4  # three parameters, and one point that may contradict them
_DECAYS = np.linspace(0.05, 2.0, 79)


@dataclass(frozen=True)
class InversePowerLaw:
    """accuracy = limit - factor * labels ** -decay"""

    limit: float
    factor: float
    decay: float

    def at(self, labels: float) -> float:
        return float(np.clip(self.limit - self.factor * labels**-self.decay, 0, 1))


def fit_inverse_power_law(
    labels: Sequence[float], accuracies: Sequence[float], weights: Sequence[float]
) -> InversePowerLaw | None:
    """Weighted least squares fit of a learning curve (Figueroa et al., 2012), with 0 < limit <= 1.

    None when there are fewer than FEWEST_FOR_A_LAW different numbers of labels, or accuracy does not rise.
    """
    if len(set(labels)) < FEWEST_FOR_A_LAW:
        return None
    x, y, w = (np.asarray(values, np.float64) for values in (labels, accuracies, weights))
    laws = [law for decay in _DECAYS.tolist() if (law := _law_with_decay(x, y, w, decay)) is not None]
    return min(laws, key=lambda law: _misfit(law, x, y, w), default=None)


def _law_with_decay(x: Floats, y: Floats, w: Floats, decay: float) -> InversePowerLaw | None:
    fallen = x**-decay
    mean_fallen, mean_y = np.average(fallen, weights=w), np.average(y, weights=w)
    slope = np.sum(w * (fallen - mean_fallen) * (y - mean_y)) / np.sum(w * (fallen - mean_fallen) ** 2)
    limit = mean_y - slope * mean_fallen
    if limit > 1:
        limit = 1.0
        slope = -np.sum(w * fallen * (1 - y)) / np.sum(w * fallen**2)
    return InversePowerLaw(float(limit), float(-slope), decay) if slope < 0 < limit else None


def _misfit(law: InversePowerLaw, x: Floats, y: Floats, w: Floats) -> float:
    return float(np.sum(w * (law.limit - law.factor * x**-law.decay - y) ** 2))

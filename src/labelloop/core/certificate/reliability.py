"""How far a model's probabilities can be believed, by people's answers about objects it had predicted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.tuning import DEFAULT, Belief, Tuning
from labelloop.core.numerics import log_odds_of, logistic

Floats = npt.NDArray[np.floating]

# Mathematics, not tuned: answers are counted in bins between these log odds of the confidence. Counts are
# persisted, so the edges are fixed.
_EDGES = np.array([-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0])
_BINS = len(_EDGES) + 1
# Confidence is taken to lie between these, so that its log odds are finite.
_LEAST, _MOST = 1e-6, 1 - 1e-6
# The fit usually takes a handful of steps.
_MOST_STEPS, _LEAST_STEP = 100, 1e-9


@dataclass(frozen=True)
class Reliability:
    """By bins of confidence: answers, how many contradicted the model, and the sum of the log odds."""

    answers: tuple[float, ...] = (0.0,) * _BINS
    wrong: tuple[float, ...] = (0.0,) * _BINS
    log_odds: tuple[float, ...] = (0.0,) * _BINS

    def learned(
        self, confidence: Floats, wrong: npt.NDArray[np.bool_], *, tuning: Tuning = DEFAULT
    ) -> "Reliability":
        """After people answered about objects that the model had given this confidence; shapes (objects,)."""
        memory = tuning.belief.memory_of_tests
        odds = _log_odds(confidence)
        bins = np.searchsorted(_EDGES, odds, side="right")
        found = (np.ones(len(odds)), wrong.astype(float), odds)
        earlier = (self.answers, self.wrong, self.log_odds)
        return Reliability(
            *(
                tuple((memory * np.array(before) + np.bincount(bins, now, _BINS)).tolist())
                for before, now in zip(earlier, found, strict=True)
            )
        )

    def uncertainty(self, confidence: Floats, *, tuning: Tuning = DEFAULT) -> Floats:
        """The chance of objects to be wrong, given the model's confidence; shapes (objects,).

        Log odds are scaled and shifted (Platt, 1999). The prior is that the model's probabilities are right.
        """
        scale, shift = self._fit(tuning.belief)
        return logistic(-(scale * _log_odds(confidence) + shift))

    def _fit(self, belief: Belief) -> tuple[float, float]:
        answers, wrong = np.array(self.answers), np.array(self.wrong)
        filled = answers > 0
        if not filled.any():
            return 1.0, 0.0
        odds = np.array(self.log_odds)[filled] / answers[filled]
        right, wrong = (answers - wrong)[filled], wrong[filled]

        def unlikelihood(parameters: npt.NDArray[np.float64]) -> float:
            fitted = np.exp(parameters[0]) * odds + parameters[1]
            surprise = (right * np.logaddexp(0, -fitted) + wrong * np.logaddexp(0, fitted)).sum()
            return float(surprise + (precision * parameters**2).sum() / 2)

        # Newton's method (Fisher scoring); a step is halved until it helps.
        precision = np.array([belief.scale_deviation, belief.shift_deviation]) ** -2.0
        found = np.zeros(2)
        for _ in range(_MOST_STEPS):
            slopes = np.stack([np.exp(found[0]) * odds, np.ones(len(odds))])
            chance = logistic(slopes[0] + found[1])
            surplus = (right + wrong) * chance - right
            gradient = slopes @ surplus + precision * found
            information = (slopes * (right + wrong) * chance * (1 - chance)) @ slopes.T + np.diag(precision)
            # The logarithm of the scale is fitted, which adds this curvature. It is only added where it is
            # positive: otherwise the step might not lead down.
            information[0, 0] += max(0.0, float(slopes[0] @ surplus))
            step = np.linalg.solve(information, gradient)
            while np.abs(step).max() > _LEAST_STEP and unlikelihood(found - step) > unlikelihood(found):
                step = step / 2
            if np.abs(step).max() <= _LEAST_STEP:
                break
            found = found - step
        return float(np.exp(found[0])), float(found[1])


def _log_odds(confidence: Floats) -> npt.NDArray[np.float64]:
    return log_odds_of(np.clip(confidence.astype(np.float64), _LEAST, _MOST))

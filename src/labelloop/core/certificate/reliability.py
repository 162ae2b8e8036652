"""How far a model's probabilities can be believed, by what people answered where it had predicted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.numerics import log_odds_of, logistic

Floats = npt.NDArray[np.floating]

# Of the confidence, as log odds: answers are counted by bins between these.
_EDGES = np.array([-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0])
_BINS = len(_EDGES) + 1
_LEAST, _MOST = 1e-6, 1 - 1e-6
# What the answers of an earlier test still count: a model that has learned more may know itself otherwise.
_MEMORY = 0.7
# How far log odds are expected to be off: deviations of the logarithm of their scale, and of their shift.
_SCALE_DEVIATION = 0.5
_SHIFT_DEVIATION = 0.5
# Of the fit: a handful of steps is the rule.
_MOST_STEPS, _LEAST_STEP = 100, 1e-9


@dataclass(frozen=True)
class Reliability:
    """Answers, how many of them were not the model's, and their log odds in all, by bins of confidence."""

    answers: tuple[float, ...] = (0.0,) * _BINS
    wrong: tuple[float, ...] = (0.0,) * _BINS
    log_odds: tuple[float, ...] = (0.0,) * _BINS

    def learned(self, confidence: Floats, wrong: npt.NDArray[np.bool_]) -> "Reliability":
        """After people answered about objects the model had given that confidence; shapes (objects,)."""
        odds = _log_odds(confidence)
        bins = np.searchsorted(_EDGES, odds, side="right")
        found = (np.ones(len(odds)), wrong.astype(float), odds)
        earlier = (self.answers, self.wrong, self.log_odds)
        return Reliability(
            *(
                tuple((_MEMORY * np.array(before) + np.bincount(bins, now, _BINS)).tolist())
                for before, now in zip(earlier, found, strict=True)
            )
        )

    def uncertainty(self, confidence: Floats) -> Floats:
        """The chance of objects to be wrong, given the model's confidence; shapes (objects,).

        Log odds are scaled and shifted (Platt, 1999), with a prior that the model knows itself.
        """
        scale, shift = self._fit()
        return logistic(-(scale * _log_odds(confidence) + shift))

    def _fit(self) -> tuple[float, float]:
        answers, wrong = np.array(self.answers), np.array(self.wrong)
        there = answers > 0
        if not there.any():
            return 1.0, 0.0
        odds = np.array(self.log_odds)[there] / answers[there]
        right, wrong = (answers - wrong)[there], wrong[there]

        def unlikelihood(parameters: npt.NDArray[np.float64]) -> float:
            fitted = np.exp(parameters[0]) * odds + parameters[1]
            surprise = (right * np.logaddexp(0, -fitted) + wrong * np.logaddexp(0, fitted)).sum()
            return float(surprise + (precision * parameters**2).sum() / 2)

        # Newton's steps (Fisher's scoring), halved until they help.
        precision = np.array([_SCALE_DEVIATION, _SHIFT_DEVIATION]) ** -2.0
        found = np.zeros(2)
        for _ in range(_MOST_STEPS):
            slopes = np.stack([np.exp(found[0]) * odds, np.ones(len(odds))])
            chance = logistic(slopes[0] + found[1])
            surplus = (right + wrong) * chance - right
            gradient = slopes @ surplus + precision * found
            information = (slopes * (right + wrong) * chance * (1 - chance)) @ slopes.T + np.diag(precision)
            # As the scale is a power, there is more curvature; less of it would not be sure to lead down.
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

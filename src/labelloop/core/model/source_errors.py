"""How often a source of labels is wrong, by the class that it gave and how sure it said it is.

A logistic regression with a Gaussian prior, fitted by Newton's method: the log odds of an error are the
source's, plus what the class adds, plus what the confidence adds. Neighboring bins of confidence are believed
to add about the same, unless answers tell otherwise. People are mostly asked about objects that are in doubt,
so bins are not pooled: many answers about doubtful objects must not make the sure ones look worse.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.numerics import log_odds_of, logistic

Floats = npt.NDArray[np.float64]

# The error of a source before anybody has answered.
_USUAL_ERROR = 0.25
# Standard deviations of log odds: of sources, of what a class adds, and from one bin to the next.
_OF_SOURCES, _OF_CLASSES, _BETWEEN_BINS = 2.0, 2.0, 2.0
# How far a bin is from what the source does on the whole is all but unknown.
_OF_BINS = 10.0
# How many answers about objects of one class and bin the belief counts as that was held before.
_PRIOR_OF_CELL = 8.0
_LEAST_ERROR = 1e-3
_MOST_STEPS, _LEAST_STEP = 60, 1e-9


def errors_of_cells(answers: Floats, wrong: Floats) -> Floats:
    """The chance that the source is wrong, by class and bin; shape (classes, bins).

    `answers`, `wrong`: how many answers people gave, and how many of them contradict the source, of the same
    shape. The first bin has the objects whose confidence is not stated; it tells nothing about the others.
    """
    fitted = logistic(_Regression.of(answers, wrong).fitted().log_odds)
    error = (wrong + _PRIOR_OF_CELL * fitted) / (answers + _PRIOR_OF_CELL)
    return np.asarray(np.clip(error, _LEAST_ERROR, 1 - _LEAST_ERROR))


@dataclass(frozen=True)
class _Effects:
    common: Floats  # of the source, and of each bin; shape (1 + bins,)
    of_classes: Floats  # shape (classes,)

    @property
    def log_odds(self) -> Floats:
        return np.asarray(self.common[0] + np.add.outer(self.of_classes, self.common[1:]))

    @property
    def largest(self) -> float:
        return float(max(np.abs(self.common).max(), np.abs(self.of_classes).max()))

    def less(self, step: "_Effects") -> "_Effects":
        return _Effects(self.common - step.common, self.of_classes - step.of_classes)

    def halved(self) -> "_Effects":
        return _Effects(self.common / 2, self.of_classes / 2)


@dataclass(frozen=True)
class _Regression:
    answers: Floats
    wrong: Floats
    before: Floats  # the mean of the common effects, before anybody has answered
    precision: Floats  # of the common effects

    @classmethod
    def of(cls, answers: Floats, wrong: Floats) -> "_Regression":
        bins = answers.shape[1]
        before = np.zeros(1 + bins)
        before[0] = log_odds_of(np.asarray(_USUAL_ERROR))
        own = np.array([_OF_SOURCES, _OF_SOURCES, *[_OF_BINS] * (bins - 1)])
        # The bins of stated confidences are a random walk besides.
        steps = np.diff(np.eye(1 + bins)[2:], axis=0)
        return cls(answers, wrong, before, np.diag(own**-2) + steps.T @ steps * _BETWEEN_BINS**-2)

    def fitted(self) -> _Effects:
        found = _Effects(self.before, np.zeros(len(self.answers)))
        for _ in range(_MOST_STEPS):
            step, now = self._newton_step(found), self._unlikelihood(found)
            while step.largest > _LEAST_STEP and self._unlikelihood(found.less(step)) > now:
                step = step.halved()
            if step.largest <= _LEAST_STEP:
                break
            found = found.less(step)
        return found

    def _unlikelihood(self, effects: _Effects) -> float:
        log_odds, off = effects.log_odds, effects.common - self.before
        surprise = (self.answers * np.logaddexp(0, log_odds) - self.wrong * log_odds).sum()
        penalty = off @ self.precision @ off + (effects.of_classes**2).sum() * _OF_CLASSES**-2
        return float(surprise + penalty / 2)

    def _newton_step(self, effects: _Effects) -> _Effects:
        # The classes are eliminated first, each by itself: there may be tens of thousands.
        chance = logistic(effects.log_odds)
        surplus, spread = self.answers * chance - self.wrong, self.answers * chance * (1 - chance)
        of_classes = surplus.sum(axis=1) + effects.of_classes * _OF_CLASSES**-2
        gradient = np.array([surplus.sum(), *surplus.sum(axis=0)])
        gradient += self.precision @ (effects.common - self.before)
        information = np.diag([spread.sum(), *spread.sum(axis=0)])
        information[0, 1:] = information[1:, 0] = spread.sum(axis=0)
        shared = np.column_stack([spread.sum(axis=1), spread])
        own = spread.sum(axis=1) + _OF_CLASSES**-2
        weighted = shared / own[:, np.newaxis]
        common = np.linalg.solve(
            information + self.precision - shared.T @ weighted, gradient - weighted.T @ of_classes
        )
        return _Effects(common, (of_classes - shared @ common) / own)

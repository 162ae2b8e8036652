"""How often a source of labels is wrong, by the class that it gave and how sure it said it is.

A logistic regression with Gaussian priors, fitted by Newton's method: the log odds of an error are the
source's, plus what the class adds, plus what the confidence adds. They are believed to fall from one bin of
confidence to the next, on a straight line from which the bins stray little by little, unless answers tell
otherwise. People are mostly asked about objects that are in doubt, so bins are not pooled: many answers about
doubtful objects must not make the sure ones look worse. Answers about one class and bin then correct what is
fitted for these (empirical Bayes with a gamma prior; Bühlmann & Gisler, "A Course in Credibility Theory and
its Applications", 2005).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.numerics import log_odds_of, logistic

Floats = npt.NDArray[np.float64]

# The error of a source before anybody has answered.
_USUAL_ERROR = 0.25
# From the least to the most confident bin, the log odds of an error fall by this before anybody has answered.
_USUAL_FALL = 3.0
# Standard deviations of log odds: of sources, of that fall, and of what a class adds.
_OF_SOURCES, _OF_FALLS, _OF_CLASSES = 2.0, 2.0, 0.5
# How far the bins stray from the line on the way from the first to the last. How far they all are from what
# the source does on the whole is all but unknown.
_OF_STRAYING, _OF_BINS = 1.5, 10.0
# How many errors of one class and bin the belief counts as that was held before.
_PRIOR_ERRORS_OF_CELL = 3.0
_LEAST_ERROR = 1e-3
_MOST_STEPS, _LEAST_STEP = 60, 1e-9


def errors_of_cells(answers: Floats, wrong: Floats) -> Floats:
    """The chance that the source is wrong, by class and bin; shape (classes, bins).

    `answers`, `wrong`: how many answers people gave, and how many of them contradict the source, of the same
    shape. The first bin has the objects whose confidence is not stated; it tells nothing about the others.
    The others ascend.
    """
    regression = _Regression.of(answers, wrong)
    fitted = logistic(regression.log_odds(regression.fitted()))
    error = fitted * _credibility(fitted, answers, wrong)
    # A source that is mostly wrong is corrected by how often it is right.
    right = (1 - fitted) * _credibility(1 - fitted, answers, answers - wrong)
    error = np.where(fitted > 0.5, 1 - right, error)
    return np.asarray(np.clip(error, _LEAST_ERROR, 1 - _LEAST_ERROR))


def _credibility(chance: Floats, answers: Floats, happened: Floats) -> Floats:
    """How many times as often it happened as expected, as far as so few answers tell."""
    expected = answers * chance
    return np.asarray((happened + _PRIOR_ERRORS_OF_CELL) / (expected + _PRIOR_ERRORS_OF_CELL))


@dataclass(frozen=True)
class _Effects:
    common: Floats  # of the source, of the fall, and of each bin; shape (2 + bins,)
    of_classes: Floats  # shape (classes,)

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
    design: Floats  # how the common effects add up in each bin; shape (bins, 2 + bins)
    before: Floats  # the mean of the common effects, before anybody has answered
    precision: Floats  # of the common effects

    @classmethod
    def of(cls, answers: Floats, wrong: Floats) -> "_Regression":
        bins = answers.shape[1]
        stated = bins - 1
        along = np.zeros(bins)
        if stated > 1:
            along[1:] = np.linspace(-0.5, 0.5, stated)
        before = np.zeros(2 + bins)
        before[:2] = log_odds_of(np.asarray(_USUAL_ERROR)), -_USUAL_FALL
        own = np.array([_OF_SOURCES, _OF_FALLS, _OF_SOURCES, *[_OF_BINS] * stated])
        # The bins of stated confidences are a random walk besides.
        steps = np.diff(np.eye(2 + bins)[3:], axis=0)
        of_step = _OF_STRAYING / np.sqrt(max(1, stated - 1))
        return cls(
            answers,
            wrong,
            np.column_stack([np.ones(bins), along, np.eye(bins)]),
            before,
            np.diag(own**-2) + steps.T @ steps * of_step**-2,
        )

    def log_odds(self, effects: _Effects) -> Floats:
        """Of an error; shape (classes, bins)."""
        return np.asarray(np.add.outer(effects.of_classes, self.design @ effects.common))

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
        log_odds, off = self.log_odds(effects), effects.common - self.before
        surprise = (self.answers * np.logaddexp(0, log_odds) - self.wrong * log_odds).sum()
        penalty = off @ self.precision @ off + (effects.of_classes**2).sum() * _OF_CLASSES**-2
        return float(surprise + penalty / 2)

    def _newton_step(self, effects: _Effects) -> _Effects:
        # The classes are eliminated first, each by itself: there may be tens of thousands.
        chance = logistic(self.log_odds(effects))
        surplus, spread = self.answers * chance - self.wrong, self.answers * chance * (1 - chance)
        of_classes = surplus.sum(axis=1) + effects.of_classes * _OF_CLASSES**-2
        gradient = self.design.T @ surplus.sum(axis=0) + self.precision @ (effects.common - self.before)
        information = (self.design.T * spread.sum(axis=0)) @ self.design
        shared = spread @ self.design
        own = spread.sum(axis=1) + _OF_CLASSES**-2
        weighted = shared / own[:, np.newaxis]
        common = np.linalg.solve(
            information + self.precision - shared.T @ weighted, gradient - weighted.T @ of_classes
        )
        return _Effects(common, (of_classes - shared @ common) / own)

"""Models that learn in milliseconds, from features: what hundreds of whole runs can afford."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from classifier.calibration import fit_temperature, with_temperature
from classifier.label_errors import find_label_errors
from classifier.nearest_examples import better_without, choose_nearest_examples
from classifier.smoothing import Neighborhoods, choose_smoothing
from classifier.stacking import choose_stacking
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from bench.neighborhoods import InPlace
from labelloop.quick_model import Ridge
from labelloop.simulation import Labels, ModelAnswers, Predict

Matrix = npt.NDArray[np.float64]

_UNSEEN = -12.0  # logarithm
# An error the model does not know of: its answers there are this many times as sure.
_SURER = 2.0
_MUCH_SURER = 8.0
_LESS_SURE = 0.3


@dataclass(frozen=True)
class Logistic:
    """Multinomial logistic regression, its probabilities calibrated by a temperature found out of fold."""

    penalty: float = 1 / 3
    folds: ClassVar = 3

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        folds = self.folds_of(len(labels), seed)
        logits = np.zeros((len(labels), classes))
        for number in range(self.folds):
            kept, left_out = folds != number, folds == number
            logits[left_out] = self.logits(inputs[kept], labels[kept], classes)(inputs[left_out])
        temperature = fit_temperature(_probabilities(logits), labels.astype(np.int64))
        predict_logits = self.logits(inputs, labels, classes)
        return lambda unseen: ModelAnswers(
            with_temperature(_probabilities(predict_logits(unseen)), temperature)
        )

    def folds_of(self, number: int, seed: int) -> npt.NDArray[np.int64]:
        """The fold of each of a number of objects."""
        return np.random.default_rng(seed).permutation(number) % self.folds

    def logits(self, inputs: Any, labels: Labels, classes: int) -> Callable[[Any], Matrix]:
        """Missing classes get the lowest probability."""
        there = np.unique(labels)
        if len(there) == 1:
            only = np.where(np.arange(classes) == there[0], 0.0, _UNSEEN)
            return lambda unseen: np.tile(only, (len(unseen), 1))
        fitted = LogisticRegression(C=1 / self.penalty, max_iter=300).fit(inputs, labels)

        def logits(unseen: Any) -> Matrix:
            scores = np.full((len(unseen), classes), _UNSEEN)
            scores[:, there] = fitted.predict_log_proba(unseen)
            return scores

        return logits


class Smoothed:
    """A logistic regression, smoothed over neighbors and calibrated as the container's nets are.

    It knows all objects of the data set beforehand, without their labels: the container's channel `pool`.
    Prior labels count as in the container.
    """

    def __init__(self, objects: InPlace, model: Logistic | None = None) -> None:
        self._objects = objects
        self._model = model or Logistic()

    def fit(self, inputs: InPlace, labels: Labels, classes: int, seed: int) -> Predict:
        numbers, targets = inputs.numbers, labels.astype(np.int64)
        neighborhoods = Neighborhoods(self._objects.neighbors, inputs.neighbors, numbers)
        folds = self._model.folds_of(len(targets), seed)
        by_fold = [self._of_all(inputs, targets, folds != fold, classes) for fold in range(self._model.folds)]
        temperature = fit_temperature(np.stack(by_fold)[folds, numbers], targets)
        calibrated = np.stack([with_temperature(of_all, temperature) for of_all in by_fold])
        choice = choose_smoothing(neighborhoods, calibrated, calibrated[folds, numbers], targets, folds)
        around = (inputs.places, choice.out_of_fold, targets, folds)
        nearest = choose_nearest_examples(*around)
        doubted = find_label_errors(choice.out_of_fold, targets)
        learns = ~(doubted & better_without(doubted, nearest, *around))
        of_all = with_temperature(self._of_all(inputs, targets, learns, classes), temperature)
        smoothing = choice.smoothing(neighborhoods, of_all, targets)
        examples = nearest.of(inputs.places, targets)
        stacking = None
        if inputs.priors is not None:
            stacking = choose_stacking(nearest.out_of_fold, inputs.priors, targets, seed).stacking

        def predict(unseen: InPlace) -> ModelAnswers:
            smoothed = smoothing.probabilities(of_all[unseen.numbers], unseen.neighbors)
            probabilities = examples.probabilities(smoothed, unseen.places)
            if stacking and unseen.priors is not None:
                probabilities = stacking.probabilities(probabilities, unseen.priors)
            return ModelAnswers(probabilities, unseen.embedding)

        return predict

    def _of_all(
        self, inputs: InPlace, labels: Labels, learns: npt.NDArray[np.bool_], classes: int
    ) -> npt.NDArray[np.float32]:
        """What is said of all objects by a regression that learns from some."""
        numbers = np.flatnonzero(learns)
        logits = self._model.logits(inputs.seen[numbers], labels[numbers], classes)
        return _probabilities(logits(self._objects.seen))


@dataclass(frozen=True)
class Overconfident:
    """A model that is too sure of all it says, and far too sure in half of the space, chosen at random."""

    model: Ridge = field(default_factory=Ridge)

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        honest = self.model.fit(inputs, labels, classes, seed)
        direction = np.random.default_rng(seed).standard_normal(inputs.shape[1])
        middle = float(np.median(inputs @ direction))

        def predict(unseen: Any) -> ModelAnswers:
            answers = honest(unseen)
            surer = np.where(unseen @ direction > middle, _MUCH_SURER, _SURER)[:, np.newaxis]
            logits = np.log(np.maximum(answers.probabilities, 1e-12))
            return ModelAnswers(softmax(surer * logits, axis=1), answers.embedding)

        return predict


@dataclass(frozen=True)
class Modest:
    """A model that is never sure of what it knows well."""

    model: Ridge = field(default_factory=Ridge)

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        honest = self.model.fit(inputs, labels, classes, seed)

        def predict(unseen: Any) -> ModelAnswers:
            answers = honest(unseen)
            logits = np.log(np.maximum(answers.probabilities, 1e-12))
            return ModelAnswers(softmax(_LESS_SURE * logits, axis=1), answers.embedding)

        return predict


@dataclass(frozen=True)
class KnowsNothing:
    """A model that guesses, with random confidence."""

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:  # noqa: ARG002
        rng = np.random.default_rng(seed)
        return lambda unseen: ModelAnswers(rng.dirichlet(np.full(classes, 0.3), len(unseen)))


def _probabilities(logits: Matrix) -> npt.NDArray[np.float32]:
    return np.asarray(softmax(logits, axis=1), np.float32)

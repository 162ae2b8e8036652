"""Joins what the model of objects says with what prior labels say, each as far as it is to be believed.

People's labels decide that, on out-of-fold predictions: stacked generalization (Wolpert, 1992) by a penalized
multinomial regression. What it has learned of a class is:

- how far to believe the model of objects. Without evidence, entirely;
- how far to believe each source, the surer it says it is and at each fifth of its confidences, and what it
  says of similar objects;
- what each source confuses, class by class. This takes more labels to learn, so its penalty is larger.

Where prior labels do not predict people's labels better out of fold, they are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from scipy.optimize import minimize
from scipy.special import log_softmax

from classifier.calibration import (
    Labels,
    Probabilities,
    fit_temperature,
    log_losses,
    with_temperature,
)
from classifier.distillation import PriorSignals
from classifier.prior_labels import NONE_GIVEN, PriorLabels

Floats: TypeAlias = NDArray[np.float64]

_FOLDS = 10
# Precisions of the belief that the model counts in full, that a source counts nothing, and that it errs
# alike in all classes. Measured on two sets of headlines with a language model's labels, and on two others
# with simulated labelers, from 30 to 600 labels.
_PRECISION_OF_MODEL, _PRECISION_OF_SOURCE, _PRECISION_OF_CLASS = 5.0, 1.0, 10.0
# With more classes, what is confused with what has too many weights.
_MOST_CLASSES_APART = 50
_LEAST = 1e-9
# A source that calls itself certain is wrong at times.
_LEAST_CONFIDENCE = 0.02
_MOST_DEVIATIONS = 3.0
# A source may err where it is neither sure nor unsure. Of each bin less is believed than of all together: an
# input that is smaller by the root of the precisions' ratio has the larger precision.
_BINS = 5
_OF_BIN = (_PRECISION_OF_SOURCE / _PRECISION_OF_CLASS) ** 0.5
# By how much prior labels must make all examples together more likely, in nats, and by a standard error: less
# may be chance.
_LEAST_GAIN = 1.0
# More threads wait for each other: on a busy machine they took ten times as long.
_THREADS = 1
_FILE = "stacking.safetensors"


@dataclass(frozen=True)
class ConfidenceScale:
    """The usual confidences of each source, to which its confidences are compared."""

    mean: Floats
    """Of the log odds, shape (sources,)."""
    deviation: Floats
    """Of the log odds, shape (sources,): 0 where all confidences are equal, or none is stated."""
    edges: Floats
    """Of the bins, in log odds, shape (sources, bins - 1)."""

    @classmethod
    def of(cls, priors: PriorLabels) -> ConfidenceScale:
        columns = [column[~np.isnan(column)] for column in _log_odds(priors).T]
        means = [column.mean() if len(column) else 0.0 for column in columns]
        deviations = [column.std() if len(column) else 0.0 for column in columns]
        inner = np.arange(1, _BINS) / _BINS
        edges = [np.quantile(column, inner) if len(column) else np.zeros(_BINS - 1) for column in columns]
        shape = (priors.sources, _BINS - 1)
        return cls(
            np.array(means),
            np.where(np.array(deviations) > 1e-6, deviations, 0.0),
            np.array(edges).reshape(shape),
        )

    def sureness(self, priors: PriorLabels) -> Floats:
        """Return how much surer than usual a source is, in deviations, shape (objects, sources).

        It is 0 where no confidence is stated.
        """
        away = np.nan_to_num(_log_odds(priors) - self.mean)
        scaled = np.divide(away, self.deviation, out=np.zeros_like(away), where=self.deviation > 0)
        return np.clip(scaled, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)

    def bins(self, priors: PriorLabels) -> Floats:
        """Return 1 for the bin of each confidence, shape (objects, sources, bins).

        It is 0 where no confidence is stated, or all are equal.
        """
        odds = _log_odds(priors)
        number = (odds[..., None] >= self.edges).sum(axis=2)
        told = ~np.isnan(odds) & (self.deviation > 0)
        return np.asarray((number[..., None] == np.arange(_BINS)) & told[..., None], np.float64)


def _log_odds(priors: PriorLabels) -> Floats:
    stated = np.where(priors.labels == NONE_GIVEN, np.nan, priors.confidence)
    kept = np.clip(stated, _LEAST_CONFIDENCE, 1 - _LEAST_CONFIDENCE)
    return np.asarray(np.log(kept / (1 - kept)))


@dataclass(frozen=True)
class _Inputs:
    """What the regression sees of some objects."""

    model: Floats
    """Log probabilities of the model of objects, shape (objects, classes)."""
    of_sources: Floats
    """Votes for classes, of one weight for all classes, shape (objects, classes, votes)."""
    by_class: Floats
    """Of one weight for each class, shape (objects, inputs)."""

    @property
    def without_sources(self) -> _Inputs:
        return _Inputs(self.model, self.of_sources[..., :0], self.by_class[:, :1])

    def __getitem__(self, numbers: NDArray[np.int64]) -> _Inputs:
        return _Inputs(self.model[numbers], self.of_sources[numbers], self.by_class[numbers])


def _inputs(before: Probabilities, signals: PriorSignals, scale: ConfidenceScale) -> _Inputs:
    objects, classes = before.shape
    sureness, bins = scale.sureness(signals.given), scale.bins(signals.given)
    votes, by_class = [], [np.ones((objects, 1))]
    for source in range(signals.given.sources):
        labels = signals.given.labels[:, source]
        chosen = (labels[:, None] == np.arange(classes)).astype(np.float64)
        surer = chosen * sureness[:, source, None]
        expected = signals.expected[:, source].astype(np.float64)
        votes += [chosen, surer, (expected - expected.mean(axis=1, keepdims=True)) / 2]
        votes += [chosen * _OF_BIN * bins[:, source, number, None] for number in range(_BINS)]
        by_class.append((labels == NONE_GIVEN)[:, None].astype(np.float64))
        if classes <= _MOST_CLASSES_APART:
            by_class += [chosen, surer]
    model = np.log(np.maximum(before.astype(np.float64), _LEAST))
    return _Inputs(model, np.stack(votes, axis=2), np.concatenate(by_class, axis=1))


@dataclass(frozen=True)
class _Weights:
    model: float
    of_sources: Floats
    """Shape (votes,)."""
    by_class: Floats
    """Shape (inputs, classes)."""

    @classmethod
    def fit(cls, inputs: _Inputs, labels: Labels) -> _Weights:
        """Return the weights that make the labels most likely, less the penalties."""
        classes, votes = inputs.of_sources.shape[1:]
        targets = np.eye(classes)[labels]
        start = np.zeros(1 + votes + inputs.by_class.shape[1] * classes)
        start[0] = 1.0
        precision = np.full(len(start), _PRECISION_OF_CLASS)
        precision[0] = _PRECISION_OF_MODEL
        precision[1 : 1 + votes] = _PRECISION_OF_SOURCE

        def unlikelihood(flat: Floats) -> tuple[float, Floats]:
            logarithms = cls._of(flat, votes, classes).scores(inputs)
            logarithms = log_softmax(logarithms, axis=1)
            away = flat - start
            surplus = np.exp(logarithms) - targets
            slope = np.concatenate(
                [
                    [(surplus * inputs.model).sum()],
                    np.einsum("tc,tcv->v", surplus, inputs.of_sources),
                    (inputs.by_class.T @ surplus).ravel(),
                ]
            )
            value = -(targets * logarithms).sum() + (precision * away**2).sum() / 2
            return float(value), slope + precision * away

        found = minimize(unlikelihood, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        return cls._of(found.x, votes, classes)

    @classmethod
    def _of(cls, flat: Floats, votes: int, classes: int) -> _Weights:
        return cls(float(flat[0]), flat[1 : 1 + votes], flat[1 + votes :].reshape(-1, classes))

    def scores(self, inputs: _Inputs) -> Floats:
        scores = self.model * inputs.model + inputs.of_sources @ self.of_sources
        return np.asarray(scores + inputs.by_class @ self.by_class)


class Stacking:
    """Adjusts the probabilities of any object by its prior labels."""

    def __init__(self, weights: _Weights, scale: ConfidenceScale, temperature: float) -> None:
        self._weights = weights
        self._scale = scale
        self._temperature = temperature

    def probabilities(self, before: Probabilities, signals: PriorSignals) -> Probabilities:
        """Adjust `before`, shape (objects, classes): each row sums to 1."""
        scores = self._weights.scores(_inputs(before, signals, self._scale))
        return _tempered(scores, self._temperature)

    def save(self, folder: Path) -> None:
        content: dict[str, NDArray[Any]] = {
            "model": np.array(self._weights.model),
            "of_sources": self._weights.of_sources,
            "by_class": np.ascontiguousarray(self._weights.by_class),
            "mean": self._scale.mean,
            "deviation": self._scale.deviation,
            "edges": self._scale.edges,
            "temperature": np.array(self._temperature),
        }
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        (folder / _FILE).write_bytes(save(content))

    @classmethod
    def load(cls, folder: Path) -> Stacking | None:
        """Return None for a model that does not use prior labels."""
        if not (folder / _FILE).exists():
            return None
        found = load_file(folder / _FILE)
        weights = _Weights(float(found["model"]), found["of_sources"], found["by_class"])
        scale = ConfidenceScale(found["mean"], found["deviation"], found["edges"])
        return cls(weights, scale, float(found["temperature"]))


@dataclass(frozen=True)
class StackingChoice:
    """How prior labels count, and the resulting out-of-fold predictions of the examples."""

    stacking: Stacking | None
    """None if they do not count."""
    out_of_fold: Probabilities
    """Shape (examples, classes)."""


def choose_stacking(
    out_of_fold: Probabilities, signals: PriorSignals, labels: Labels, seed: int
) -> StackingChoice:
    """Return how prior labels must count to make the examples' labels most likely.

    out_of_fold: predictions of the examples by a model of objects without their labels, shape (examples,
    classes). The comparison is fair: an example is predicted with weights that others have decided.
    """
    if len(labels) < 2:
        return StackingChoice(None, out_of_fold)
    # Here, because serving does not need it.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(_THREADS, user_api="blas"):
        return _chosen(out_of_fold, signals, labels, seed)


def _chosen(out_of_fold: Probabilities, signals: PriorSignals, labels: Labels, seed: int) -> StackingChoice:
    folds = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    scale = ConfidenceScale.of(signals.given)
    inputs = _inputs(out_of_fold, signals, scale)
    stacked, temperature = _cross_fitted(inputs, labels, folds)
    # Without sources, the regression still calibrates. What that gains is not to the credit of prior labels.
    calibrated, _ = _cross_fitted(inputs.without_sources, labels, folds)
    gains = log_losses(_likelier(calibrated, out_of_fold, labels), labels) - log_losses(stacked, labels)
    if gains.sum() <= max(_LEAST_GAIN, gains.std() * np.sqrt(len(gains))):
        return StackingChoice(None, out_of_fold)
    return StackingChoice(Stacking(_Weights.fit(inputs, labels), scale, temperature), stacked)


def _likelier(first: Probabilities, second: Probabilities, labels: Labels) -> Probabilities:
    """Return the probabilities that make the labels likelier."""
    return min(first, second, key=lambda each: float(log_losses(each, labels).sum()))


def _cross_fitted(inputs: _Inputs, labels: Labels, folds: NDArray[np.int64]) -> tuple[Probabilities, float]:
    """Return each example's probabilities by weights from other folds, and the temperature they have."""
    scores = np.empty(inputs.model.shape)
    for fold in np.unique(folds):
        members, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        scores[members] = _Weights.fit(inputs[others], labels[others]).scores(inputs[members])
    temperature = fit_temperature(_tempered(scores, 1.0), labels)
    return _tempered(scores, temperature), temperature


def _tempered(scores: Floats, temperature: float) -> Probabilities:
    probabilities = np.exp(log_softmax(scores, axis=1)).astype(np.float32)
    return with_temperature(probabilities, temperature)

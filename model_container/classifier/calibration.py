"""Calibrates probabilities, mixes those of several nets, and measures how much nets disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Probabilities = NDArray[np.float32]
Labels = NDArray[np.int64]
Importance = NDArray[np.float64]

_LEAST = 1e-9
_LOWEST, _HIGHEST = 0.1, 10.0
# Of the second network. Few examples decide the share: with more choices, the choice would overfit them.
_SECOND_SHARES = (0.0, 0.3, 0.5, 0.7)
# The expected distance of a temperature from 1, as the standard deviation of its logarithm. Few examples
# cannot move it much farther.
_EXPECTED_DEVIATION = 0.5
# Of the one for the pool, after the others.
_EXPECTED_DEVIATION_IN_THE_POOL = 0.1


@dataclass(frozen=True)
class NetProbabilities:
    """The nets' predictions for some objects, before they are mixed."""

    dense: Probabilities
    """Shape (dense nets, objects, classes)."""
    second: Probabilities | None = None
    """Of the second network, shape (its nets, objects, classes); None if there is none."""


@dataclass(frozen=True)
class Mixture:
    """How the probabilities of the dense nets and the second network are combined."""

    second_share: float
    """The second network's weight in the geometric mean, from 0 to 1."""
    temperature: float
    """Above 1, it makes the mean less sure; below 1, surer."""

    def probabilities(self, of_nets: NetProbabilities) -> Probabilities:
        """Return shape (objects, classes): each row sums to 1."""
        mean = of_nets.dense.mean(axis=0)
        if of_nets.second is not None:
            mean = _geometric_mean(mean, of_nets.second.mean(axis=0), self.second_share)
        return with_temperature(mean, self.temperature)


UNCALIBRATED = Mixture(second_share=0.0, temperature=1.0)


def fit_mixture(of_nets: NetProbabilities, labels: Labels) -> Mixture:
    """Return the share, and its temperature, that make the labels most likely.

    A weighted geometric mean is a logarithmic opinion pool (Genest and Zidek, 1986). The nets must not have
    been trained on these objects.
    """
    found = []
    for share in _SECOND_SHARES if of_nets.second is not None else (0.0,):
        mean = Mixture(share, 1.0).probabilities(of_nets)
        mixture = Mixture(share, fit_temperature(mean, labels))
        found.append((log_losses(mixture.probabilities(of_nets), labels).mean(), share, mixture))
    return min(found, key=lambda entry: entry[:2])[2]


def log_losses(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """Return the log loss of each label in nats, shape (objects,)."""
    of_labels = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.maximum(of_labels, _LEAST)))


def _geometric_mean(dense: Probabilities, second: Probabilities, share: float) -> Probabilities:
    logits = (1 - share) * np.log(np.maximum(dense, _LEAST)) + share * np.log(np.maximum(second, _LEAST))
    return _softmax(logits)


def with_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Make probabilities surer (below 1) or less sure, shape (objects, classes), in the same order."""
    logits = np.log(np.maximum(probabilities, _LEAST)) / np.float32(temperature)
    return _softmax(logits)


def times_exponential(probabilities: Probabilities, logarithms: NDArray[np.floating[Any]]) -> Probabilities:
    """Return the normalized product of probabilities and exp(logarithms), shape (objects, classes)."""
    return _softmax(np.log(np.maximum(probabilities, _LEAST)) + logarithms)


def _softmax(logits: NDArray[np.floating[Any]]) -> Probabilities:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Return the temperature that makes the labels most likely (Guo et al., "On Calibration", 2017).

    probabilities: shape (objects, classes), from a net that was not trained on these objects.
    """
    return _most_likely(probabilities, labels, np.ones(len(labels)), _EXPECTED_DEVIATION)


def fit_temperature_for_the_pool(
    probabilities: Probabilities, labels: Labels, importance: Importance
) -> float:
    """Return the temperature for objects that are not distributed like the examples.

    probabilities: calibrated, shape (examples, classes); importance: how many examples each counts for, shape
    (examples,).
    """
    return _most_likely(probabilities, labels, importance, _EXPECTED_DEVIATION_IN_THE_POOL)


def _most_likely(
    probabilities: Probabilities, labels: Labels, importance: Importance, deviation: float
) -> float:
    def unlikelihood(logarithm: float) -> float:
        surprises = log_losses(with_temperature(probabilities, np.exp(logarithm)), labels)
        return float(importance @ surprises + (logarithm / deviation) ** 2 / 2)

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    found = minimize_scalar(unlikelihood, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def mutual_information(of_nets: Probabilities) -> NDArray[np.float32]:
    """Return the mutual information between net and class in nats, shape (objects,): 0 where all nets agree.

    of_nets: shape (nets, objects, classes). Houlsby et al., "Bayesian Active Learning by Disagreement", 2011.
    """
    information = _entropy(of_nets.mean(axis=0)) - _entropy(of_nets).mean(axis=0)
    return np.asarray(np.maximum(information, 0), np.float32)


def _entropy(probabilities: Probabilities) -> NDArray[np.float32]:
    logarithms = np.log(np.maximum(probabilities, _LEAST))
    return np.asarray(-(probabilities * logarithms).sum(axis=-1), np.float32)

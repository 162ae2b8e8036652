"""Predicts from an object what each source of prior labels says of such objects.

There are prior labels for thousands of objects, where people have labeled a few hundred. So what a source
says of similar objects is known well, and a prior label that differs from it is more often wrong. The model
that predicts one source is a least-squares regression from an object's place: a distillation of the source
(Hinton et al., "Distilling the Knowledge in a Neural Network", 2015).

An object's own prior label must not have its say twice. So objects are divided into folds by their content,
and a object is always predicted by a regression that has not learned from its fold, in training and in
serving.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.special import log_softmax

from classifier.neighbors import Places
from classifier.prior_labels import NONE_GIVEN, PriorLabels
from classifier.reference_objects import AXES

LogProbabilities = NDArray[np.float32]

_FOLDS = 10
_PENALTIES = (0.1, 1.0, 10.0)
# The scores of a regression are about as large as probabilities.
_LOWEST, _HIGHEST = 0.01, 3.0
# More threads wait for each other: on a busy machine they took fifty times as long.
_THREADS = 1
_FILE = "distillation.safetensors"


@dataclass(frozen=True)
class PriorSignals:
    """What is known of some objects through prior labels."""

    given: PriorLabels
    expected: LogProbabilities
    """What the sources say of such objects, shape (objects, sources, classes)."""

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, numbers: NDArray[np.int64]) -> PriorSignals:
        return PriorSignals(self.given[numbers], self.expected[numbers])


def folds_of(contents: Sequence[str], most_characters: int) -> NDArray[np.int64]:
    """Return the fold of each object, shape (objects,). Equal beginnings have the same fold."""
    encoded = (content[:most_characters].encode("utf-8", "surrogatepass") for content in contents)
    return np.fromiter((zlib.crc32(content) % _FOLDS for content in encoded), np.int64, len(contents))


@dataclass(frozen=True)
class Distillation:
    """The regressions of each source and fold."""

    weights: NDArray[np.float32]
    """Divided by the temperature, shape (sources, folds, axes + 1, classes)."""

    @classmethod
    def of(
        cls, places: Places, folds: NDArray[np.int64], priors: PriorLabels, num_classes: int
    ) -> Distillation:
        """Learn from the prior labels of objects at these places, shape (objects, axes)."""
        # Here, because serving does not need it.
        from threadpoolctl import threadpool_limits

        rows = _rows(places)
        with threadpool_limits(_THREADS, user_api="blas"):
            of_sources = [
                _learned(rows, folds, priors.labels[:, source], num_classes)
                for source in range(priors.sources)
            ]
        shape = (priors.sources, _FOLDS, rows.shape[1], num_classes)
        return cls(np.array(of_sources, np.float32).reshape(shape))

    def signals(self, places: Places, folds: NDArray[np.int64], given: PriorLabels) -> PriorSignals:
        """Return what is known of objects at these places with these prior labels."""
        rows = _rows(places).astype(np.float32)
        sources, _, _, classes = self.weights.shape
        scores = np.empty((len(rows), sources, classes), np.float32)
        for fold in np.unique(folds):
            members = folds == fold
            scores[members] = np.einsum("ti,sic->tsc", rows[members], self.weights[:, fold])
        return PriorSignals(given, np.asarray(log_softmax(scores, axis=2), np.float32))

    def save(self, folder: Path) -> None:
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        (folder / _FILE).write_bytes(save({"weights": self.weights}))

    @classmethod
    def load(cls, folder: Path) -> Distillation:
        return cls(load_file(folder / _FILE)["weights"])


def _rows(places: Places) -> NDArray[np.float64]:
    rows = places[:, :AXES].astype(np.float64)
    return np.column_stack([rows, np.ones(len(rows))])


def _learned(
    rows: NDArray[np.float64], folds: NDArray[np.int64], labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.float64]:
    """Return the weights of one source, with the penalty and temperature that predict it best out of fold."""
    there = np.flatnonzero(labels != NONE_GIVEN)
    if not len(there):
        return np.zeros((_FOLDS, rows.shape[1], num_classes))
    rows, folds, labels = rows[there], folds[there], labels[there]
    ones = csr_array((np.ones(len(labels)), (np.arange(len(labels)), labels)), (len(labels), num_classes))
    weights = np.empty((len(_PENALTIES), _FOLDS, rows.shape[1], num_classes))
    for fold in range(_FOLDS):
        others = np.flatnonzero(folds != fold)
        values, vectors = eigh(rows[others].T @ rows[others])
        sums = np.asarray(ones[others].T @ rows[others], np.float64)
        rotated = vectors.T @ sums.T
        for number, penalty in enumerate(_PENALTIES):
            weights[number, fold] = vectors @ (rotated / (np.maximum(values, 0) + penalty)[:, None])
    found = []
    for of_penalty in weights:
        scores = np.empty((len(labels), num_classes))
        for fold in np.unique(folds):
            scores[folds == fold] = rows[folds == fold] @ of_penalty[fold]
        loss, temperature = _temperature(scores, labels)
        found.append((loss, of_penalty / temperature))
    return min(found, key=lambda entry: entry[0])[1]


def _temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the smallest log loss of the labels, and the temperature that has it."""
    of_labels = np.arange(len(labels)), labels

    def loss(logarithm: float) -> float:
        return -float(log_softmax(scores / np.exp(logarithm), axis=1)[of_labels].sum())

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.02})
    return float(found.fun), float(np.exp(found.x))

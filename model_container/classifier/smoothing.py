"""Smooths the nets' prediction for an object with what is known about its nearest objects.

Out-of-fold predictions of the examples decide how much the neighbors count. For these, neither the nets nor
the neighbors have seen the example's label.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from classifier.calibration import Labels, Probabilities, fit_temperature, log_losses, with_temperature
from classifier.neighbors import Places, Weights, propagate
from classifier.reference_objects import ReferenceObjects

# Chosen by few examples: with more choices, the choice would overfit them.
SHARES = (0.0, 0.3, 0.5, 0.7)
NOT_AMONG_THEM = -1
_FILE = "smoothing.safetensors"


@dataclass(frozen=True)
class Neighborhoods:
    """The reference objects, and where the examples are among them."""

    graph: Weights
    """How much references count for each other, shape (references, references)."""
    of_examples: Weights
    """Shape (examples, references)."""
    numbers: NDArray[np.int64]
    """Which reference each example is, shape (examples,): -1 for none. Several may be the same one."""

    @classmethod
    def of(cls, references: ReferenceObjects, places: Places, numbers: NDArray[np.int64]) -> Neighborhoods:
        """Find the neighbors of examples at these places, shape (examples, axes), with these numbers."""
        return cls(references.graph, references.weights(places), numbers)

    def spread(
        self, of_references: Probabilities, labels: Labels, known: NDArray[np.bool_], share: float
    ) -> Probabilities:
        """Return what is known about the references after it has spread, shape (references, classes).

        The start is an example's label where it is known. For other objects it is the nets' prediction,
        of_references: shape (references, classes). known: shape (examples,).
        """
        learned = np.flatnonzero(known & (self.numbers != NOT_AMONG_THEM))
        counts = np.zeros_like(of_references)
        np.add.at(counts, (self.numbers[learned], labels[learned]), 1)
        totals = counts.sum(axis=1, keepdims=True)
        start = np.where(totals > 0, counts / np.maximum(totals, 1), of_references)
        return propagate(start, self.graph, share)


class Smoothing:
    """Smooths the nets' probabilities for any object."""

    def __init__(self, share: float, temperature: float, of_references: NDArray[np.float16]) -> None:
        """Take the neighbors' share, the temperature after it, and what is known about the reference objects.

        of_references: shape (references, classes).
        """
        self.share = share
        self.temperature = temperature
        self._of_references = of_references
        self._of_references_32 = of_references.astype(np.float32)

    @classmethod
    def none(cls) -> Smoothing:
        """A smoothing that does not change the nets' probabilities."""
        return cls(0.0, 1.0, np.empty((0, 0), np.float16))

    def probabilities(self, of_nets: Probabilities, weights: Weights) -> Probabilities:
        """Return shape (objects, classes), as of_nets: each row sums to 1.

        weights: how much the references count for the objects, shape (objects, references).
        """
        if not self.share:
            return of_nets
        of_neighbors = weights @ self._of_references_32
        return with_temperature(_mixed(of_nets, of_neighbors, self.share), self.temperature)

    def save(self, folder: Path) -> None:
        content = {
            "probabilities": self._of_references,
            "share": np.array(self.share),
            "temperature": np.array(self.temperature),
        }
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        (folder / _FILE).write_bytes(save(content))

    @classmethod
    def load(cls, folder: Path) -> Smoothing:
        found = load_file(folder / _FILE)
        return cls(float(found["share"]), float(found["temperature"]), found["probabilities"])


@dataclass(frozen=True)
class SmoothingChoice:
    """How much the neighbors count, and the resulting out-of-fold predictions of the examples."""

    share: float
    temperature: float
    out_of_fold: Probabilities
    """Shape (examples, classes)."""

    def smoothing(
        self,
        neighborhoods: Neighborhoods,
        of_references: Probabilities,
        labels: Labels,
    ) -> Smoothing:
        """Return the smoothing for a model with these predictions of the references and these labels."""
        if not self.share:
            return Smoothing.none()
        known = np.ones(len(labels), np.bool_)
        spread = neighborhoods.spread(of_references, labels, known, self.share)
        return Smoothing(self.share, self.temperature, spread.astype(np.float16))


def choose_smoothing(
    neighborhoods: Neighborhoods,
    of_references: Probabilities,
    of_examples: Probabilities,
    labels: Labels,
    folds: NDArray[np.int64],
) -> SmoothingChoice:
    """Return the neighbors' share, and its temperature, that make the labels most likely.

    of_references: shape (folds, references, classes), by nets that have not seen the fold; of_examples: shape
    (examples, classes), for each example by nets that have not seen it; folds: shape (examples,). For the
    examples of a fold, what is known about the references does not include the fold's labels.
    """
    found = [SmoothingChoice(0.0, 1.0, of_examples)]
    for share in SHARES[1:]:
        of_neighbors = np.empty_like(of_examples)
        for fold in np.unique(folds):
            members = folds == fold
            spread = neighborhoods.spread(of_references[fold], labels, ~members, share)
            of_neighbors[members] = neighborhoods.of_examples[members] @ spread
        mixed = _mixed(of_examples, of_neighbors, share)
        temperature = fit_temperature(mixed, labels)
        found.append(SmoothingChoice(share, temperature, with_temperature(mixed, temperature)))
    return min(found, key=lambda choice: (log_losses(choice.out_of_fold, labels).mean(), choice.share))


def _mixed(of_nets: Probabilities, of_neighbors: Probabilities, share: float) -> Probabilities:
    return np.asarray((1 - share) * of_nets + share * of_neighbors, np.float32)

"""What the nets say of a text, smoothed by what is known of the texts nearest to it.

How much the neighbors count is settled by predictions of examples whose labels nothing that predicts them has
seen: not the nets, and not the neighbors either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from text_classifier.calibration import Labels, Probabilities, fit_temperature, log_losses, with_temperature
from text_classifier.neighbors import NearestTexts, Places, Weights, propagate

# Settled on few examples: more choices would fit their accidents.
SHARES = (0.0, 0.3, 0.5, 0.7)
# Along the first principal axes of the features; along all of them, few texts have other neighbors.
AXES = 128
NOT_AMONG_THEM = -1
# So that a graph takes seconds to make and an artifact stays small: 5 MB of places, and 10 of probabilities.
_MOST_REFERENCES = 20_000
_MOST_PROBABILITIES = 5_000_000
_FILE = "neighbors.safetensors"


def most_references(num_classes: int) -> int:
    """Return how many texts a text is compared with, at most."""
    return min(_MOST_REFERENCES, _MOST_PROBABILITIES // num_classes)


@dataclass(frozen=True)
class ReferenceGraph:
    """The reference texts, labeled or not, and how they lie to each other."""

    nearest: NearestTexts
    weights: Weights
    """Shape (references, references)."""

    @classmethod
    def of(cls, places: Places) -> ReferenceGraph:
        """Compare texts with each other: places, shape (references, axes): the first are looked at."""
        nearest = NearestTexts.of(places[:, :AXES])
        return cls(nearest, nearest.weights(nearest.places.astype(np.float32)))


@dataclass(frozen=True)
class Neighborhoods:
    """The reference texts, and the examples among and between them."""

    graph: ReferenceGraph
    of_examples: Weights
    """Shape (examples, references)."""
    numbers: NDArray[np.int64]
    """Which reference each example is, shape (examples,): -1 for none. Several may be the same."""

    @classmethod
    def of(cls, graph: ReferenceGraph, places: Places, numbers: NDArray[np.int64]) -> Neighborhoods:
        """Look for examples at these places, shape (examples, axes), and of these numbers."""
        return cls(graph, graph.nearest.weights(places[:, :AXES]), numbers)

    def spread(
        self, of_references: Probabilities, labels: Labels, known: NDArray[np.bool_], share: float
    ) -> Probabilities:
        """Return what is known of the references after it has spread, shape (references, classes).

        At first that is an example's label where it is known, and of other texts what the nets say,
        of_references: shape (references, classes). known: shape (examples,).
        """
        learned = np.flatnonzero(known & (self.numbers != NOT_AMONG_THEM))
        counts = np.zeros_like(of_references)
        np.add.at(counts, (self.numbers[learned], labels[learned]), 1)
        totals = counts.sum(axis=1, keepdims=True)
        start = np.where(totals > 0, counts / np.maximum(totals, 1), of_references)
        return propagate(start, self.graph.weights, share)


class Smoothing:
    """What it takes to smooth the nets' probabilities of any text."""

    def __init__(
        self, share: float, temperature: float, nearest: NearestTexts, of_references: NDArray[np.float16]
    ) -> None:
        """Take the neighbors' share, the temperature after it, and what is known of the reference texts.

        of_references: shape (references, classes).
        """
        self.share = share
        self.temperature = temperature
        self._nearest = nearest
        self._of_references = of_references
        self._of_references_32 = of_references.astype(np.float32)

    @classmethod
    def none(cls) -> Smoothing:
        """Leave the nets' probabilities as they are."""
        return cls(0.0, 1.0, NearestTexts(np.empty((0, 0), np.float16), 1.0), np.empty((0, 0), np.float16))

    def probabilities(self, of_nets: Probabilities, places: Places) -> Probabilities:
        """Return shape (texts, classes), as of_nets: each row sums to 1. places: shape (texts, axes)."""
        if not self.share:
            return of_nets
        return self.with_neighbors(of_nets, self._nearest.weights(places[:, :AXES]))

    def with_neighbors(self, of_nets: Probabilities, weights: Weights) -> Probabilities:
        """Return the same for texts whose neighbors are known: weights, shape (texts, references)."""
        if not self.share:
            return of_nets
        of_neighbors = weights @ self._of_references_32
        return with_temperature(_mixed(of_nets, of_neighbors, self.share), self.temperature)

    def save(self, folder: Path) -> None:
        content = {
            "places": self._nearest.places,
            "scale": np.array(self._nearest.scale),
            "probabilities": self._of_references,
            "share": np.array(self.share),
            "temperature": np.array(self.temperature),
        }
        # Not safetensors' `save_file`: that keeps the file from other users, such as the one who serves it.
        (folder / _FILE).write_bytes(save(content))

    @classmethod
    def load(cls, folder: Path) -> Smoothing:
        found = load_file(folder / _FILE)
        nearest = NearestTexts(found["places"], float(found["scale"]))
        return cls(float(found["share"]), float(found["temperature"]), nearest, found["probabilities"])


@dataclass(frozen=True)
class SmoothingChoice:
    """How much the neighbors count, and what that gives for the examples out of fold."""

    share: float
    temperature: float
    out_of_fold: Probabilities
    """Shape (examples, classes)."""

    def smoothing(
        self,
        neighborhoods: Neighborhoods,
        of_references: Probabilities,
        labels: Labels,
        known: NDArray[np.bool_],
    ) -> Smoothing:
        """Return what smooths a model that says this of the references and learned the known labels."""
        if not self.share:
            return Smoothing.none()
        spread = neighborhoods.spread(of_references, labels, known, self.share)
        return Smoothing(self.share, self.temperature, neighborhoods.graph.nearest, spread.astype(np.float16))


def choose_smoothing(
    neighborhoods: Neighborhoods,
    of_references: Probabilities,
    of_examples: Probabilities,
    labels: Labels,
    folds: NDArray[np.int64],
) -> SmoothingChoice:
    """Return the neighbors' share, and with it the temperature, that make the labels most likely.

    of_references: shape (folds, references, classes), by nets that have not seen the fold; of_examples: shape
    (examples, classes), of each example by nets that have not seen it; folds: shape (examples,). For the
    examples of a fold, what is known of the references does not include the fold's labels.
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

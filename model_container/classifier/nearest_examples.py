"""Uses the nearest example of each class for a prediction, after the nets and the neighbors.

A model can be sure of an object that is far from all examples, or closer to an example of another class,
although it has learned from nothing similar. The distance to the nearest example of each class reveals such
objects better than the model's own confidence (Jiang et al., "To Trust Or Not To Trust A Classifier", NeurIPS
2018). So the farther its nearest example, the less a class counts: probabilities are multiplied by
exp(-weight * distance²), as in a product of experts (Hinton, 2002). The weight is the one that predicts the
examples best out of fold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from classifier.calibration import (
    Importance,
    Labels,
    Probabilities,
    fit_temperature,
    fit_temperature_for_the_pool,
    log_losses,
    times_exponential,
    with_temperature,
)
from classifier.neighbors import Distances, Places, columns_of, in_blocks, with_constant
from classifier.principal_axes import sample
from classifier.reference_objects import AXES

# Each is divided by the median squared distance to a class. Few examples decide: more choices would overfit
# them.
WEIGHTS = (0.0, 2.0, 4.0, 8.0)
# With this limit, distances take milliseconds for each object, and the artifact takes 5 MB.
_MOST_EXAMPLES = 20_000
_FILE = "nearest_examples.safetensors"


class ExamplesByClass:
    """The places of the examples of each class."""

    def __init__(self, places: NDArray[np.float16], labels: Labels, num_classes: int) -> None:
        """Take places, shape (examples, axes), and labels in ascending order, shape (examples,)."""
        self.places = places
        self.labels = labels
        self._there, self._starts = np.unique(labels, return_index=True)
        self._columns = columns_of(places.astype(np.float32))
        self._num_classes = num_classes

    @classmethod
    def of(cls, places: Places, labels: Labels, num_classes: int) -> ExamplesByClass:
        """Take examples in any order, or a random sample of too many. Places are stored in 16 bits."""
        chosen = sample(len(labels), _MOST_EXAMPLES, 0)
        order = chosen[np.argsort(labels[chosen], kind="stable")]
        return cls(places[order, :AXES].astype(np.float16), labels[order], num_classes)

    def distances(self, places: Places) -> Distances:
        """Return each object's squared distance to the nearest example of each class, shape (objects,
        classes).

        A class without an example is as far away as the farthest class.
        """
        found = in_blocks(places[:, :AXES], self._columns.shape[1], self._distances)
        return np.concatenate(found)

    def _distances(self, places: Places) -> Distances:
        closeness = with_constant(places) @ self._columns
        nearest = np.maximum.reduceat(closeness[:, : len(self.labels)], self._starts, axis=1)
        lengths = np.square(places).sum(axis=1, keepdims=True)
        found = np.maximum(lengths - 2 * nearest, 0)
        distances = np.repeat(found.max(axis=1, keepdims=True), self._num_classes, axis=1)
        distances[:, self._there] = found
        return np.asarray(distances, np.float32)


@dataclass(frozen=True)
class NearestExamples:
    """Adjusts the probabilities of any object by its nearest examples."""

    weight: float
    """The factor of a squared distance."""
    temperature: float
    examples: ExamplesByClass | None
    """None if they do not count."""

    @classmethod
    def none(cls) -> NearestExamples:
        """Nearest examples that do not change probabilities."""
        return cls(0.0, 1.0, None)

    def probabilities(self, before: Probabilities, places: Places) -> Probabilities:
        """Adjust `before`, shape (objects, classes): each row sums to 1. places: shape (objects, axes)."""
        if self.examples is None:
            return before if self.temperature == 1 else with_temperature(before, self.temperature)
        return _weighed(before, self.examples.distances(places), self.weight, self.temperature)

    def save(self, folder: Path) -> None:
        content = {"weight": np.array(self.weight), "temperature": np.array(self.temperature)}
        if self.examples is not None:
            content |= {"places": self.examples.places, "labels": self.examples.labels}
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        (folder / _FILE).write_bytes(save(content))

    @classmethod
    def load(cls, folder: Path, num_classes: int) -> NearestExamples:
        found = load_file(folder / _FILE)
        examples = None
        if "places" in found:
            examples = ExamplesByClass(found["places"], found["labels"], num_classes)
        return cls(float(found["weight"]), float(found["temperature"]), examples)


@dataclass(frozen=True)
class NearestExamplesChoice:
    """How much the nearest examples count, and the resulting out-of-fold predictions of the examples."""

    weight: float
    temperature: float
    out_of_fold: Probabilities
    """Shape (examples, classes)."""

    def loss(self, labels: Labels) -> float:
        """Return the mean log loss of the examples' labels in nats."""
        return float(log_losses(self.out_of_fold, labels).mean())

    def calibrated(self, labels: Labels, importance: Importance) -> NearestExamplesChoice:
        """Return the choice with another temperature: the one for the pool, where each example counts for so
        many, shape (examples,).
        """
        factor = fit_temperature_for_the_pool(self.out_of_fold, labels, importance)
        probabilities = with_temperature(self.out_of_fold, factor)
        return replace(self, temperature=self.temperature * factor, out_of_fold=probabilities)

    def of(self, places: Places, labels: Labels) -> NearestExamples:
        """Use these examples: places of shape (examples, axes), labels of shape (examples,)."""
        examples = None
        if self.weight and len(labels):
            examples = ExamplesByClass.of(places, labels, self.out_of_fold.shape[1])
        return NearestExamples(self.weight, self.temperature, examples)


def choose_nearest_examples(
    places: Places,
    out_of_fold: Probabilities,
    labels: Labels,
    folds: NDArray[np.int64],
    known: NDArray[np.bool_] | None = None,
) -> NearestExamplesChoice:
    """Return the weight, and its temperature, that make the labels most likely.

    places: of the examples, shape (examples, axes); out_of_fold: predictions of the examples without their
    labels, shape (examples, classes); folds: shape (examples,). The examples of a fold are compared with
    those of other folds. If `known`, shape (examples,), is given, only known examples are used for that.
    """
    unchanged = NearestExamplesChoice(0.0, 1.0, out_of_fold)
    distances = np.empty_like(out_of_fold)
    for fold in np.unique(folds):
        members, others = folds == fold, folds != fold
        if known is not None:
            others &= known
        if not others.any():
            return unchanged
        examples = ExamplesByClass.of(places[others], labels[others], out_of_fold.shape[1])
        distances[members] = examples.distances(places[members])
    scale = float(np.median(distances))
    if not scale:
        return unchanged
    found = [unchanged]
    for of_median in WEIGHTS[1:]:
        weight = of_median / scale
        temperature = fit_temperature(_weighed(out_of_fold, distances, weight, 1.0), labels)
        weighed = _weighed(out_of_fold, distances, weight, temperature)
        found.append(NearestExamplesChoice(weight, temperature, weighed))
    return min(found, key=lambda choice: (choice.loss(labels), choice.weight))


def better_without(
    doubted: NDArray[np.bool_],
    with_all: NearestExamplesChoice,
    places: Places,
    out_of_fold: Probabilities,
    labels: Labels,
    folds: NDArray[np.int64],
) -> bool:
    """Return whether the examples predict each other no worse without the doubted labels, shape (examples,).

    with_all: the choice for the same examples. A label that is wrong by accident misleads. But if nearby
    examples have the same label, it shows something that the nets have not learned.
    """
    known = ~doubted
    return choose_nearest_examples(places, out_of_fold, labels, folds, known).loss(labels) <= with_all.loss(
        labels
    )


def _weighed(before: Probabilities, distances: Distances, weight: float, temperature: float) -> Probabilities:
    return with_temperature(times_exponential(before, -weight * distances), temperature)

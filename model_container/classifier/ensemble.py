"""The nets that are trained together and predict together: dense nets on features, and perhaps a second
network.

The two see different things in an object, so they are wrong on different ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import NetProbabilities
from classifier.checkpoints import Checkpoints
from classifier.encoded import EncodedObjects
from classifier.hyperparameters import Hyperparameters
from classifier.network import (
    Labels,
    Network,
    Schedule,
    Weights,
    build_dense_network,
    load_network,
    prediction_function,
    train_network,
)

_DENSE_WEIGHT_DECAY = 0.004
# Rare classes have a higher weight in the loss than their share. At 1.0, all classes would weigh the same.
# Measured out of fold on headlines, where one class had 3 in 100: 0.7 was best for rare classes, and lost
# nothing on the others.
_BALANCE = 0.7


@dataclass(frozen=True)
class SecondNetwork:
    """A network that sees an object's second view: how it is built, and how it learns."""

    name: str
    """Of its file in a model artifact."""
    nets: int
    """How many nets the model has. A cross-validation has one for each fold."""
    build: Callable[[int, EncodedObjects, int, int], Network]
    """Takes the number of nets, some objects, the number of classes and the seed."""
    schedule: Callable[[int, int], Schedule]
    """Takes the number of examples and the seed."""


class Ensemble:
    """A dense network and perhaps a second one, each of several nets."""

    def __init__(self, dense: Network, second: Network | None, kind: SecondNetwork | None) -> None:
        self._dense = dense
        self._second = second
        self._kind = kind
        self._predict_dense = prediction_function(dense)
        self._predict_second = prediction_function(second) if second else None

    @classmethod
    def build(
        cls,
        dense_nets: int,
        second_nets: int,
        objects: EncodedObjects,
        settings: Hyperparameters,
        kind: SecondNetwork | None,
    ) -> Ensemble:
        """Build untrained nets for objects with this encoding."""
        classes, seed = settings.num_classes, settings.seed
        dense = build_dense_network(dense_nets, objects.features.shape[1], classes, seed)
        return cls(dense, kind.build(second_nets, objects, classes, seed) if kind else None, kind)

    def train(
        self,
        objects: EncodedObjects,
        labels: Labels,
        learns: NDArray[np.bool_],
        settings: Hyperparameters,
        checkpoints: Checkpoints,
        *,
        should_stop: Callable[[], bool],
        report_epoch: Callable[[int, float], None],
    ) -> int:
        """Train all nets, the dense ones first, and return how many epochs the dense nets saw.

        learns: shape (objects, nets), whether a net may learn from an object. A network with fewer nets uses
        the first columns. report_epoch gets each epoch of the dense nets and its mean loss.
        """
        weights = learns * _class_weights(labels, settings.num_classes)[labels, None]
        epochs = train_network(
            self._dense,
            objects.features,
            labels,
            weights[:, : self._dense.output_shape[1]],
            _dense_schedule(len(labels), settings),
            checkpoints.of("dense"),
            should_stop=should_stop,
            report_epoch=report_epoch,
        )
        if self._second and self._kind and objects.second is not None:
            train_network(
                self._second,
                objects.second,
                labels,
                weights[:, : self._second.output_shape[1]],
                self._kind.schedule(len(labels), settings.seed),
                checkpoints.of(self._kind.name),
                should_stop=should_stop,
            )
        return epochs

    def predict(self, objects: EncodedObjects) -> NetProbabilities:
        second = None
        if self._predict_second and objects.second is not None:
            second = self._predict_second(objects.second)
        return NetProbabilities(self._predict_dense(objects.features), second)

    def save(self, folder: Path) -> None:
        self._dense.save(folder / "dense.keras")
        if self._second and self._kind:
            self._second.save(folder / f"{self._kind.name}.keras")

    @classmethod
    def load(cls, folder: Path, kind: SecondNetwork | None) -> Ensemble:
        second = load_network(folder / f"{kind.name}.keras") if kind else None
        return cls(load_network(folder / "dense.keras"), second, kind)


def _class_weights(labels: Labels, num_classes: int) -> Weights:
    """Return the weight of each class, shape (classes,). The mean over all examples is 1."""
    counts = np.bincount(labels, minlength=num_classes)
    weights = np.maximum(counts, 1) ** -_BALANCE
    return np.asarray(weights * (len(labels) / (weights @ counts)), np.float32)


def _dense_schedule(records: int, settings: Hyperparameters) -> Schedule:
    return Schedule(
        settings.epochs_for(records),
        settings.batch_size,
        settings.learning_rate,
        settings.label_smoothing,
        _DENSE_WEIGHT_DECAY,
        settings.seed,
    )

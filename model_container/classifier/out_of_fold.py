"""Predictions of the training examples, each by nets that have not seen it (cross-validation).

The features of an object do not depend on the labels, so only the small networks are trained again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Mixture, NetProbabilities, fit_mixture
from classifier.checkpoints import Checkpoints
from classifier.encoded import EncodedObjects
from classifier.ensemble import Ensemble, SecondNetwork
from classifier.hyperparameters import Hyperparameters
from classifier.network import Labels, Probabilities
from classifier.predictions import best_first

# Measured on headlines: 10 folds do not calibrate better, and take twice as long.
_FOLDS = 5
# With very many classes a line would hold thousands of zeros.
_MOST_CLASSES_WRITTEN = 100


@dataclass(frozen=True)
class CrossValidation:
    """Nets that have each seen all examples except one fold, and their predictions for that fold."""

    ensemble: Ensemble
    """A complete model, which is kept if there is no time for a better one."""
    epochs: int
    """How many epochs its dense nets saw."""
    mixture: Mixture
    probabilities: Probabilities
    """For each example, mixed and calibrated, shape (objects, classes)."""
    folds: NDArray[np.int64]
    """The fold of each example, shape (objects,)."""

    def of_all_folds(self, objects: EncodedObjects) -> Probabilities:
        """Return the predictions by the nets of each fold for any objects, shape (folds, objects,
        classes).
        """
        of_nets = self.ensemble.predict(objects)
        return np.stack(
            [self.mixture.probabilities(_of_net(of_nets, fold)) for fold in range(len(of_nets.dense))]
        )


def cross_validate(
    objects: EncodedObjects,
    labels: Labels,
    settings: Hyperparameters,
    checkpoints: Checkpoints,
    *,
    should_stop: Callable[[], bool],
    report_epoch: Callable[[int, float], None],
    second: SecondNetwork | None = None,
) -> CrossValidation:
    """Train a net for each fold, and let it predict the fold. If this is stopped, only the nets are usable.

    A single example is predicted by a net that has seen nothing: all classes are equally likely.
    """
    number = min(_FOLDS, len(labels))
    folds = _folds(labels, number, settings.seed)
    others = folds[:, None] != np.arange(number)
    ensemble = Ensemble.build(number, number, objects, settings, second)
    epochs = ensemble.train(
        objects,
        labels,
        others,
        settings,
        checkpoints,
        should_stop=should_stop,
        report_epoch=report_epoch,
    )
    of_folds = _of_own_folds(ensemble, objects, folds, settings.num_classes)
    if number < 2:
        uniform = np.full_like(of_folds.dense, 1 / settings.num_classes)
        of_folds = NetProbabilities(uniform, uniform if second else None)
    mixture = fit_mixture(of_folds, labels)
    return CrossValidation(ensemble, epochs, mixture, mixture.probabilities(of_folds), folds)


def _of_own_folds(
    ensemble: Ensemble, objects: EncodedObjects, folds: NDArray[np.int64], num_classes: int
) -> NetProbabilities:
    """Return for each object the prediction by the one net of each network that has not seen it."""
    dense, second = np.empty((2, 1, len(folds), num_classes), np.float32)
    has_second = False
    for fold in np.unique(folds):
        members = np.flatnonzero(folds == fold)
        of_nets = ensemble.predict(objects[members])
        dense[0, members] = of_nets.dense[fold]
        if of_nets.second is not None:
            has_second = True
            second[0, members] = of_nets.second[fold]
    return NetProbabilities(dense, second if has_second else None)


def _of_net(of_nets: NetProbabilities, number: int) -> NetProbabilities:
    second = None if of_nets.second is None else of_nets.second[[number]]
    return NetProbabilities(of_nets.dense[[number]], second)


def _folds(labels: Labels, number: int, seed: int) -> NDArray[np.int64]:
    """Return each example's fold, shape (objects,): random, with each class spread evenly."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), np.int64)
    folds[order] = np.arange(len(labels)) % number
    return folds


def write_out_of_fold(file: Path, ids: Sequence[int | None], probabilities: Probabilities) -> None:
    """Write one line for each example, in the form of predictions, with its `labelloop-id` if it has one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    answers = best_first(probabilities, [_MOST_CLASSES_WRITTEN] * len(ids))
    with file.open("w", encoding="ascii") as stream:
        for identity, answer in zip(ids, answers, strict=True):
            line = answer if identity is None else {"labelloop-id": identity, **answer}
            stream.write(json.dumps(line) + "\n")

"""Fits the model: cross-validation, smoothing, removal of wrong labels, and calibration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import UNCALIBRATED, Importance
from classifier.checkpoints import Checkpoints
from classifier.distillation import PriorSignals
from classifier.encoded import EncodedObjects
from classifier.ensemble import Ensemble, SecondNetwork
from classifier.fitted_model import FittedModel
from classifier.hyperparameters import Hyperparameters
from classifier.importance import importance_of
from classifier.label_errors import find_label_errors
from classifier.nearest_examples import (
    NearestExamples,
    NearestExamplesChoice,
    better_without,
    choose_nearest_examples,
)
from classifier.neighbors import Places
from classifier.network import Labels, Probabilities
from classifier.out_of_fold import CrossValidation, cross_validate
from classifier.smoothing import Neighborhoods, Smoothing, SmoothingChoice, choose_smoothing
from classifier.stacking import StackingChoice, choose_stacking
from classifier.stopping import StopOrder, StopOrderedError

logger = logging.getLogger(__name__)

# The mean of the dense nets is more accurate than each of them, and their disagreement shows what the model
# does not know.
_DENSE_NETS = 5


@dataclass(frozen=True)
class References:
    """The objects over which predictions are smoothed, and the places of the examples."""

    objects: EncodedObjects
    neighborhoods: Neighborhoods
    places: Places
    """Of the examples, shape (examples, axes)."""
    unlabeled: Places
    """Of the references that are no examples, shape (unlabeled, axes)."""


@dataclass(frozen=True)
class Fit:
    """A trained model, and the out-of-fold predictions of its examples."""

    model: FittedModel
    out_of_fold: Probabilities | None
    """Shape (objects, classes); None if training was stopped before there was any."""


def fit(
    objects: EncodedObjects,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
    checkpoints: Checkpoints | None = None,
    references: References | None = None,
    signals: PriorSignals | None = None,
    second: SecondNetwork | None = None,
) -> Fit:
    """Train on the examples, from the checkpoints if there are any, and smooth over the references.

    The signals, of the examples' prior labels, have their say last: the nets do not see them. `second` is
    trained beside the dense nets.
    If training is stopped, the nets of the cross-validation become the model. Raises StopOrderedError if it
    is stopped before these nets have seen all examples once.
    """
    checkpoints = checkpoints or Checkpoints()
    crossed = _cross_validate(
        objects, labels, settings, stop, checkpoints.in_phase("cross-validation"), second
    )
    if not crossed.epochs:
        raise StopOrderedError
    if stop.given:
        logger.info("Stopped before the probabilities were calibrated: the model uses them as they are.")
        uncalibrated = FittedModel(crossed.ensemble, UNCALIBRATED, Smoothing.none(), NearestExamples.none())
        return Fit(uncalibrated, None)
    choice = _choose_smoothing(crossed, labels, references)
    nearest = _choose_nearest_examples(choice, labels, crossed.folds, references)
    importance = _importance_in_the_pool(references)
    kept = np.arange(len(labels))
    if settings.prune_label_errors:
        kept = np.flatnonzero(~_left_out(choice, nearest, labels, importance, crossed.folds, references))
    if importance is not None:
        nearest = _calibrated_for_the_pool(nearest, labels, importance)
    stacked = _choose_stacking(nearest.out_of_fold, signals, labels, settings.seed)
    ensemble = _train(objects[kept], labels[kept], settings, stop, checkpoints.in_phase("train"), second)
    if stop.given:
        logger.info("Stopped before the last training: the nets of the cross-validation are kept.")
        ensemble = crossed.ensemble
    smoothing, examples = Smoothing.none(), NearestExamples.none()
    if references:
        examples = nearest.of(references.places, labels)
    if references and choice.share:
        of_references = crossed.mixture.probabilities(ensemble.predict(references.objects))
        smoothing = choice.smoothing(references.neighborhoods, of_references, labels)
    model = FittedModel(ensemble, crossed.mixture, smoothing, examples, stacked.stacking)
    return Fit(model, stacked.out_of_fold)


def _choose_smoothing(
    crossed: CrossValidation, labels: Labels, references: References | None
) -> SmoothingChoice:
    # For a single example, there are no other folds.
    if not references or len(labels) < 2:
        return SmoothingChoice(0.0, 1.0, crossed.probabilities)
    neighborhoods, of_references = references.neighborhoods, crossed.of_all_folds(references.objects)
    choice = choose_smoothing(neighborhoods, of_references, crossed.probabilities, labels, crossed.folds)
    logger.info(
        "out-of-fold:smoothed_accuracy=%.4f (neighbors' share %.1f, temperature %.3f, %d references)",
        np.mean(choice.out_of_fold.argmax(axis=1) == labels),
        choice.share,
        choice.temperature,
        neighborhoods.graph.shape[0],
    )
    return choice


def _choose_nearest_examples(
    smoothed: SmoothingChoice, labels: Labels, folds: NDArray[np.int64], references: References | None
) -> NearestExamplesChoice:
    if not references:
        return NearestExamplesChoice(0.0, 1.0, smoothed.out_of_fold)
    choice = choose_nearest_examples(references.places, smoothed.out_of_fold, labels, folds)
    logger.info(
        "out-of-fold:accuracy_with_nearest_examples=%.4f (weight %.3f, temperature %.3f)",
        np.mean(choice.out_of_fold.argmax(axis=1) == labels),
        choice.weight,
        choice.temperature,
    )
    return choice


def _importance_in_the_pool(references: References | None) -> Importance | None:
    """Return how many examples each one counts for, shape (examples,); None without a pool."""
    if not references or not len(references.unlabeled):
        return None
    return importance_of(references.places, references.unlabeled)


def _calibrated_for_the_pool(
    nearest: NearestExamplesChoice, labels: Labels, importance: Importance
) -> NearestExamplesChoice:
    calibrated = nearest.calibrated(labels, importance)
    logger.info("out-of-fold:temperature_for_the_pool=%.3f", calibrated.temperature / nearest.temperature)
    return calibrated


def _choose_stacking(
    out_of_fold: Probabilities, signals: PriorSignals | None, labels: Labels, seed: int
) -> StackingChoice:
    if signals is None:
        return StackingChoice(None, out_of_fold)
    choice = choose_stacking(out_of_fold, signals, labels, seed)
    logger.info(
        "out-of-fold:accuracy_with_prior_labels=%.4f (%s)",
        np.mean(choice.out_of_fold.argmax(axis=1) == labels),
        "they count" if choice.stacking else "they do not count: they do not predict people's labels better",
    )
    return choice


def _left_out(
    smoothed: SmoothingChoice,
    nearest: NearestExamplesChoice,
    labels: Labels,
    importance: Importance | None,
    folds: NDArray[np.int64],
    references: References | None,
) -> NDArray[np.bool_]:
    """Return which labels look wrong, so that the nets must not learn from them, shape (objects,)."""
    doubted = find_label_errors(smoothed.out_of_fold, labels, importance)
    misleading = not references or better_without(
        doubted, nearest, references.places, smoothed.out_of_fold, labels, folds
    )
    logger.info(
        "Labels that look wrong: %d of %d, %s.",
        doubted.sum(),
        len(labels),
        "left out" if misleading else "supported by others",
    )
    return doubted & misleading


def _cross_validate(
    objects: EncodedObjects,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
    checkpoints: Checkpoints,
    second: SecondNetwork | None,
) -> CrossValidation:
    found = cross_validate(
        objects,
        labels,
        settings,
        checkpoints,
        should_stop=lambda: stop.given,
        report_epoch=_epoch_log("cross-validation", settings.epochs_for(len(labels))),
        second=second,
    )
    accuracy = np.mean(found.probabilities.argmax(axis=1) == labels)
    mixture = found.mixture
    logger.info(
        "out-of-fold:accuracy=%.4f (second network's share %.1f, temperature %.3f)",
        accuracy,
        mixture.second_share,
        mixture.temperature,
    )
    return found


def _train(
    objects: EncodedObjects,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
    checkpoints: Checkpoints,
    second: SecondNetwork | None,
) -> Ensemble:
    ensemble = Ensemble.build(_DENSE_NETS, second.nets if second else 0, objects, settings, second)
    ensemble.train(
        objects,
        labels,
        np.ones((len(labels), _DENSE_NETS), bool),
        settings,
        checkpoints,
        should_stop=lambda: stop.given,
        report_epoch=_epoch_log("train", settings.epochs_for(len(labels))),
    )
    return ensemble


def _epoch_log(phase: str, epochs: int) -> Callable[[int, float], None]:
    def log(epoch: int, loss: float) -> None:
        logger.info("%s:loss=%.4f (epoch %d of %d)", phase, loss, epoch, epochs)

    return log

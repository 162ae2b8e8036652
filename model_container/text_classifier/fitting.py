"""Fits the model: cross-validation, smoothing, removal of wrong labels, and calibration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from text_classifier.calibration import UNCALIBRATED
from text_classifier.checkpoints import Checkpoints
from text_classifier.distillation import PriorSignals
from text_classifier.ensemble import Ensemble
from text_classifier.features import EncodedTexts
from text_classifier.fitted_model import FittedModel
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.label_errors import find_label_errors
from text_classifier.nearest_examples import (
    NearestExamples,
    NearestExamplesChoice,
    better_without,
    choose_nearest_examples,
)
from text_classifier.neighbors import Places
from text_classifier.network import Labels, Probabilities
from text_classifier.out_of_fold import CrossValidation, cross_validate
from text_classifier.smoothing import Neighborhoods, Smoothing, SmoothingChoice, choose_smoothing
from text_classifier.stacking import StackingChoice, choose_stacking
from text_classifier.stopping import StopOrder, StopOrderedError

logger = logging.getLogger(__name__)

# The mean of the dense nets is more accurate than each of them, and their disagreement shows what the model
# does not know. The token nets are linear, so one of them is enough: all would predict the same.
_DENSE_NETS = 5
_TOKEN_NETS = 1


@dataclass(frozen=True)
class References:
    """The texts over which predictions are smoothed, and the places of the examples."""

    texts: EncodedTexts
    neighborhoods: Neighborhoods
    places: Places
    """Of the examples, shape (examples, axes)."""


@dataclass(frozen=True)
class Fit:
    """A trained model, and the out-of-fold predictions of its examples."""

    model: FittedModel
    out_of_fold: Probabilities | None
    """Shape (texts, classes); None if training was stopped before there was any."""


def fit(
    texts: EncodedTexts,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
    checkpoints: Checkpoints | None = None,
    references: References | None = None,
    signals: PriorSignals | None = None,
) -> Fit:
    """Train on the examples, from the checkpoints if there are any, and smooth over the references.

    The signals, of the examples' prior labels, have their say last: the nets do not see them.
    If training is stopped, the nets of the cross-validation become the model. Raises StopOrderedError if it
    is stopped before these nets have seen all examples once.
    """
    checkpoints = checkpoints or Checkpoints()
    crossed = _cross_validate(texts, labels, settings, stop, checkpoints.in_phase("cross-validation"))
    if not crossed.epochs:
        raise StopOrderedError
    if stop.given:
        logger.info("Stopped before the probabilities were calibrated: the model uses them as they are.")
        uncalibrated = FittedModel(crossed.ensemble, UNCALIBRATED, Smoothing.none(), NearestExamples.none())
        return Fit(uncalibrated, None)
    choice = _choose_smoothing(crossed, labels, references)
    nearest = _choose_nearest_examples(choice, labels, crossed.folds, references)
    kept = np.arange(len(labels))
    stacked = _choose_stacking(nearest.out_of_fold, signals, labels, settings.seed)
    if settings.prune_label_errors:
        kept = np.flatnonzero(~_left_out(choice, nearest, labels, crossed.folds, references))
    ensemble = _train(texts[kept], labels[kept], settings, stop, checkpoints.in_phase("train"))
    if stop.given:
        logger.info("Stopped before the last training: the nets of the cross-validation are kept.")
        ensemble = crossed.ensemble
    smoothing, examples = Smoothing.none(), NearestExamples.none()
    if references:
        examples = nearest.of(references.places, labels)
    if references and choice.share:
        of_references = crossed.mixture.probabilities(ensemble.predict(references.texts))
        smoothing = choice.smoothing(references.neighborhoods, of_references, labels)
    model = FittedModel(ensemble, crossed.mixture, smoothing, examples, stacked.stacking)
    return Fit(model, stacked.out_of_fold)


def _choose_smoothing(
    crossed: CrossValidation, labels: Labels, references: References | None
) -> SmoothingChoice:
    # For a single example, there are no other folds.
    if not references or len(labels) < 2:
        return SmoothingChoice(0.0, 1.0, crossed.probabilities)
    neighborhoods, of_references = references.neighborhoods, crossed.of_all_folds(references.texts)
    choice = choose_smoothing(neighborhoods, of_references, crossed.probabilities, labels, crossed.folds)
    logger.info(
        "out-of-fold:smoothed_accuracy=%.4f (neighbors' share %.1f, temperature %.3f, %d texts)",
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
    folds: NDArray[np.int64],
    references: References | None,
) -> NDArray[np.bool_]:
    """Return which labels look wrong, so that the nets must not learn from them, shape (texts,)."""
    doubted = find_label_errors(smoothed.out_of_fold, labels)
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
    texts: EncodedTexts,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
    checkpoints: Checkpoints,
) -> CrossValidation:
    found = cross_validate(
        texts,
        labels,
        settings,
        checkpoints,
        should_stop=lambda: stop.given,
        report_epoch=_epoch_log("cross-validation", settings.epochs_for(len(labels))),
    )
    accuracy = np.mean(found.probabilities.argmax(axis=1) == labels)
    mixture = found.mixture
    logger.info(
        "out-of-fold:accuracy=%.4f (token nets' share %.1f, temperature %.3f)",
        accuracy,
        mixture.token_share,
        mixture.temperature,
    )
    return found


def _train(
    texts: EncodedTexts,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
    checkpoints: Checkpoints,
) -> Ensemble:
    ensemble = Ensemble.build(_DENSE_NETS, _TOKEN_NETS, texts, settings)
    ensemble.train(
        texts,
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

"""How the ensemble is fitted: cross-validated, rid of wrong labels, and calibrated."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from text_classifier.calibration import UNCALIBRATED, Mixture
from text_classifier.ensemble import Ensemble
from text_classifier.features import EncodedTexts
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.label_errors import find_label_errors
from text_classifier.network import Labels, Probabilities
from text_classifier.out_of_fold import CrossValidation, cross_validate
from text_classifier.stopping import StopOrder, StopOrderedError

logger = logging.getLogger(__name__)

# The mean of the dense nets is more accurate than any of them, and what they disagree on tells what the model
# does not know. Of the linear token nets one says what all would.
_DENSE_NETS = 5
_TOKEN_NETS = 1


@dataclass(frozen=True)
class Fit:
    """A trained ensemble, and how its nets are mixed."""

    ensemble: Ensemble
    mixture: Mixture
    out_of_fold: Probabilities | None
    """Shape (texts, classes); None when stopped before there was any."""


def fit(texts: EncodedTexts, labels: Labels, settings: Hyperparameters, stop: StopOrder) -> Fit:
    """Train on the examples. When stopped on the way, the nets of the cross-validation are the model.

    Raises StopOrderedError when stopped before those have seen all examples once.
    """
    crossed = _cross_validate(texts, labels, settings, stop)
    if not crossed.epochs:
        raise StopOrderedError
    if stop.given:
        logger.info("Stopped before the probabilities were calibrated: they are the nets' own.")
        return Fit(crossed.ensemble, UNCALIBRATED, None)
    kept = _without_label_errors(crossed.probabilities, labels, settings)
    ensemble = _train(texts[kept], labels[kept], settings, stop)
    if stop.given:
        logger.info("Stopped before the last training: the nets of the cross-validation are kept.")
        ensemble = crossed.ensemble
    return Fit(ensemble, crossed.mixture, crossed.probabilities)


def _without_label_errors(
    out_of_fold: Probabilities, labels: Labels, settings: Hyperparameters
) -> NDArray[np.int64]:
    """Return the numbers of the examples to learn from."""
    if not settings.prune_label_errors:
        return np.arange(len(labels))
    wrong = find_label_errors(out_of_fold, labels)
    logger.info("Labels that look wrong: %d of %d, left out.", wrong.sum(), len(labels))
    return np.flatnonzero(~wrong)


def _cross_validate(
    texts: EncodedTexts,
    labels: Labels,
    settings: Hyperparameters,
    stop: StopOrder,
) -> CrossValidation:
    found = cross_validate(
        texts,
        labels,
        settings,
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


def _train(texts: EncodedTexts, labels: Labels, settings: Hyperparameters, stop: StopOrder) -> Ensemble:
    ensemble = Ensemble.build(_DENSE_NETS, _TOKEN_NETS, texts, settings)
    ensemble.train(
        texts,
        labels,
        np.ones((len(labels), _DENSE_NETS), bool),
        settings,
        should_stop=lambda: stop.given,
        report_epoch=_epoch_log("train", settings.epochs_for(len(labels))),
    )
    return ensemble


def _epoch_log(phase: str, epochs: int) -> Callable[[int, float], None]:
    def log(epoch: int, loss: float) -> None:
        logger.info("%s:loss=%.4f (epoch %d of %d)", phase, loss, epoch, epochs)

    return log

"""Predictions of the training examples, each by nets that have not seen it (cross-validation).

The features of a text do not depend on the labels, so only the small networks are trained again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text_classifier.calibration import Mixture, NetProbabilities, fit_mixture
from text_classifier.checkpoints import Checkpoints
from text_classifier.ensemble import Ensemble
from text_classifier.features import EncodedTexts
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.network import Labels, Probabilities
from text_classifier.predictions import best_first

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
    """For each example, mixed and calibrated, shape (texts, classes)."""
    folds: NDArray[np.int64]
    """The fold of each example, shape (texts,)."""

    def of_all_folds(self, texts: EncodedTexts) -> Probabilities:
        """Return the predictions by the nets of each fold for any texts, shape (folds, texts, classes)."""
        of_nets = self.ensemble.predict(texts)
        return np.stack(
            [
                self.mixture.probabilities(
                    NetProbabilities(of_nets.dense[[fold]], of_nets.tokens[[fold]]),
                )
                for fold in range(len(of_nets.dense))
            ]
        )


def cross_validate(
    texts: EncodedTexts,
    labels: Labels,
    settings: Hyperparameters,
    checkpoints: Checkpoints,
    *,
    should_stop: Callable[[], bool],
    report_epoch: Callable[[int, float], None],
) -> CrossValidation:
    """Train a net for each fold, and let it predict the fold. If this is stopped, only the nets are usable.

    A single example is predicted by a net that has seen nothing: all classes are equally likely.
    """
    number = min(_FOLDS, len(labels))
    folds = _folds(labels, number, settings.seed)
    others = folds[:, None] != np.arange(number)
    ensemble = Ensemble.build(number, number, texts, settings)
    epochs = ensemble.train(
        texts,
        labels,
        others,
        settings,
        checkpoints,
        should_stop=should_stop,
        report_epoch=report_epoch,
    )
    of_folds = _of_own_folds(ensemble, texts, folds, settings.num_classes)
    if number < 2:
        uniform = np.full_like(of_folds.dense, 1 / settings.num_classes)
        of_folds = NetProbabilities(uniform, uniform)
    mixture = fit_mixture(of_folds, labels)
    return CrossValidation(ensemble, epochs, mixture, mixture.probabilities(of_folds), folds)


def _of_own_folds(
    ensemble: Ensemble, texts: EncodedTexts, folds: NDArray[np.int64], num_classes: int
) -> NetProbabilities:
    """Return for each text the prediction by the one net of each network that has not seen it."""
    found = NetProbabilities(*np.empty((2, 1, len(folds), num_classes), np.float32))
    for fold in np.unique(folds):
        members = np.flatnonzero(folds == fold)
        of_nets = ensemble.predict(texts[members])
        found.dense[0, members] = of_nets.dense[fold]
        found.tokens[0, members] = of_nets.tokens[fold]
    return found


def _folds(labels: Labels, number: int, seed: int) -> NDArray[np.int64]:
    """Return each example's fold, shape (texts,): random, with each class spread evenly."""
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

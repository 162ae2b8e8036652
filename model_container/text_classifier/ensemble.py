"""The nets that are trained together and predict together: dense nets on features, token nets on TF-IDF.

Dense nets know what texts mean. Token nets know which words and word pieces decide. They are wrong on
different texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text_classifier.calibration import NetProbabilities
from text_classifier.checkpoints import Checkpoints
from text_classifier.features import EncodedTexts
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.network import (
    Labels,
    Network,
    Schedule,
    Weights,
    build_dense_network,
    build_token_network,
    load_network,
    prediction_function,
    train_network,
)

_DENSE_WEIGHT_DECAY = 0.004
# Token nets learn fast and soon overfit. Measured on headlines: 500 records need about 80 steps. With 5,000
# records, the nets get worse from the sixth epoch on.
_TOKEN_STEPS = 80
_FEWEST_TOKEN_EPOCHS = 5
_MOST_TOKEN_EPOCHS = 20
_TOKEN_BATCH = 128
_TOKEN_LEARNING_RATE = 0.01
_TOKEN_LABEL_SMOOTHING = 0.02
# Rare classes have a higher weight in the loss than their share. At 1.0, all classes would weigh the same.
# Measured out of fold on headlines, where one class had 3 in 100: 0.7 was best for rare classes, and lost
# nothing on the others.
_BALANCE = 0.7


class Ensemble:
    """A dense and a token network, each of several nets."""

    def __init__(self, dense: Network, tokens: Network) -> None:
        self._dense = dense
        self._tokens = tokens
        self._predict_dense = prediction_function(dense)
        self._predict_tokens = prediction_function(tokens)

    @classmethod
    def build(
        cls, dense_nets: int, token_nets: int, texts: EncodedTexts, settings: Hyperparameters
    ) -> Ensemble:
        """Build untrained nets for texts with this encoding."""
        classes, seed = settings.num_classes, settings.seed
        return cls(
            build_dense_network(dense_nets, texts.features.shape[1], classes, seed),
            build_token_network(token_nets, texts.tokens.shape[1], classes, seed),
        )

    def train(
        self,
        texts: EncodedTexts,
        labels: Labels,
        learns: NDArray[np.bool_],
        settings: Hyperparameters,
        checkpoints: Checkpoints,
        *,
        should_stop: Callable[[], bool],
        report_epoch: Callable[[int, float], None],
    ) -> int:
        """Train all nets, the dense ones first, and return how many epochs the dense nets saw.

        learns: shape (texts, nets), whether a net may learn from a text. A network with fewer nets uses the
        first columns. report_epoch gets each epoch of the dense nets and its mean loss.
        """
        weights = learns * _class_weights(labels, settings.num_classes)[labels, None]
        epochs = train_network(
            self._dense,
            texts.features,
            labels,
            weights[:, : self._dense.output_shape[1]],
            _dense_schedule(len(labels), settings),
            checkpoints.of("dense"),
            should_stop=should_stop,
            report_epoch=report_epoch,
        )
        train_network(
            self._tokens,
            texts.tokens,
            labels,
            weights[:, : self._tokens.output_shape[1]],
            _token_schedule(len(labels), settings.seed),
            checkpoints.of("tokens"),
            should_stop=should_stop,
        )
        return epochs

    def predict(self, texts: EncodedTexts) -> NetProbabilities:
        return NetProbabilities(self._predict_dense(texts.features), self._predict_tokens(texts.tokens))

    def save(self, folder: Path) -> None:
        self._dense.save(folder / "dense.keras")
        self._tokens.save(folder / "tokens.keras")

    @classmethod
    def load(cls, folder: Path) -> Ensemble:
        return cls(load_network(folder / "dense.keras"), load_network(folder / "tokens.keras"))


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


def _token_schedule(records: int, seed: int) -> Schedule:
    wanted = math.ceil(_TOKEN_STEPS / math.ceil(records / _TOKEN_BATCH))
    epochs = int(np.clip(wanted, _FEWEST_TOKEN_EPOCHS, _MOST_TOKEN_EPOCHS))
    return Schedule(epochs, _TOKEN_BATCH, _TOKEN_LEARNING_RATE, _TOKEN_LABEL_SMOOTHING, 0.0, seed)

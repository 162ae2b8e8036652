"""The Keras network: a softmax over weighted tokens, how it is trained, and how it predicts."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from text_classifier.features import TokenLists
from text_classifier.hyperparameters import Hyperparameters

# Before the import: TensorFlow's greetings would bury our own lines, and Keras must not take another backend
# that the user's own settings may name.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# Loading makes a great many objects and frees none: without the collector it is a tenth faster.
gc.disable()
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

gc.enable()
gc.freeze()

Network: TypeAlias = keras.Model
Probabilities = NDArray[np.float32]
Labels = NDArray[np.int64]

# Rare classes weigh more in the loss than their share, though short of all classes alike (1.0): of 0, 0.5,
# 0.7 and 1, on unbalanced headlines, this gave the most certain labels right.
_BALANCE = 0.7


def make_reproducible(seed: int) -> None:
    """Seed all randomness, and have every operation give the same result each time."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    # So small a network gains nothing there, and its sparse product has no deterministic form there.
    tf.config.set_visible_devices([], "GPU")


def build_network(vocabulary_size: int, num_classes: int) -> Network:
    """Build the network: a sparse matrix of shape (texts, vocabulary size) to (texts, classes).

    It is linear up to the softmax. Learning each token's place among a few units, instead of a weight for
    each token and class, tells many classes apart from few examples; a nonlinearity gained nothing.
    """
    tokens = keras.Input((vocabulary_size,), sparse=True, name="tokens")
    units = keras.layers.Dense(min(64, max(16, 2 * num_classes)), use_bias=False, name="units")(tokens)
    classes = keras.layers.Dense(num_classes, activation="softmax", name="classes")(units)
    return keras.Model(tokens, classes, name="text_classifier")


def train_network(
    network: Network,
    tokens: TokenLists,
    labels: Labels,
    settings: Hyperparameters,
    *,
    should_stop: Callable[[], bool],
    report_epoch: Callable[[int, float], None],
) -> int:
    """Train the network and return how many epochs it saw, fewer than asked for when `should_stop` said so.

    report_epoch is given each epoch's number, from 1, and its mean loss.
    """
    epochs = settings.epochs_for(len(labels))
    step = _training_step(network, settings, steps=epochs * math.ceil(len(labels) / settings.batch_size))
    one_hot = np.eye(settings.num_classes, dtype=np.float32)
    weights = _class_weights(labels, settings.num_classes)
    order = np.random.default_rng(settings.seed)
    for epoch in range(1, epochs + 1):
        losses = []
        for batch in _batches(order.permutation(len(labels)), settings.batch_size):
            if should_stop():
                return epoch - 1
            target = labels[batch]
            rows = _sparse(network, tokens.of_texts(batch))
            losses.append(step(rows, one_hot[target], weights[target]))
        report_epoch(epoch, float(np.mean(losses)))
    return epochs


def prediction_function(network: Network) -> Callable[[TokenLists], Probabilities]:
    """Return what gives each text's probabilities, shape (texts, classes), without Keras' overhead a call."""
    compiled = tf.function(
        lambda rows: network(rows, training=False), input_signature=[_specification(network)]
    )
    return lambda tokens: np.asarray(compiled(_sparse(network, tokens)), np.float32)


def load_network(file: Path) -> Network:
    """Read a network that `Network.save` wrote."""
    return keras.models.load_model(file, compile=False)


def versions() -> dict[str, str]:
    """What a network depends on to predict as it did."""
    return {"keras": keras.__version__, "numpy": np.__version__, "tensorflow": tf.__version__}


def _training_step(network: Network, settings: Hyperparameters, steps: int) -> Callable[..., Any]:
    """Return what takes rows, one-hot labels and weights, makes one step, and returns the loss.

    Not `fit`: its overhead an epoch is longer than the training itself on a few hundred texts.
    """
    loss_of = keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps))
    variables = network.trainable_variables
    optimizer.build(variables)

    def step(rows: tf.SparseTensor, target: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(target, network(rows, training=True), weights)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    target_specification = tf.TensorSpec((None, settings.num_classes), tf.float32)
    weights_specification = tf.TensorSpec((None,), tf.float32)
    signature = [_specification(network), target_specification, weights_specification]
    return tf.function(step, input_signature=signature)  # type: ignore[no-any-return]


def _batches(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _class_weights(labels: Labels, num_classes: int) -> NDArray[np.float32]:
    """Return each class's weight, shape (classes,): the mean over all examples is 1."""
    counts = np.bincount(labels, minlength=num_classes)
    weights = np.maximum(counts, 1) ** -_BALANCE
    return (weights * (len(labels) / (weights @ counts))).astype(np.float32)


def _specification(network: Network) -> tf.SparseTensorSpec:
    return tf.SparseTensorSpec((None, network.input_shape[1]), tf.float32)


def _sparse(network: Network, tokens: TokenLists) -> tf.SparseTensor:
    return tf.SparseTensor(tokens.coordinates, tokens.weights, (len(tokens), network.input_shape[1]))

"""Keras networks, each with several nets side by side, and how they are trained.

The nets of a network have the same shape. They differ in their random start and in the examples they learn
from. They are one Keras model with an axis `net`, so one step trains all of them. This is far quicker than
one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier.backend import keras, tf
from classifier.checkpoints import Checkpoint
from classifier.encoded import SecondView

Network: TypeAlias = keras.Model
Inputs: TypeAlias = NDArray[np.float32] | SecondView
Probabilities = NDArray[np.float32]
Labels = NDArray[np.int64]
Weights = NDArray[np.float32]

_UNITS = 128
_DROPPED_INPUTS = 0.3
_DROPPED_UNITS = 0.4
_OBJECTS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network learns."""

    epochs: int
    batch_size: int
    learning_rate: float
    """The initial learning rate of AdamW. It falls to 0 along a cosine."""
    label_smoothing: float
    weight_decay: float
    seed: int
    """For the order of the examples."""


def build_dense_network(nets: int, num_features: int, num_classes: int, seed: int) -> Network:
    """Build nets from features of shape (objects, features) to logits of shape (objects, nets, classes)."""
    features = keras.Input((num_features,), name="features")
    kept = keras.layers.Dropout(_DROPPED_INPUTS, seed=seed)(features)
    # Glorot's uniform distribution for each net, whatever their number.
    scale = (num_features + nets * _UNITS) / (num_features + _UNITS)
    start = keras.initializers.VarianceScaling(scale, "fan_avg", "uniform", seed=seed + 1)
    units = keras.layers.Dense(nets * _UNITS, "relu", kernel_initializer=start, name="units")(kept)
    units = keras.layers.Dropout(_DROPPED_UNITS, seed=seed + 2)(units)
    return keras.Model(features, logits(units, nets, _UNITS, num_classes, seed + 3), name="dense")


def logits(units: Any, nets: int, width: int, num_classes: int, seed: int) -> Any:
    """Return the last layer's output, shape (objects, nets, classes), for units of shape (objects, nets *
    width).
    """
    of_nets = keras.layers.Reshape((nets, width))(units)
    # Keras counts the axis of the nets as inputs and outputs. The scale corrects this.
    start = keras.initializers.VarianceScaling(nets, "fan_avg", "uniform", seed=seed)
    return keras.layers.EinsumDense(
        "bni,nio->bno", (nets, num_classes), bias_axes="no", kernel_initializer=start, name="logits"
    )(of_nets)


def train_network(
    network: Network,
    inputs: Inputs,
    labels: Labels,
    weights: Weights,
    schedule: Schedule,
    checkpoint: Checkpoint,
    *,
    should_stop: Callable[[], bool],
    report_epoch: Callable[[int, float], None] = lambda *_: None,
) -> int:
    """Train the nets, from the checkpoint on, and return how many epochs they saw: fewer if stopped.

    inputs: shape (objects, ...); labels: shape (objects,); weights: how much each object counts for each net,
    shape (objects, nets), 0 where the net must not learn from it. should_stop ends the training. report_epoch
    gets the number of each finished epoch, from 1, and its mean loss.
    """
    batches = math.ceil(len(labels) / schedule.batch_size)
    step, variables = _training_step(network, schedule, batches * schedule.epochs)
    done = checkpoint.restore(variables)
    order = np.random.default_rng(schedule.seed)
    for epoch in range(1, schedule.epochs + 1):
        losses = []
        for number, batch in enumerate(np.array_split(order.permutation(len(labels)), batches)):
            steps = (epoch - 1) * batches + number
            if steps < done:
                continue
            if should_stop():
                checkpoint.keep(variables, steps)
                return epoch - 1
            losses.append(step(_tensor(inputs[batch]), labels[batch], weights[batch]))
            checkpoint.keep_at_times(variables, steps + 1)
        if losses:
            report_epoch(epoch, float(np.mean(losses)))
    checkpoint.keep(variables, batches * schedule.epochs)
    return schedule.epochs


def prediction_function(network: Network) -> Callable[[Inputs], Probabilities]:
    """Return a function from inputs to each net's probabilities, shape (nets, objects, classes)."""

    def of_all_nets(inputs: Any) -> Any:
        return tf.transpose(tf.nn.softmax(network(inputs, training=False)), (1, 0, 2))

    compiled = tf.function(of_all_nets, input_signature=[_specification(network)])

    def predict(inputs: Inputs) -> Probabilities:
        starts = range(0, max(1, inputs.shape[0]), _OBJECTS_AT_ONCE)
        parts = [compiled(_tensor(inputs[start : start + _OBJECTS_AT_ONCE])).numpy() for start in starts]
        return np.concatenate(parts, axis=1)

    return predict


def load_network(file: Path) -> Network:
    """Read a network that `Network.save` wrote."""
    return keras.models.load_model(file, compile=False)


def _training_step(network: Network, schedule: Schedule, steps: int) -> tuple[Callable[..., Any], list[Any]]:
    """Return the function of one training step, and all variables that a step changes.

    A step takes a batch's inputs, labels and weights, and returns the nets' mean loss. Keras' `fit` is not
    used: on a few hundred objects, its overhead for each epoch is longer than the training itself.
    """
    nets, num_classes = network.output_shape[1:]
    rate = keras.optimizers.schedules.CosineDecay(schedule.learning_rate, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay)
    variables = network.trainable_variables
    optimizer.build(variables)

    def step(inputs: Any, labels: Any, weights: Any) -> Any:
        targets = tf.repeat(tf.one_hot(labels, num_classes)[:, None], nets, axis=1)
        with tf.GradientTape() as tape:
            losses = keras.losses.categorical_crossentropy(
                targets,
                network(inputs, training=True),
                from_logits=True,
                label_smoothing=schedule.label_smoothing,
            )
            of_nets = tf.math.divide_no_nan(tf.reduce_sum(losses * weights, 0), tf.reduce_sum(weights, 0))
            # The sum over nets, so that each net is trained as if it were alone.
            loss = tf.reduce_sum(of_nets)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss / nets

    signature = [
        _specification(network),
        tf.TensorSpec((None,), tf.int64),
        tf.TensorSpec((None, nets), tf.float32),
    ]
    return tf.function(step, input_signature=signature), [*network.variables, *optimizer.variables]


def _specification(network: Network) -> Any:
    shape, inputs = (None, *network.input_shape[1:]), network.inputs[0]
    return (tf.SparseTensorSpec if inputs.sparse else tf.TensorSpec)(shape, inputs.dtype)


def _tensor(inputs: Inputs) -> Any:
    if isinstance(inputs, np.ndarray):
        return inputs
    rows = np.repeat(np.arange(inputs.shape[0]), np.diff(inputs.indptr))
    coordinates = np.stack([rows, inputs.indices], axis=1).astype(np.int64)
    return tf.SparseTensor(coordinates, inputs.data, inputs.shape)

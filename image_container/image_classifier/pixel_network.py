"""Without a backbone, the second network is a small convolutional one, which learns from shifted images."""

from __future__ import annotations

from typing import Any

from classifier.backend import keras
from classifier.encoded import EncodedObjects
from classifier.ensemble import SecondNetwork
from classifier.hyperparameters import epochs_of
from classifier.network import Network, Schedule, logits

_NETS = 2
# Of the three convolutions, each followed by pooling.
_CHANNELS = (16, 32, 64)
_LARGEST_SHIFT = 0.1
_LARGEST_TURN = 0.03
_DROPPED_UNITS = 0.3
_STEPS = 600
_FEWEST_EPOCHS = 8
_MOST_EPOCHS = 60
_BATCH = 64
_LEARNING_RATE = 0.004
_LABEL_SMOOTHING = 0.05
_WEIGHT_DECAY = 0.004


def build_pixel_network(nets: int, side: int, num_classes: int, seed: int) -> Network:
    """Build nets from pixels of shape (images, side, side, 3) to logits of shape (images, nets, classes).

    Images are not mirrored in training: digits, letters and arrows would change their meaning.
    """
    pixels = keras.Input((side, side, 3), dtype="uint8", name="pixels")
    found = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    shifts = (-_LARGEST_SHIFT, _LARGEST_SHIFT)
    found = keras.layers.RandomTranslation(shifts, shifts, fill_mode="nearest", seed=seed)(found)
    turns = (-_LARGEST_TURN, _LARGEST_TURN)
    found = keras.layers.RandomRotation(turns, fill_mode="nearest", seed=seed + 1)(found)
    of_nets = [_units(found, seed + 10 * (net + 1)) for net in range(nets)]
    units = keras.layers.Concatenate()(of_nets) if nets > 1 else of_nets[0]
    return keras.Model(pixels, logits(units, nets, _CHANNELS[-1], num_classes, seed + 2), name="pixels")


def _units(images: Any, seed: int) -> Any:
    found = images
    for number, channels in enumerate(_CHANNELS):
        start = keras.initializers.HeUniform(seed + number)
        found = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", kernel_initializer=start)(
            found
        )
        found = keras.layers.MaxPooling2D()(found)
    found = keras.layers.Flatten()(found)
    found = keras.layers.Dropout(_DROPPED_UNITS, seed=seed + 8)(found)
    start = keras.initializers.HeUniform(seed + 9)
    return keras.layers.Dense(_CHANNELS[-1], "relu", kernel_initializer=start)(found)


def _build(nets: int, images: EncodedObjects, num_classes: int, seed: int) -> Network:
    assert images.second is not None
    return build_pixel_network(nets, images.second.shape[1], num_classes, seed)


def _schedule(records: int, seed: int) -> Schedule:
    epochs = epochs_of(_STEPS, records, _BATCH, _FEWEST_EPOCHS, _MOST_EPOCHS)
    return Schedule(epochs, _BATCH, _LEARNING_RATE, _LABEL_SMOOTHING, _WEIGHT_DECAY, seed)


PIXELS = SecondNetwork("pixels", _NETS, _build, _schedule)
"""Two convolutional nets."""

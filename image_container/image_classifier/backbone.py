"""The frozen pretrained network that turns images into vectors: which one is installed, and its vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from classifier.failures import UserError
from numpy.typing import NDArray
from PIL import Image

from image_classifier.backbone_files import FILES, NO_BACKBONE, WEIGHTS, sha256_of
from image_classifier.efficientnet_tensors import number_of_features
from image_classifier.pictures import Pixels
from image_classifier.torch_weights import read_tensors

_OF_THE_IMAGE = Path("/opt/backbone")
VARIABLE = "IMAGE_BACKBONE"
_LARGEST_RESOLUTION = 1_024
# Raise it when the same files would give other vectors.
_VERSION = 1

Vectors = NDArray[np.float16]


class BackboneError(UserError):
    """Raised when the backbone's folder cannot be used."""


class Backbone:
    """A frozen EfficientNet-Lite. Its network is built when an image needs it."""

    def __init__(self, folder: Path) -> None:
        """Raises BackboneError when a file is missing or damaged."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise BackboneError(
                f"The backbone in {folder} lacks {', '.join(missing)}: fetch it with fetch_backbone, "
                f"or set {VARIABLE} to its folder."
            )
        self._folder = folder
        self._encode: Callable[[Any], Any] | None = None
        try:
            config = json.loads((folder / "backbone.json").read_text(encoding="utf-8"))
            self.resolutions = [int(one) for one in config["resolutions"]]
            if not self.resolutions or not all(32 <= one <= _LARGEST_RESOLUTION for one in self.resolutions):
                raise ValueError(f"the resolutions are {self.resolutions}")
        except (ValueError, KeyError, TypeError) as error:
            raise _unusable(folder, error) from error
        self.identity = sha256_of(folder / WEIGHTS)
        self._tensors = read_tensors(folder / WEIGHTS)
        try:
            self.size = len(self.resolutions) * number_of_features(self._tensors)
        except (KeyError, ValueError, IndexError) as error:
            raise _unusable(folder, error) from error

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Backbone | None:
        """Return the backbone of IMAGE_BACKBONE, or the image's own, or None. Raises BackboneError."""
        named = environment.get(VARIABLE, "").strip()
        if named == NO_BACKBONE or not (named or (_OF_THE_IMAGE / WEIGHTS).exists()):
            return None
        return cls(Path(named) if named else _OF_THE_IMAGE)

    @property
    def name(self) -> str:
        """Differs if the vectors would differ."""
        resolutions = "-".join(map(str, self.resolutions))
        return f"{self.identity[:32]}-{resolutions}-v{_VERSION}"

    @property
    def side(self) -> int:
        """Of the pictures that it takes, in pixels: its largest resolution."""
        return max(self.resolutions)

    def vectors(self, pictures: Sequence[Pixels]) -> Vectors:
        """Return each picture's features at each resolution, shape (pictures, features). They are in 16 bits.

        pictures: each of shape (side, side, 3).
        """
        if self._encode is None:
            self._encode = self._built()
        parts = [self._encode(_at(pictures, resolution)) for resolution in self.resolutions]
        return np.concatenate(parts, axis=1).astype(np.float16)

    def _built(self) -> Callable[[Any], Any]:
        from classifier.backend import tf

        from image_classifier.efficientnet_lite import build

        try:
            network = build(self._tensors)
        except (KeyError, ValueError, IndexError) as error:
            raise _unusable(self._folder, error) from error
        signature = [tf.TensorSpec((None, None, None, 3), tf.float32)]
        encode = tf.function(lambda images: network(images, training=False), input_signature=signature)
        return lambda images: encode(images).numpy()


def _at(pictures: Sequence[Pixels], resolution: int) -> NDArray[np.float32]:
    """Return the pictures at this resolution, shape (pictures, resolution, resolution, 3), from -1 to 1."""
    if pictures[0].shape[0] != resolution:
        size = (resolution, resolution)
        pictures = [
            np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
            for picture in pictures
        ]
    return np.stack(pictures).astype(np.float32) / np.float32(127.5) - np.float32(1)


def _unusable(folder: Path, error: Exception) -> BackboneError:
    return BackboneError(
        f"The backbone in {folder} cannot be used ({error!r:.200}): it must be an EfficientNet-Lite. "
        "Fetch it again with fetch_backbone."
    )

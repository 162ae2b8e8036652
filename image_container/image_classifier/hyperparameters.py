"""The hyperparameters of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from classifier.hyperparameters import JobHyperparameters, Reader, name, whole_number
from classifier.records import Content

from image_classifier.features import MOST_CHARACTERS

KIND = "image"


@dataclass(frozen=True)
class ImageHyperparameters(JobHyperparameters):
    """The settings of a training job of images."""

    image_attribute: str = "source-ref"
    """The key of the S3 URI of a record's image."""
    max_pool_images: int = 10_000
    """How many images of the channel `pool` are used for learning without labels, chosen at random."""

    readers: ClassVar[Mapping[str, Reader]] = {
        **JobHyperparameters.readers,
        "image_attribute": name,
        "max_pool_images": whole_number(0, 1_000_000),
    }

    @property
    def content(self) -> Content:
        return Content(KIND, self.image_attribute, MOST_CHARACTERS, self.max_pool_images)

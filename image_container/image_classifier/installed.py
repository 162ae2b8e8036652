"""What is installed for images here: the backbone, the source of images, and the cache of encodings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.contract import Contract
from classifier.encoding_cache import EncodingCache

from image_classifier.backbone import VARIABLE, Backbone
from image_classifier.features import BackboneView, ImageFeatures, PixelView
from image_classifier.image_source import ImageSource, S3Source, image_source
from image_classifier.projection import Projection

if TYPE_CHECKING:
    from classifier.ensemble import SecondNetwork

    from image_classifier.encoding_parts import EncodingParts

_BACKBONE = "backbone"
_ON_THIS_MACHINE = "ENCODING_CACHE"
_IN_S3 = "ENCODING_CACHE_S3_URI"


def image_features(
    backbone: Backbone | None, cache_folder: Path | None = None, projection: Projection | None = None
) -> ImageFeatures:
    """Return what encodes images from S3, or from the folder S3_FOLDER.

    Encodings are kept in one place: the folder ENCODING_CACHE, or if images come from S3 in
    ENCODING_CACHE_S3_URI, or in `cache_folder`, or nowhere. projection: what a training has learned.
    """
    source = image_source(os.environ)
    if backbone is None:
        return ImageFeatures(source, PixelView())
    named = os.environ.get(_ON_THIS_MACHINE, "").strip()
    parts = None if named else _parts_in_s3(source, backbone)
    folder = Path(named) if named else None if parts else cache_folder
    cache = EncodingCache(folder, backbone.name) if folder else None
    return ImageFeatures(source, BackboneView(backbone, cache, projection), parts)


def _parts_in_s3(source: ImageSource, backbone: Backbone) -> EncodingParts | None:
    uri = os.environ.get(_IN_S3, "").strip()
    # A folder has no ETags to tell whether an image is still the same.
    if not uri or not isinstance(source, S3Source):
        return None
    from image_classifier.encoding_parts import EncodingParts

    return EncodingParts.open(f"{uri.rstrip('/')}/{backbone.name}/", backbone.size, source.client)


def load_image_features(folder: Path, backbone: Backbone | None) -> ImageFeatures:
    """Return the same as a training has left it in a model artifact."""
    return image_features(backbone, projection=Projection.load(folder) if backbone else None)


def pretrained_parts(backbone: Backbone | None) -> dict[str, str | None]:
    """Return the SHA-256 of each part by its name; None if there is none."""
    return {_BACKBONE: backbone.identity if backbone else None}


def require_backbone(contract: Contract, backbone: Backbone | None) -> None:
    """Raises ContractError when a model was trained with another backbone."""
    contract.require(_BACKBONE, backbone.identity if backbone else None, VARIABLE)


def second_network(backbone: Backbone | None) -> SecondNetwork | None:
    """Return the network of pixels where there is no backbone. It loads TensorFlow."""
    if backbone is not None:
        return None
    from image_classifier.pixel_network import PIXELS

    return PIXELS

"""Jobs of the container of images that find them in S3, and what these jobs have their backbone encode."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from image_classifier.backbone import Backbone
from PIL import Image

if TYPE_CHECKING:
    from image_classifier.features import ImageFeatures

BUCKET = "bucket"
ENCODINGS = f"s3://{BUCKET}/out/run-1/encodings/"


def image(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def put_images(client: Any, seeds: Sequence[int]) -> list[str]:
    """Their addresses in S3."""
    for seed in seeds:
        client.put_object(Bucket=BUCKET, Key=f"in/{seed}.png", Body=image(seed))
    return [f"s3://{BUCKET}/in/{seed}.png" for seed in seeds]


def parts_in(client: Any) -> dict[str, bytes]:
    """The files of encodings, by their keys."""
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix="out/run-1/encodings/").get("Contents", ())
    return {item["Key"]: client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed}


@contextmanager
def counted() -> Iterator[list[int]]:
    """Within, every call of a backbone adds how many pictures it got."""
    sizes: list[int] = []
    encode = Backbone.vectors

    def vectors(backbone: Backbone, pictures: Sequence[Any]) -> Any:
        sizes.append(len(pictures))
        return encode(backbone, pictures)

    with patch.object(Backbone, "vectors", vectors):
        yield sizes


def job(uris: Sequence[str]) -> tuple[ImageFeatures, int]:
    """What a new job makes of these images, and how many its backbone encoded."""
    from image_classifier.installed import image_features

    with counted() as sizes:
        features = image_features(Backbone.of_environment(os.environ))
        features.fit(uris, seed=0)
    return features, sum(sizes)

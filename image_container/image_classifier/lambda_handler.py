"""The container as a Lambda function. It classifies a few images, to try a model or debug the container."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.lambda_events import Tried, answered

from image_classifier.backbone import Backbone

if TYPE_CHECKING:
    from classifier.model import Classifier

# Lambda's answers may take as long as its timeout, and an image is fetched from S3.
_TRIED = Tried("Images", 100, '"s3://bucket/image.jpg"')


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Classify images with a model artifact: {"ModelS3Uri": URI of a model.tar.gz, "Images": [S3 URI, ...]}.

    See `classifier.lambda_events.answered`. An image that cannot be read has {"error": "..."} in its place.
    """
    return answered(event, _TRIED, _load)


@lru_cache(maxsize=1)
def _load(folder: Path) -> Classifier:
    # Imported here because TensorFlow takes seconds to load. A mistake in the event is reported before that.
    from image_classifier.model import load_classifier

    return load_classifier(folder, Backbone.of_environment(os.environ))

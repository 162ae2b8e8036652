"""The container as a Lambda function. It classifies a few texts, to try a model or debug the container."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.lambda_events import Tried, answered

from text_classifier.encoder import SentenceEncoder

if TYPE_CHECKING:
    from classifier.model import Classifier

_TRIED = Tried("Texts", 1_000, '"a text"')


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Classify texts with a model artifact: {"ModelS3Uri": URI of a model.tar.gz, "Texts": [text, ...]}.

    See `classifier.lambda_events.answered`. Raises EventError, ContractError or EncoderError.
    """
    return answered(event, _TRIED, _load)


@lru_cache(maxsize=1)
def _load(folder: Path) -> Classifier:
    # Imported here because TensorFlow takes seconds to load. A mistake in the event is reported before that.
    from text_classifier.classifier import load_classifier

    return load_classifier(folder, SentenceEncoder.of_environment(os.environ))

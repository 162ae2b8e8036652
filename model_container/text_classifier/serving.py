"""The program `serve` for texts: what of `classifier.serving` depends on texts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import serving
from classifier.contract import Contract

from text_classifier.encoder import SentenceEncoder
from text_classifier.hyperparameters import KIND
from text_classifier.pretrained import require_encoder

if TYPE_CHECKING:
    from classifier.model import Classifier


def main() -> int:
    """Serve until SIGTERM. Returns the exit code. If it is 1, the reason is on stderr."""
    return serving.main(prepare)


def prepare(model: Path) -> Callable[[], Classifier]:
    """Check a model, and return what loads it. Raises ContractError or EncoderError."""
    contract = Contract.load(model, KIND)
    encoder = SentenceEncoder.of_environment(os.environ)
    require_encoder(contract, encoder)

    def load() -> Classifier:
        from text_classifier.classifier import load_classifier

        classifier = load_classifier(model, encoder)
        # The first prediction is slow. After this one, predictions are fast, and the model is known to work.
        classifier.predict(["ready"])
        return classifier

    return load

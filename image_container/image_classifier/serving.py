"""The program `serve` for images: what of `classifier.serving` depends on images."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from classifier import serving
from classifier.contract import Contract

from image_classifier.backbone import Backbone
from image_classifier.hyperparameters import KIND
from image_classifier.installed import require_backbone

if TYPE_CHECKING:
    from classifier.model import Classifier


def main() -> int:
    """Serve until SIGTERM. Returns the exit code. If it is 1, the reason is on stderr."""
    return serving.main(prepare)


def prepare(model: Path) -> Callable[[], Classifier]:
    """Check a model, and return what loads it. Raises ContractError or BackboneError."""
    contract = Contract.load(model, KIND)
    backbone = Backbone.of_environment(os.environ)
    require_backbone(contract, backbone)

    def load() -> Classifier:
        from image_classifier.model import load_classifier

        classifier = load_classifier(model, backbone)
        if backbone:
            # The first image is slow. After this one, the others are fast, and the backbone is known to work.
            backbone.vectors([np.zeros((backbone.side, backbone.side, 3), np.uint8)])
        return classifier

    return load

"""A trained model of images, read from its artifact."""

from __future__ import annotations

from pathlib import Path

from classifier.contract import Contract
from classifier.model import Classifier

from image_classifier.backbone import Backbone
from image_classifier.hyperparameters import KIND
from image_classifier.installed import load_image_features, require_backbone, second_network


def load_classifier(folder: Path, backbone: Backbone | None) -> Classifier:
    """Read a model artifact, for use with this backbone.

    Raises ContractError when there is no artifact or it was trained with another backbone, and ModelError
    when it is damaged.
    """
    contract = Contract.load(folder, KIND)
    require_backbone(contract, backbone)
    return Classifier.read(
        folder, contract, lambda: load_image_features(folder, backbone), second_network(backbone)
    )

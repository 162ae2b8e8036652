"""The program `train` for images: what of `classifier.training` depends on images."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import training
from classifier.encoded import Encoder
from classifier.examples import Examples, Unlabeled
from classifier.ml_tree import MlTree
from classifier.stopping import StopOrder

from image_classifier.backbone import Backbone
from image_classifier.hyperparameters import ImageHyperparameters
from image_classifier.installed import image_features, pretrained_parts, second_network

if TYPE_CHECKING:
    from classifier.ensemble import SecondNetwork
    from classifier.model import Classifier

logger = logging.getLogger(__name__)


def main() -> int:
    """Train as SageMaker's files say. Returns the exit code. If it is 1, the reason is in output/failure."""
    return training.run(train)


def train(tree: MlTree, stop: StopOrder) -> Classifier:
    """See `classifier.training.train`."""
    return training.train(tree, ImageHyperparameters.of, Images, stop)


class Images:
    """How images are read and encoded."""

    def __init__(self, settings: ImageHyperparameters) -> None:
        self._settings = settings
        self._backbone = Backbone.of_environment(os.environ)

    def prepare(
        self, examples: Examples, pool: Unlabeled, kept: Path | None
    ) -> tuple[Encoder, Examples, Unlabeled]:
        """Fetch and encode all images, and leave out those that cannot be read.

        Raises SourceError when none can be fetched, ChannelError when no example can be read.
        """
        backbone = self._backbone
        logger.info("Backbone: %s.", f"SHA-256 {backbone.identity}" if backbone else "none")
        features = image_features(backbone, kept)
        problems = features.fit([*examples.contents, *pool.contents], self._settings.seed)
        if problems:
            logger.info(
                "%d images cannot be read, the first: %s", len(problems), next(iter(problems.values()))
            )
        examples, pool = examples.without(problems), pool.without(problems)
        training.require_usable(examples, self._settings)
        logger.info("Images read: %d examples, %d of the pool.", len(examples), len(pool))
        return features, examples, pool

    def pretrained(self) -> dict[str, str | None]:
        return pretrained_parts(self._backbone)

    def second_network(self) -> SecondNetwork | None:
        return second_network(self._backbone)

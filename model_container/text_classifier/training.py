"""The program `train` for texts: what of `classifier.training` depends on texts."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import training
from classifier.encoded import Encoder
from classifier.examples import Examples, Unlabeled
from classifier.ml_tree import ChannelError, MlTree
from classifier.stopping import StopOrder

from text_classifier.encoder import SentenceEncoder
from text_classifier.features import TextFeatures
from text_classifier.hyperparameters import TextHyperparameters
from text_classifier.pretrained import pretrained_parts
from text_classifier.static_embedding import StaticEmbedding
from text_classifier.vocabulary import Vocabulary

if TYPE_CHECKING:
    from classifier.ensemble import SecondNetwork
    from classifier.model import Classifier

logger = logging.getLogger(__name__)


def main() -> int:
    """Train as SageMaker's files say. Returns the exit code. If it is 1, the reason is in output/failure."""
    return training.run(train)


def train(tree: MlTree, stop: StopOrder) -> Classifier:
    """See `classifier.training.train`."""
    return training.train(tree, TextHyperparameters.of, Texts, stop)


class Texts:
    """How texts are encoded."""

    def __init__(self, settings: TextHyperparameters) -> None:
        self._settings = settings
        self._static = StaticEmbedding.of_package()
        self._encoder: SentenceEncoder | None = None

    def prepare(
        self, examples: Examples, pool: Unlabeled, kept: Path | None
    ) -> tuple[Encoder, Examples, Unlabeled]:
        """Learn vocabulary and components from all texts. Every text can be read. Raises ChannelError."""
        settings = self._settings
        # With many texts, encoding takes most of the time. So vectors are stored like checkpoints.
        self._encoder = SentenceEncoder.of_environment(os.environ, kept)
        encoder = f"SHA-256 {self._encoder.identity}" if self._encoder else "none"
        logger.info("Sentence encoder: %s.", encoder)
        texts = list(dict.fromkeys([*examples.contents, *pool.contents]))
        vocabulary = Vocabulary.of_texts(texts, settings.max_tokens, settings.max_characters)
        if not len(vocabulary):
            raise ChannelError("No text in the channel 'train' has a word or symbol: give texts that do.")
        features = TextFeatures.fit(
            texts, vocabulary, settings.max_components, self._static, self._encoder, settings.seed
        )
        return features, examples, pool

    def pretrained(self) -> dict[str, str | None]:
        return pretrained_parts(self._static, self._encoder)

    def second_network(self) -> SecondNetwork:
        from text_classifier.token_network import TOKENS

        return TOKENS

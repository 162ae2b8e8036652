"""A trained model of texts, read from its artifact."""

from __future__ import annotations

from pathlib import Path

from classifier.contract import Contract
from classifier.model import Classifier

from text_classifier.encoder import SentenceEncoder
from text_classifier.features import TextFeatures
from text_classifier.hyperparameters import KIND
from text_classifier.pretrained import require_encoder, require_token_vectors
from text_classifier.static_embedding import StaticEmbedding
from text_classifier.token_network import TOKENS


def load_classifier(folder: Path, encoder: SentenceEncoder | None) -> Classifier:
    """Read a model artifact, for use with this encoder.

    Raises ContractError when there is no artifact or it was trained with another encoder, ModelError when it
    is damaged, and StaticEmbeddingError when the token vectors are missing.
    """
    contract = Contract.load(folder, KIND)
    static = StaticEmbedding.of_package()
    require_encoder(contract, encoder)
    require_token_vectors(contract, static)
    return Classifier.read(folder, contract, lambda: TextFeatures.load(folder, static, encoder), TOKENS)

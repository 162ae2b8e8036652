"""The parts of a text classifier that were trained before, and whether a model was trained with those
here.
"""

from __future__ import annotations

from classifier.contract import Contract, ContractError

from text_classifier.encoder import SentenceEncoder
from text_classifier.static_embedding import StaticEmbedding

_ENCODER = "sentence encoder"
_VECTORS = "token vectors"


def pretrained_parts(static: StaticEmbedding, encoder: SentenceEncoder | None) -> dict[str, str | None]:
    """Return the SHA-256 of each part by its name; None if there is none."""
    return {_ENCODER: encoder.identity if encoder else None, _VECTORS: static.identity}


def require_encoder(contract: Contract, encoder: SentenceEncoder | None) -> None:
    """Raises ContractError when the model was trained with another sentence encoder."""
    contract.require(_ENCODER, encoder.identity if encoder else None, "SENTENCE_ENCODER")


def require_token_vectors(contract: Contract, static: StaticEmbedding) -> None:
    """Raises ContractError when the model was trained with other token vectors."""
    if static.identity != contract.pretrained.get(_VECTORS):
        raise ContractError(
            "The model was trained with other token vectors than those of the package wordllama here: "
            "serve it with the container that trained it, or train the model again."
        )

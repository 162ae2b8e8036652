"""What serving must know about a trained model: `contract.json` in the model artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from text_classifier.failures import UserError

_FILE = "contract.json"
_FORMAT = 6


class ContractError(UserError):
    """Raised when a model folder has no contract that this code can serve."""


@dataclass(frozen=True)
class Contract:
    """The model's task, and everything it was trained with."""

    num_classes: int
    """The outputs have the order of the classes."""
    text_attribute: str
    token_share: float
    """The weight of the token nets: see `calibration.Mixture`."""
    temperature: float
    """Calibrates the mixed probabilities."""
    embedding_size: int
    """How many numbers a prediction's embedding has."""
    static_embedding: str
    """SHA-256 of the token vectors."""
    encoder: str | None
    """SHA-256 of the sentence encoder's weights; None: trained without one."""
    versions: Mapping[str, str]
    prior_labels: Sequence[str] = ()
    """The keys of prior labels, in the order of the sources."""

    def require(self, static_embedding: str, encoder: str | None) -> None:
        """Raises ContractError when the model was trained with others."""
        if encoder != self.encoder:
            raise ContractError(
                f"The model was trained with {_named(self.encoder)}, but here is {_named(encoder)}: "
                f"{_mend(self.encoder)}, or train the model again."
            )
        if static_embedding != self.static_embedding:
            raise ContractError(
                "The model was trained with other token vectors than those of the package wordllama here: "
                "serve it with the container that trained it, or train the model again."
            )

    def save(self, folder: Path) -> None:
        (folder / _FILE).write_text(
            json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n", encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> Contract:
        """Read a folder's contract. Raises ContractError when it is missing, broken or of another format."""
        file = folder / _FILE
        if not file.exists():
            raise ContractError(f"There is no model to serve: {file} is missing. Train one first.")
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content.pop("format") != _FORMAT:
                raise ValueError(f"its format is not {_FORMAT}")
            return cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContractError(
                f"{file} is not a contract this container can serve ({error}): train the model again."
            ) from error


def _named(encoder: str | None) -> str:
    return f"the sentence encoder of SHA-256 {encoder}" if encoder else "no sentence encoder"


def _mend(encoder: str | None) -> str:
    return "set SENTENCE_ENCODER to its folder" if encoder else "set SENTENCE_ENCODER to none"

"""What a trained model needs to be told of the records it is given: `contract.json` in the model artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from text_classifier.failures import UserError

_FILE = "contract.json"
_FORMAT = 1


class ContractError(UserError):
    """Raised when a model folder holds no contract this code can serve."""


@dataclass(frozen=True)
class Contract:
    """The number of classes (their order is the outputs'), the key of the text, and what made the model."""

    num_classes: int
    text_attribute: str
    versions: Mapping[str, str]

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

"""What serving must know about a trained model: `contract.json` in the model artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from classifier.failures import UserError

_FILE = "contract.json"
_FORMAT = 7


class ContractError(UserError):
    """Raised when a model folder has no contract that this code can serve."""


@dataclass(frozen=True)
class Contract:
    """The model's task, and everything it was trained with."""

    kind: str
    """What it classifies: `text` or `image`."""
    num_classes: int
    """The outputs have the order of the classes."""
    content_attribute: str
    """The key of a record's content: a text, or an image's S3 URI."""
    second_share: float
    """The weight of the second network: see `calibration.Mixture`."""
    temperature: float
    """Calibrates the mixed probabilities."""
    embedding_size: int
    """How many numbers a prediction's embedding has."""
    pretrained: Mapping[str, str | None]
    """SHA-256 of each part that was trained before, by its name; None: trained without one."""
    versions: Mapping[str, str]
    prior_labels: Sequence[str] = ()
    """The keys of prior labels, in the order of the sources."""

    def require(self, name: str, here: str | None, variable: str) -> None:
        """Raises ContractError when the model was trained with another pretrained part of this name.

        here: its SHA-256, None if there is none; variable: the environment variable that names its folder.
        """
        trained_with = self.pretrained.get(name)
        if trained_with != here:
            mend = f"set {variable} to {'its folder' if trained_with else 'none'}"
            raise ContractError(
                f"The model was trained with {_named(name, trained_with)}, but here is {_named(name, here)}: "
                f"{mend}, or train the model again."
            )

    def save(self, folder: Path) -> None:
        (folder / _FILE).write_text(
            json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n", encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path, kind: str) -> Contract:
        """Read a folder's contract. Raises ContractError when it is missing, broken or of another format."""
        file = folder / _FILE
        if not file.exists():
            raise ContractError(f"There is no model to serve: {file} is missing. Train one first.")
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content.pop("format") != _FORMAT:
                raise ValueError(f"its format is not {_FORMAT}")
            found = cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContractError(
                f"{file} is not a contract this container can serve ({error}): train the model again."
            ) from error
        if found.kind != kind:
            raise ContractError(
                f"The model in {folder} is one of {found.kind}s, but this container classifies {kind}s: "
                "serve it with the container that trained it."
            )
        return found


def _named(name: str, sha256: str | None) -> str:
    return f"the {name} of SHA-256 {sha256}" if sha256 else f"no {name}"

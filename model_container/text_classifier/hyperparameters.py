"""The hyperparameters of a training job: their names, defaults, and what each may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from text_classifier.failures import UserError

# SageMaker puts keys of its own between the user's.
_OF_SAGEMAKER = "sagemaker_"

_STEPS = 500
_FEWEST_EPOCHS = 5
_MOST_EPOCHS = 30

Reader = Callable[[str], int | float | str | bool]


class HyperparameterError(UserError):
    """Raised when hyperparameters are missing, unknown or out of their range: names each of them."""


@dataclass(frozen=True)
class Hyperparameters:
    """A training job's settings; those without a default are required."""

    num_classes: int
    """How many classes there are: a label is an index below this number."""
    label_attribute: str
    """The key a record's label is under."""
    text_attribute: str = "source"
    """The key a record's text is under."""
    seed: int = 0
    """Same seed, same data, same machine: same model."""
    epochs: int | None = None
    """How often the dense nets see each record in training; None: as `epochs_for` says."""
    batch_size: int = 64
    """Records a training step of the dense nets."""
    learning_rate: float = 0.003
    """The dense nets' AdamW's, at the start: it falls to 0 along a cosine."""
    label_smoothing: float = 0.05
    """The share of certainty taken from each label, so that the dense nets do not grow overconfident."""
    prune_label_errors: bool = True
    """Whether training examples whose labels are most likely wrong are left out: see `label_errors`."""
    smooth_over_neighbors: bool = True
    """Whether what lies near a text tells of its class: see `smoothing` and `nearest_examples`."""
    max_tokens: int = 50_000
    """Words and word pieces the model knows: the most frequent of all texts."""
    max_components: int = 256
    """Numbers latent semantic analysis gives for a text: fewer when the texts are few; 0: it is left out."""
    max_pool_texts: int = 10_000
    """How many texts of the channel `pool` are learned from, without labels: chosen at random."""
    max_characters: int = 1_000
    """How much of a text is read, from its start; of that, the sentence encoder reads 256 tokens."""
    embedding_size: int = 32
    """Numbers in a prediction's `embedding`, along which texts differ most; 0: predictions have none."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Hyperparameters:
        """Read what SageMaker gives: strings, whatever the type. Raises HyperparameterError."""
        chosen = {name: value for name, value in given.items() if not name.startswith(_OF_SAGEMAKER)}
        problems = [*_unknown(chosen), *_missing(chosen)]
        values: dict[str, Any] = {}
        for name in chosen.keys() & _READERS.keys():
            try:
                values[name] = _READERS[name](_as_text(chosen[name]))
            except ValueError as error:
                problems.append(f"'{name}' must be {error}, not {chosen[name]!r:.80}")
        if problems:
            raise HyperparameterError(f"Hyperparameters: {'; '.join(sorted(problems))}.")
        return cls(**values)

    def epochs_for(self, records: int) -> int:
        """Return the epochs asked for; or enough for few records to be learned, and no more for many.

        Measured on headlines: from 500 steps on, more gain nothing.
        """
        steps_an_epoch = math.ceil(records / self.batch_size)
        return self.epochs or min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, math.ceil(_STEPS / steps_an_epoch)))


def _unknown(chosen: Mapping[str, Any]) -> list[str]:
    known = ", ".join(_READERS)
    return [f"'{name:.80}' is unknown (known are {known})" for name in chosen if name not in _READERS]


def _missing(chosen: Mapping[str, Any]) -> list[str]:
    required = [field.name for field in fields(Hyperparameters) if field.default is MISSING]
    return [f"'{name}' is missing and has no default" for name in required if name not in chosen]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        return ""
    return str(value).strip()


def _whole_number(least: int, most: int) -> Reader:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _number(least: float, below: float) -> Reader:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value < below:
            raise ValueError(f"a number of at least {least:g} and below {below:g}")
        return value

    return read


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("'true' or 'false'")
    return text.lower() == "true"


def _name(text: str) -> str:
    if not text:
        raise ValueError("the name of a record's key")
    return text


_READERS: dict[str, Reader] = {
    "num_classes": _whole_number(2, 10_000),
    "label_attribute": _name,
    "text_attribute": _name,
    "seed": _whole_number(0, 2**32 - 1),
    "epochs": _whole_number(1, 1_000),
    "batch_size": _whole_number(1, 65_536),
    "learning_rate": _number(1e-6, 10),
    "label_smoothing": _number(0, 1),
    "prune_label_errors": _yes_or_no,
    "smooth_over_neighbors": _yes_or_no,
    "max_tokens": _whole_number(1, 1_000_000),
    "max_components": _whole_number(0, 1_024),
    "max_pool_texts": _whole_number(0, 1_000_000),
    "max_characters": _whole_number(1, 100_000),
    "embedding_size": _whole_number(0, 1_024),
}

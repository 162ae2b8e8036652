"""The hyperparameters of a training job: names, defaults, and permitted values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from text_classifier.failures import UserError

# SageMaker adds its own keys to the user's.
_OF_SAGEMAKER = "sagemaker_"

_STEPS = 500
_FEWEST_EPOCHS = 5
_MOST_EPOCHS = 30

Reader = Callable[[str], int | float | str | bool | tuple[str, ...]]


class HyperparameterError(UserError):
    """Raised when hyperparameters are missing, unknown or out of range. The message names each of them."""


@dataclass(frozen=True)
class Hyperparameters:
    """The settings of a training job. Those without a default are required."""

    num_classes: int
    """The number of classes. A label is an index below this number."""
    label_attribute: str
    """The key of a record's label."""
    text_attribute: str = "source"
    """The key of a record's text."""
    seed: int = 0
    """The same seed, data and machine give the same model."""
    epochs: int | None = None
    """How often the dense nets see each record in training. None: `epochs_for` decides."""
    batch_size: int = 64
    """The number of records in a training step of the dense nets."""
    learning_rate: float = 0.003
    """The initial learning rate of the dense nets' AdamW. It falls to 0 along a cosine."""
    label_smoothing: float = 0.05
    """The share of certainty taken from each label, so that the dense nets do not become overconfident."""
    prune_label_errors: bool = True
    """Whether training examples whose labels are most likely wrong are left out: see `label_errors`."""
    smooth_over_neighbors: bool = True
    """Whether nearby texts influence a text's prediction: see `smoothing` and `nearest_examples`."""
    max_tokens: int = 50_000
    """The number of words and word pieces that the model knows: the most frequent of all texts."""
    max_components: int = 256
    """Numbers of latent semantic analysis for a text. With few texts there are fewer. 0 turns it off."""
    max_pool_texts: int = 10_000
    """How many texts of the channel `pool` are used for learning without labels, chosen at random."""
    max_characters: int = 1_000
    """How much of a text's beginning is read. Of that, the sentence encoder reads 256 tokens."""
    embedding_size: int = 32
    """How many numbers a prediction's `embedding` has, along the axes where texts differ most. 0: none."""
    prior_labels: tuple[str, ...] = ()
    """The keys of labels that something else gave, one for each source: see `stacking`."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Hyperparameters:
        """Read SageMaker's hyperparameters, which are strings for every type. Raises HyperparameterError."""
        chosen = {name: value for name, value in given.items() if not name.startswith(_OF_SAGEMAKER)}
        problems = [*_unknown(chosen), *_missing(chosen)]
        values: dict[str, Any] = {}
        for name in chosen.keys() & _READERS.keys():
            try:
                values[name] = _READERS[name](_as_text(chosen[name]))
            except ValueError as error:
                problems.append(f"'{name}' must be {error}, not {chosen[name]!r:.80}")
        if values.get("label_attribute") in values.get("prior_labels", ()):
            problems.append(
                "'prior_labels' must not name the label_attribute, which people's labels are under"
            )
        if problems:
            raise HyperparameterError(f"Hyperparameters: {'; '.join(sorted(problems))}.")
        return cls(**values)

    def epochs_for(self, records: int) -> int:
        """Return the requested epochs. The default is about 500 steps, with limits on the epochs.

        Measured on headlines: more than 500 steps gain nothing.
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


def _names(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("a JSON list of names of a record's keys")
    if len(set(names)) < len(names):
        raise ValueError("a JSON list of different names")
    return tuple(names)


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
    "prior_labels": _names,
}

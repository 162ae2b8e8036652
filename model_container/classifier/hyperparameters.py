"""The hyperparameters of a training job that do not depend on what is classified: names, defaults, permitted
values.

Each container adds its own: see its `settings`.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from classifier.failures import UserError
from classifier.records import Content

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
    """Whether nearby objects influence an object's prediction: see `smoothing` and `nearest_examples`."""
    embedding_size: int = 32
    """How many numbers a prediction's `embedding` has, along the axes where texts differ most. 0: none."""
    prior_labels: tuple[str, ...] = ()
    """The keys of labels that something else gave, one for each source: see `stacking`."""

    readers: ClassVar[Mapping[str, Reader]]
    """What reads each of them."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Read SageMaker's hyperparameters, which are strings for every type. Raises HyperparameterError."""
        chosen = {name: value for name, value in given.items() if not name.startswith(_OF_SAGEMAKER)}
        problems = [*cls._unknown(chosen), *cls._missing(chosen)]
        values: dict[str, Any] = {}
        for name in chosen.keys() & cls.readers.keys():
            try:
                values[name] = cls.readers[name](_as_text(chosen[name]))
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
        return self.epochs or epochs_of(_STEPS, records, self.batch_size, _FEWEST_EPOCHS, _MOST_EPOCHS)

    @classmethod
    def _unknown(cls, chosen: Mapping[str, Any]) -> list[str]:
        known = ", ".join(cls.readers)
        return [f"'{name:.80}' is unknown (known are {known})" for name in chosen if name not in cls.readers]

    @classmethod
    def _missing(cls, chosen: Mapping[str, Any]) -> list[str]:
        required = [field.name for field in fields(cls) if field.default is MISSING]
        return [f"'{name}' is missing and has no default" for name in required if name not in chosen]


class JobHyperparameters(Hyperparameters, ABC):
    """Those of a container's training job, which also say what it reads."""

    @property
    @abstractmethod
    def content(self) -> Content:
        """What of a record is classified."""


def epochs_of(steps: int, records: int, batch_size: int, fewest: int, most: int) -> int:
    """About how many epochs so many training steps are, within limits."""
    return min(most, max(fewest, math.ceil(steps / math.ceil(records / batch_size))))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        return ""
    return str(value).strip()


def whole_number(least: int, most: int) -> Reader:
    """Return what reads a whole number in this range."""

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


def name(text: str) -> str:
    """Read the name of a record's key."""
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


Hyperparameters.readers = {
    "num_classes": whole_number(2, 10_000),
    "label_attribute": name,
    "seed": whole_number(0, 2**32 - 1),
    "epochs": whole_number(1, 1_000),
    "batch_size": whole_number(1, 65_536),
    "learning_rate": _number(1e-6, 10),
    "label_smoothing": _number(0, 1),
    "prune_label_errors": _yes_or_no,
    "smooth_over_neighbors": _yes_or_no,
    "embedding_size": whole_number(0, 1_024),
    "prior_labels": _names,
}

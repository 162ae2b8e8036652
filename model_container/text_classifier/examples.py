"""The texts of an input channel, with or without their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from text_classifier.hyperparameters import Hyperparameters
from text_classifier.prior_labels import PriorLabels
from text_classifier.records import (
    LabelError,
    Record,
    RecordError,
    label_of,
    lines_of,
    parse_record,
    prior_labels_of,
    text_of,
)

_ID = "labelloop-id"

SaidBySources = list[tuple[int, float]]
Example = tuple[str, int, int | None, SaidBySources]


@dataclass(frozen=True)
class Examples:
    """The readable records of a channel, and how many records were left out."""

    texts: list[str]
    labels: list[int]
    ids: list[int | None]
    """The `labelloop-id` that the workflow gave each of them; None for a record without one."""
    unusable: int
    """How many records were left out because they have no readable text or no label."""
    first_problem: str
    """Why and where the first of them was left out; empty if there was none."""
    priors: PriorLabels

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class UnlabeledTexts:
    """Distinct texts, and what sources of prior labels say of each."""

    texts: list[str]
    priors: PriorLabels

    def __len__(self) -> int:
        return len(self.texts)


def read_examples(files: Sequence[Path], settings: Hyperparameters) -> Examples:
    """Read the manifests of a channel, without blank lines. Raises LabelError, which names file and line."""
    texts: list[str] = []
    labels: list[int] = []
    ids: list[int | None] = []
    said: list[SaidBySources] = []
    problems: list[str] = []
    for place, line in _lines_of(files):
        try:
            text, label, identity, priors = _read_example(line, settings)
        except RecordError as error:
            problems.append(f"{place}: {error}")
        except LabelError as error:
            raise LabelError(f"In {place} {error}.") from None
        else:
            texts.append(text)
            labels.append(label)
            ids.append(identity)
            said.append(priors)
    of_sources = PriorLabels.of(said, len(settings.prior_labels))
    return Examples(texts, labels, ids, len(problems), problems[0] if problems else "", of_sources)


def read_texts(files: Sequence[Path], settings: Hyperparameters) -> UnlabeledTexts:
    """Read up to `max_pool_texts` distinct texts of a channel, chosen at random.

    Labels are ignored, and records without a text are skipped. Of equal texts, the prior labels of the first
    are read. Raises LabelError, which names file and line.
    """
    random = np.random.default_rng(settings.seed)
    chosen: list[tuple[str, SaidBySources]] = []
    seen: set[int] = set()
    for place, line in _lines_of(files):
        try:
            record = parse_record(line)
            text = text_of(record, settings.text_attribute)[: settings.max_characters]
            said = _prior_labels_of(record, settings)
        except RecordError:
            continue
        except LabelError as error:
            raise LabelError(f"In {place} {error}.") from None
        if hash(text) not in seen:
            seen.add(hash(text))
            _draw(chosen, (text, said), len(seen), settings.max_pool_texts, random)
    priors = PriorLabels.of([said for _, said in chosen], len(settings.prior_labels))
    return UnlabeledTexts([text for text, _ in chosen], priors)


def _draw(
    chosen: list[tuple[str, SaidBySources]],
    text: tuple[str, SaidBySources],
    number: int,
    most: int,
    random: np.random.Generator,
) -> None:
    """Add the `number`th text to a random sample of `most` texts (Vitter's reservoir sampling, 1985)."""
    if len(chosen) < most:
        chosen.append(text)
        return
    place = int(random.integers(number))
    if place < most:
        chosen[place] = text


def _lines_of(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        with file.open("rb") as stream:
            for number, line in enumerate(lines_of(stream), start=1):
                if line.strip():
                    yield f"line {number} of {file.name}", line


def _read_example(line: bytes, settings: Hyperparameters) -> Example:
    record = parse_record(line)
    label = label_of(record, settings.label_attribute, settings.num_classes)
    if label is None:
        raise RecordError(f"The record has no label under '{settings.label_attribute}'.")
    # The model reads only this part, so only this part is kept in memory.
    text = text_of(record, settings.text_attribute)[: settings.max_characters]
    identity = record.get(_ID)
    said = _prior_labels_of(record, settings)
    return text, label, identity if type(identity) is int else None, said


def _prior_labels_of(record: Record, settings: Hyperparameters) -> SaidBySources:
    return prior_labels_of(record, settings.prior_labels, settings.num_classes)

"""The records of an input channel, with or without their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.hyperparameters import Hyperparameters, JobHyperparameters
from classifier.prior_labels import PriorLabels
from classifier.records import (
    LabelError,
    Record,
    RecordError,
    label_of,
    lines_of,
    parse_record,
    prior_labels_of,
)

_ID = "labelloop-id"

SaidBySources = list[tuple[int, float]]
Example = tuple[str, int, int | None, SaidBySources]


@dataclass(frozen=True)
class Examples:
    """The readable records of a channel, and how many records were left out."""

    contents: list[str]
    labels: list[int]
    ids: list[int | None]
    """The `labelloop-id` that the workflow gave each of them; None for a record without one."""
    unusable: int
    """How many records were left out because they have no readable content or no label."""
    first_problem: str
    """Why and where the first of them was left out; empty if there was none."""
    priors: PriorLabels

    def __len__(self) -> int:
        return len(self.contents)

    def without(self, problems: Mapping[str, str]) -> Examples:
        """Return those whose content can be read. problems: why others cannot, by content."""
        kept = [number for number, content in enumerate(self.contents) if content not in problems]
        lost = [problems[content] for content in self.contents if content in problems]
        return Examples(
            [self.contents[number] for number in kept],
            [self.labels[number] for number in kept],
            [self.ids[number] for number in kept],
            self.unusable + len(lost),
            self.first_problem or (lost[0] if lost else ""),
            self.priors[np.array(kept, np.int64)],
        )


@dataclass(frozen=True)
class Unlabeled:
    """Distinct contents, and what sources of prior labels say of each."""

    contents: list[str]
    priors: PriorLabels

    def __len__(self) -> int:
        return len(self.contents)

    def without(self, problems: Mapping[str, str]) -> Unlabeled:
        """Return those whose content can be read. problems: why others cannot, by content."""
        kept = [number for number, content in enumerate(self.contents) if content not in problems]
        return Unlabeled([self.contents[number] for number in kept], self.priors[np.array(kept, np.int64)])


def read_examples(files: Sequence[Path], settings: JobHyperparameters) -> Examples:
    """Read the manifests of a channel, without blank lines. Raises LabelError, which names file and line."""
    contents: list[str] = []
    labels: list[int] = []
    ids: list[int | None] = []
    said: list[SaidBySources] = []
    problems: list[str] = []
    for place, line in _lines_of(files):
        try:
            content, label, identity, priors = _read_example(line, settings)
        except RecordError as error:
            problems.append(f"{place}: {error}")
        except LabelError as error:
            raise LabelError(f"In {place} {error}.") from None
        else:
            contents.append(content)
            labels.append(label)
            ids.append(identity)
            said.append(priors)
    of_sources = PriorLabels.of(said, len(settings.prior_labels))
    return Examples(contents, labels, ids, len(problems), problems[0] if problems else "", of_sources)


def read_unlabeled(files: Sequence[Path], settings: JobHyperparameters) -> Unlabeled:
    """Read distinct contents of a channel: all of them, or as many as are used, chosen at random.

    Labels are ignored, and records without a content are skipped. Of equal ones, the prior labels of the
    first are read. Raises LabelError, which names file and line.
    """
    random = np.random.default_rng(settings.seed)
    chosen: list[tuple[str, SaidBySources]] = []
    seen: set[int] = set()
    for place, line in _lines_of(files):
        try:
            record = parse_record(line)
            content = settings.content.of(record)
            said = _prior_labels_of(record, settings)
        except RecordError:
            continue
        except LabelError as error:
            raise LabelError(f"In {place} {error}.") from None
        if hash(content) not in seen:
            seen.add(hash(content))
            _draw(chosen, (content, said), len(seen), settings.content.most_of_pool, random)
    priors = PriorLabels.of([said for _, said in chosen], len(settings.prior_labels))
    return Unlabeled([content for content, _ in chosen], priors)


def _draw(
    chosen: list[tuple[str, SaidBySources]],
    content: tuple[str, SaidBySources],
    number: int,
    most: int,
    random: np.random.Generator,
) -> None:
    """Add the `number`th content to a random sample of `most` contents (Vitter's reservoir sampling,
    1985).
    """
    if len(chosen) < most:
        chosen.append(content)
        return
    place = int(random.integers(number))
    if place < most:
        chosen[place] = content


def _lines_of(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        with file.open("rb") as stream:
            for number, line in enumerate(lines_of(stream), start=1):
                if line.strip():
                    yield f"line {number} of {file.name}", line


def _read_example(line: bytes, settings: JobHyperparameters) -> Example:
    record = parse_record(line)
    label = label_of(record, settings.label_attribute, settings.num_classes)
    if label is None:
        raise RecordError(f"The record has no label under '{settings.label_attribute}'.")
    content = settings.content.of(record)
    identity = record.get(_ID)
    said = _prior_labels_of(record, settings)
    return content, label, identity if type(identity) is int else None, said


def _prior_labels_of(record: Record, settings: Hyperparameters) -> SaidBySources:
    return prior_labels_of(record, settings.prior_labels, settings.num_classes)

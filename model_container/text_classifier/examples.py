"""The labeled texts of an input channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from text_classifier.hyperparameters import Hyperparameters
from text_classifier.records import LabelError, RecordError, label_of, lines_of, parse_record, text_of

Example = tuple[str, int]


@dataclass(frozen=True)
class Examples:
    """What could be read of a channel, and what could not."""

    texts: list[str]
    labels: list[int]
    unusable: int
    """How many records were left out, having no readable text or no label."""
    first_problem: str
    """Why, and where, the first of them was left out; empty when none was."""

    def __len__(self) -> int:
        return len(self.texts)


def read_examples(files: Sequence[Path], settings: Hyperparameters) -> Examples:
    """Read the manifests of a channel, passing over blank lines. Raises LabelError, naming file and line."""
    texts: list[str] = []
    labels: list[int] = []
    problems: list[str] = []
    for place, line in _lines_of(files):
        try:
            text, label = _read_example(line, settings)
        except RecordError as error:
            problems.append(f"{place}: {error}")
        except LabelError as error:
            raise LabelError(f"In {place} {error}.") from None
        else:
            texts.append(text)
            labels.append(label)
    return Examples(texts, labels, len(problems), problems[0] if problems else "")


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
    # The model reads no more than this, so no more is kept in memory.
    return text_of(record, settings.text_attribute)[: settings.max_characters], label

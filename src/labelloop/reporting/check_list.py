"""The data objects whose labels a person should look at, as a CSV file beside the report."""

import csv
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from labelloop.core.records import Example, Report
from labelloop.reporting.text import no_formula

# What somebody looks through at one sitting.
MOST_AUTO_LABELS = 100
COLUMNS = ("line", "text", "label", "labeled by", "model's label", "confidence", "why")


@dataclass(frozen=True)
class Doubtful:
    """A data object to look at; `line` is its line in the output manifest, from 1."""

    line: int
    text: str
    label: str
    labeled_by: str
    model: str
    confidence: float
    why: str


def doubtful_objects(report: Report, manifest: Iterable[bytes], attribute: str) -> list[Doubtful]:
    """People's labels that a model contradicts, surest first; then the model's labels, the least sure first.

    manifest: the lines of the output manifest
    attribute: the label attribute
    """
    contradicted = _contradicted(report)
    of_people: dict[int, Doubtful] = {}
    of_the_model: list[tuple[float, int, Doubtful]] = []
    for line, record in enumerate(map(orjson.loads, manifest), start=1):
        if line in contradicted:
            of_people[line] = _by_people(line, record, contradicted[line], report.classes)
        elif (doubtful := _by_the_model(line, record, attribute)) is not None:
            # The least confident are kept, so the order is turned round.
            entry = (-doubtful.confidence, -line, doubtful)
            if len(of_the_model) < MOST_AUTO_LABELS:
                heapq.heappush(of_the_model, entry)
            else:
                heapq.heappushpop(of_the_model, entry)
    return [
        *(of_people[line] for line in contradicted if line in of_people),
        *(doubtful for *_, doubtful in sorted(of_the_model, key=lambda entry: entry[:2], reverse=True)),
    ]


def write_check_list(path: Path, entries: Iterable[Doubtful]) -> None:
    """Write them as CSV that spreadsheets open: with a byte order mark, for letters outside ASCII."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(_cells(entry) for entry in entries)


def _cells(entry: Doubtful) -> Iterator[str]:
    texts = (entry.text, entry.label, entry.labeled_by, entry.model)
    yield str(entry.line)
    yield from map(no_formula, texts)
    yield f"{entry.confidence:.4f}"
    yield entry.why


def _contradicted(report: Report) -> dict[int, Example]:
    if report.evidence is None:
        return {}
    return {example.line: example for example in report.evidence.examples.likely_label_errors}


def _by_people(line: int, record: dict[str, Any], example: Example, classes: tuple[str, ...]) -> Doubtful:
    return Doubtful(
        line=line,
        text=_text(record),
        label=_name(classes, example.label),
        labeled_by="people",
        model=_name(classes, example.model),
        confidence=example.confidence,
        why="a model that had not learned from this label is sure of another class",
    )


def _by_the_model(line: int, record: dict[str, Any], attribute: str) -> Doubtful | None:
    metadata = record.get(f"{attribute}-metadata")
    if not isinstance(metadata, dict) or metadata.get("human-annotated") != "no":
        return None
    label, confidence = metadata.get("class-name"), metadata.get("confidence")
    if attribute not in record or not isinstance(label, str) or not isinstance(confidence, int | float):
        return None
    return Doubtful(
        line=line,
        text=_text(record),
        label=label,
        labeled_by="the model",
        model=label,
        confidence=float(confidence),
        why="among the model's labels it was least sure of",
    )


def _text(record: dict[str, Any]) -> str:
    return str(record.get("source", record.get("source-ref", "")))


def _name(classes: tuple[str, ...], index: int) -> str:
    return classes[index] if 0 <= index < len(classes) else str(index)

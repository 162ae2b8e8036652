"""Columns of labels that something else gave before anyone was asked, with how sure it was.

What such columns hold is read in one way only, and every reading that could surprise is told as a note.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.errors import RequestError
from labelloop.core.label_words import without_case
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.preparation.classes import listing

# What programs write where there is no value.
_NOTHING = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "-"})
_NUMBER = re.compile(r"(?P<number>[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?)\s*(?P<percent>%?)", re.ASCII)
_WORDS_SHOWN = 8
_CLASSES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class PriorColumn:
    """The fields of a column of labels, row by row, and of the one that says how sure they are."""

    name: str
    labels: Sequence[str]
    confidence_name: str = ""
    confidences: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class ReadPriors:
    """What the columns say, one source a column; `notes` are for people."""

    priors: PriorLabels
    notes: tuple[str, ...]


def read_prior_columns(
    columns: Sequence[PriorColumn], classes: Sequence[str], *, lines: Sequence[int] | None = None
) -> ReadPriors:
    """Read the columns; `classes` are the labels as the data writes them, in the order of their index.

    lines: the line of each row in its file, to name it in messages; without them, rows are counted from 1

    Raises RequestError, which names the row and says what to do.
    """
    of_columns, notes = [], list[str]()
    for column in columns:
        rows = _Rows(column.name, lines)
        labels = _read_labels(rows, column.labels, classes, notes)
        confidence = np.full(len(labels), np.nan, np.float32)
        if column.confidences is not None:
            of_confidences = _Rows(column.confidence_name, lines)
            confidence = _read_confidences(of_confidences, column.confidences, notes)
            _note_on_confidences(of_confidences, labels, confidence, notes)
            confidence[labels == NONE_GIVEN] = np.nan
        of_columns.append((labels, confidence))
    return ReadPriors(
        PriorLabels(
            np.stack([labels for labels, _ in of_columns], axis=1),
            np.stack([confidence for _, confidence in of_columns], axis=1),
        ),
        tuple(notes),
    )


def is_nothing(field: str) -> bool:
    """Whether a field holds no value, unless a class has that name."""
    return _plain(field) in _NOTHING


@dataclass(frozen=True, slots=True)
class _Rows:
    """How messages call the column and its rows."""

    column: str
    lines: Sequence[int] | None

    def place(self, row: int) -> str:
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"

    def fault(self, row: int, what: str) -> RequestError:
        return RequestError(f"Column {self.column!r}, {self.place(row)}: {what}")


# Labels ---------------------------------------------------------------------------------------------------


def _read_labels(
    rows: _Rows, fields: Sequence[str], classes: Sequence[str], notes: list[str]
) -> npt.NDArray[np.int16]:
    index_of = {label: index for index, label in enumerate(classes)}
    alike = _only_one_alike(classes)
    read = dict[str, int]()
    labels = np.empty(len(fields), np.int16)
    for row, field in enumerate(fields):
        if field not in read:
            found = index_of.get(field, alike.get(_plain(field)))
            if found is None and not is_nothing(field):
                raise rows.fault(row, _no_class(field, classes))
            read[field] = NONE_GIVEN if found is None else found
        labels[row] = read[field]
    if not (labels != NONE_GIVEN).any():
        raise RequestError(
            f"Column {rows.column!r} has no label in any of its {len(labels):,} rows: "
            "name the column that has them, or leave this one out."
        )
    notes += _notes_on_labels(rows.column, fields, labels, classes)
    return labels


def _plain(text: str) -> str:
    return without_case(text)


def _only_one_alike(classes: Sequence[str]) -> dict[str, int]:
    """Classes by their name without case and space, where no other has the same."""
    counts = Counter(_plain(label) for label in classes)
    return {_plain(label): index for index, label in enumerate(classes) if counts[_plain(label)] == 1}


def _no_class(field: str, classes: Sequence[str]) -> str:
    by_plain_name = {_plain(label): label for label in classes}
    near = difflib.get_close_matches(_plain(field), list(by_plain_name), n=_CLASSES_SHOWN)
    meant = f" Did you mean {' or '.join(repr(by_plain_name[name]) for name in near)}?" if near else ""
    return (
        f"{field[:80]!r} is not one of the classes.{meant} The classes are: {listing(classes)}. "
        "Correct it, leave the field empty where there is no label, or name all classes with --classes."
    )


def _notes_on_labels(
    column: str, fields: Sequence[str], labels: npt.NDArray[np.int16], classes: Sequence[str]
) -> Iterable[str]:
    given = labels != NONE_GIVEN
    if missing := int((~given).sum()):
        yield f"Column {column!r} gives {_rows(missing)} of {len(labels):,} no label."
    words = sorted({repr(fields[row]) for row in np.flatnonzero(~given).tolist() if fields[row].strip()})
    if words:
        yield f"Column {column!r}: {_cut(words)} was read as no label."
    changed = sum(fields[row] != classes[labels[row]] for row in np.flatnonzero(given).tolist())
    if changed:
        yield (
            f"Column {column!r}: in {_rows(changed)} the class is written with another case or with "
            "space around it; it was read as that class."
        )
    if len(labels) > 1 and len(only := np.unique(labels[given])) == 1:
        yield f"Column {column!r} gives the same label everywhere: {classes[only[0]]!r}."


# Confidences ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Numbers:
    """The numbers of a column, as they are written; shape (rows,) each."""

    values: npt.NDArray[np.float64]  # NaN where there is none
    percent: npt.NDArray[np.bool_]  # where one has a percent sign
    commas: int = 0


def _read_confidences(rows: _Rows, fields: Sequence[str], notes: list[str]) -> npt.NDArray[np.float32]:
    numbers = _numbers_of(rows, fields)
    _refuse_impossible(rows, fields, numbers)
    plain = ~numbers.percent & ~np.isnan(numbers.values)
    above_one = plain & (numbers.values > 1)
    if above_one.any():
        if 2 * above_one.sum() < plain.sum():
            row = int(np.argmax(above_one))
            raise rows.fault(
                row,
                f"{fields[row]!r} is above 1, where most numbers of the column are between 0 and 1. "
                "Correct it, or write a percent sign behind those that are percent.",
            )
        numbers.percent |= plain
        least, most = numbers.values[plain].min(), numbers.values[plain].max()
        notes.append(f"Column {rows.column!r} was read as percent: its numbers are {least:g} to {most:g}.")
    elif numbers.percent.any() and plain.any():
        notes.append(
            f"Column {rows.column!r}: numbers without a percent sign, in {_rows(int(plain.sum()))}, "
            "were read as shares of 1."
        )
    if numbers.commas:
        notes.append(f"Column {rows.column!r}: a comma was read as a decimal point.")
    if words := sorted({repr(one) for one in fields if one.strip() and is_nothing(one)}):
        notes.append(f"Column {rows.column!r}: {_cut(words)} was read as no confidence.")
    return np.where(numbers.percent, numbers.values / 100, numbers.values).astype(np.float32)


def _numbers_of(rows: _Rows, fields: Sequence[str]) -> _Numbers:
    numbers = _Numbers(np.full(len(fields), np.nan), np.zeros(len(fields), np.bool_))
    for row, field in enumerate(fields):
        if is_nothing(field):
            continue
        match = _NUMBER.fullmatch(field.strip())
        if match is None:
            raise rows.fault(row, _no_number(field, fields))
        numbers.commas += "," in match["number"]
        numbers.values[row] = float(match["number"].replace(",", "."))
        numbers.percent[row] = bool(match["percent"])
    return numbers


def _no_number(field: str, fields: Iterable[str]) -> str:
    words = {one.strip() for one in fields if not _NUMBER.fullmatch(one.strip())}
    found = sorted(repr(word[:40]) for word in words if not is_nothing(word))
    return (
        f"{field[:80]!r} is not a number. A confidence is one, such as 0.87 or 87 %, and this column has "
        f"{_cut(found)}. Replace each word by a number (the surer, the higher: what it is worth is learned "
        "from people's answers), or leave the confidences out."
    )


def _refuse_impossible(rows: _Rows, fields: Sequence[str], numbers: _Numbers) -> None:
    values = numbers.values
    wrong = ~np.isnan(values) & ~((values >= 0) & (values <= 100) & np.isfinite(values))
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    mend = "Correct it, or leave the field empty."
    if values[row] < 0:
        mend = "If these are logarithms of probabilities, take their exponential; else correct it."
    raise rows.fault(
        row, f"{fields[row]!r} is not a confidence: it must be from 0 to 1, or from 0 to 100 %. {mend}"
    )


def _note_on_confidences(
    rows: _Rows, labels: npt.NDArray[np.int16], confidence: npt.NDArray[np.float32], notes: list[str]
) -> None:
    given, stated = labels != NONE_GIVEN, ~np.isnan(confidence)
    if missing := int((given & ~stated).sum()):
        notes.append(f"Column {rows.column!r}: there is no confidence for the label in {_rows(missing)}.")
    if without := int((stated & ~given).sum()):
        notes.append(
            f"Column {rows.column!r}: a confidence without a label, in {_rows(without)}, was left out."
        )
    values = np.unique(confidence[given & stated])
    if len(values) == 1 and len(labels) > 1:
        text = f"{float(values[0]):.4g}"
        notes.append(f"Column {rows.column!r} is {text} everywhere: it does not tell which labels are sure.")


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _cut(found: Sequence[str]) -> str:
    more = f" and {len(found) - _WORDS_SHOWN:,} more" if len(found) > _WORDS_SHOWN else ""
    return ", ".join(found[:_WORDS_SHOWN]) + more

"""What the user's files had in each row, kept so that results can be joined back to it.

Preparation writes `rows.csv` beside the request: one row for each data object, in the order of the manifest.
So row N (from 0) belongs to the object whose `labelloop-id` is N. It has five columns of ours,

    labelloop-id      N
    labelloop-file    the name of the file that the row comes from, with its folder where two files have the
                      same name; empty for rows that come from no file
    labelloop-row     its number among the file's rows, from 1, where bad rows count and blank lines do not
    labelloop-line    its first line in the file; in Parquet and workbooks, its row
    labelloop-key     what the user's id column says; empty where none was named

and behind them all columns of the files, under their names and in their order, every field as it was read. No
two rows have the same `labelloop-key`, unless none was named. Columns of the user may have the same names as
ours, or as each other: what counts is where a column stands.

    with KeptRows.open(folder) as kept:
        kept.columns                     the user's columns
        for row in kept: row.fields      one string for each of them
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import LabeledText
from labelloop.preparation.tables.csv_records import LONGEST_FIELD

if TYPE_CHECKING:
    from _csv import Reader

KEPT_ROWS_FILE = "rows.csv"
_OURS = ("labelloop-id", "labelloop-file", "labelloop-row", "labelloop-line", "labelloop-key")


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row of the user's files: where it was, its id if the user has one, and all its fields."""

    number: int
    file: str
    row: int
    line: int
    key: str
    fields: tuple[str, ...]


class KeptRowsWriter:
    """Writes the rows in the order of the manifest."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        # With CRLF, the writer's default line end, it quotes a lone CR in a field as well as a lone LF.
        self._writer = csv.writer(self._text)
        self._writer.writerow((*_OURS, *columns))

    def write(self, number: int, row: LabeledText) -> None:
        origin = row.origin
        if origin is None:
            self._writer.writerow((number, "", row.line, row.line, ""))
        else:
            self._writer.writerow((number, origin.file, origin.row, row.line, origin.id, *origin.fields))

    def end(self) -> None:
        """All are written; the file stays open."""
        self._text.detach()


class KeptRows:
    """The rows that `KeptRowsWriter` wrote, in the order of the manifest."""

    def __init__(self, path: Path, reader: Reader) -> None:
        self._path, self._reader = path, reader
        header = next(reader, [])
        if tuple(header[: len(_OURS)]) != _OURS:
            raise InputFileError(f"{path} is not what `labelloop prepare` wrote: prepare the files again.")
        self.columns = tuple(header[len(_OURS) :])

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[KeptRows]:
        """The rows kept in a prepared folder. Raises InputFileError."""
        path = folder / KEPT_ROWS_FILE
        csv.field_size_limit(LONGEST_FIELD)
        try:
            file = path.open(encoding="utf-8", newline="")
        except FileNotFoundError as error:
            raise InputFileError(
                f"There is no {path}: {folder} was not prepared by `labelloop prepare`, or by an earlier "
                "version. Prepare the files again."
            ) from error
        with file:
            yield cls(path, csv.reader(file, strict=True))

    def __iter__(self) -> Iterator[KeptRow]:
        ours = len(_OURS)
        for expected, fields in enumerate(self._reader):
            if len(fields) != ours + len(self.columns) or fields[0] != str(expected):
                raise InputFileError(f"{self._path} was changed: row {expected} is not there.")
            number, file, row, line, key = fields[:ours]
            yield KeptRow(int(number), file, int(row), int(line), key, tuple(fields[ours:]))

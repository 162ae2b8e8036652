"""Reading a CSV file of texts and labels row by row. No character of a text is changed."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from labelloop.preparation.errors import ColumnError, InputFileError, OptionError
from labelloop.preparation.source import BadRow, BlankLine, LabeledText, undecodable

if TYPE_CHECKING:
    from _csv import Reader

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How the file is written, and which of its columns to use.

    `label_column` is empty for a file without labels. `prior_columns` are, for each source of prior labels,
    the column of its labels and the one that says how sure they are (empty: none says it). `column_names`
    names the columns of a file without a header line. `quoted=False` reads quotation marks as plain
    characters.
    """

    text_column: str
    label_column: str = ""
    delimiter: str = ","
    column_names: tuple[str, ...] = ()
    quoted: bool = True
    prior_columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise OptionError(
                f"The delimiter must be one character, not {self.delimiter!r}; write \\t for a tab."
            )
        if self.text_column == self.label_column:
            raise ColumnError(f"The text column and the label column are both {self.text_column!r}.")
        self._check_prior_columns()

    def _check_prior_columns(self) -> None:
        """Refuse a column that would be used for two things."""
        used = {self.text_column: "the text column"}
        if self.label_column:
            used[self.label_column] = "the label column"
        names = [(name, "a prior column") for name, _ in self.prior_columns]
        names += [(name, "a prior confidence column") for _, name in self.prior_columns if name]
        for name, use in names:
            if name in used:
                raise ColumnError(
                    f"Column {name!r} cannot be {use}: it is {used[name]} already. Name another column."
                )
            used[name] = use


@dataclass(frozen=True, slots=True)
class CsvRow:
    """All fields of a row, and its first line in the file."""

    fields: list[str]
    line: int


class CsvSource:
    """The rows of a CSV file. It can be iterated more than once: each time, the file is read again.

    Raises InputFileError when the file cannot be read, ColumnError when a column is missing or there twice.
    """

    def __init__(self, path: Path, csv_format: CsvFormat) -> None:
        self.path = path
        self._format = csv_format
        with _reading(path) as file:
            self.columns = csv_format.column_names or self._header(file)
        self._text = self.position(csv_format.text_column)
        self._label = self.position(csv_format.label_column) if csv_format.label_column else None
        self._priors = [
            self.position(name) if name else None for pair in csv_format.prior_columns for name in pair
        ]

    @property
    def starts_with_byte_order_mark(self) -> bool:
        with self.path.open("rb") as file:
            return file.read(len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK

    def __iter__(self) -> Iterator[LabeledText | BadRow | BlankLine]:
        for row in self.rows():
            if isinstance(row, CsvRow):
                yield self._labeled(row)
            else:
                yield row

    def _labeled(self, row: CsvRow) -> LabeledText:
        label = "" if self._label is None else row.fields[self._label]
        priors = tuple("" if place is None else row.fields[place] for place in self._priors)
        return LabeledText(row.fields[self._text], label, row.line, priors)

    def rows(self) -> Iterator[CsvRow | BadRow | BlankLine]:
        """The rows with all their fields."""
        seen = False
        with _reading(self.path) as file:
            reader = self._reader(file)
            if not self._format.column_names:
                _first_row(reader)
            for row in self._rows(reader):
                seen = seen or not isinstance(row, BlankLine)
                yield row
        if not seen:
            raise InputFileError(f"{self.path} has a header line and no rows below it.")

    def position(self, name: str) -> int:
        """Where the column stands, from 0. Raises ColumnError."""
        count = self.columns.count(name)
        if count == 1:
            return self.columns.index(name)
        if count > 1:
            raise ColumnError(f"{self.path} has {count} columns named {name!r}; give each its own name.")
        raise ColumnError(
            f"{self.path} has no column {name!r}.{_closest(name, self.columns)} "
            f"Its columns are: {', '.join(repr(column) for column in self.columns)}."
        )

    def _rows(self, reader: Reader) -> Iterator[CsvRow | BadRow | BlankLine]:
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(line, reader.line_num, "not valid CSV", _quoting_fault(error))
                continue
            yield self._row(fields, line, reader.line_num) if fields else BlankLine(line)

    def _row(self, fields: list[str], line: int, last_line: int) -> CsvRow | BadRow:
        if fault := undecodable("".join(fields)):
            return BadRow(line, last_line, "not UTF-8", fault)
        if len(fields) != len(self.columns):
            found = f"{len(fields)}, where the file has {len(self.columns)} columns"
            return BadRow(line, last_line, "wrong number of fields", found)
        return CsvRow(fields, line)

    def _reader(self, file: TextIO) -> Reader:
        # strict: the lenient mode would silently repair faulty quoting, and so change texts.
        delimiter = self._format.delimiter
        if self._format.quoted:
            return csv.reader(file, delimiter=delimiter, strict=True)
        return csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)

    def _header(self, file: TextIO) -> tuple[str, ...]:
        try:
            header = _first_row(self._reader(file))
        except csv.Error as error:
            fault = _quoting_fault(error)
            raise InputFileError(f"{self.path}: the header line is not valid CSV: {fault}.") from error
        if not header:
            raise InputFileError(f"{self.path} is empty.")
        if fault := undecodable("".join(header)):
            raise InputFileError(f"{self.path}: the header line is not UTF-8 ({fault}). Save it as UTF-8.")
        return tuple(header)


def _first_row(reader: Reader) -> list[str]:
    return next((fields for fields in reader if fields), [])


def _closest(name: str, columns: Sequence[str]) -> str:
    by_plain_name = {column.strip().casefold(): column for column in columns}
    matches = difflib.get_close_matches(name.strip().casefold(), list(by_plain_name), n=1)
    return f" Did you mean {by_plain_name[matches[0]]!r}?" if matches else ""


def _quoting_fault(error: csv.Error) -> str:
    message = str(error)
    if "unexpected end of data" in message:
        return "a quotation mark is opened and never closed"
    if "field limit" in message:
        return f"a field of more than {csv.field_size_limit():,} characters; is a quotation mark left open?"
    if "expected after" in message:
        return "text follows a closing quotation mark (a quotation mark inside a field is written twice)"
    return message


@contextmanager
def _reading(path: Path) -> Iterator[TextIO]:
    try:
        if path.exists() and not path.is_file():
            raise InputFileError(
                f"{path} is not a regular file. It has to be read twice, so save it to a file first."
            )
        # newline="" keeps the line ends inside quoted fields as they are.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield file
    except FileNotFoundError as error:
        raise InputFileError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}.") from error

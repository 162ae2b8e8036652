"""How a CSV file is written: what separates its columns, and whether quotation marks enclose fields.

Both are found out from the file where the user does not say. What separates the columns is what gives the
columns that the user names, and as many fields in every line. Quotation marks are plain characters where
reading them as enclosing would tear rows or swallow them, and reading them as plain never does.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import BadRow
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.tables.csv_records import CsvRecords, RawRecord
from labelloop.preparation.tables.text_file import TextFile

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# Some programs tell Excel so what separates the columns.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_LINES_TO_SNIFF = 1000
_CHARACTERS_TO_SNIFF = 1 << 20
# Plain quotation marks may be the better reading although some lines are faulty for another reason.
_TIMES_BETTER = 10
_NOTE_ON_BACKSLASHES = (
    "A backslash makes the quotation mark or the delimiter behind it a part of the text. "
    "--plain-backslashes reads it as a character like any other."
)
_NOTE_ON_PLAIN = (
    "Quotation marks are read as plain characters: as enclosing ones, they would tear or swallow rows. "
    "--quotes reads them so all the same."
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is read; `notes` are for people."""

    delimiter: str
    quoted: bool
    notes: tuple[str, ...] = ()
    header_line: int = 1
    escaped: bool = False

    @contextmanager
    def lines(self, file: TextFile) -> Iterator[Iterable[str]]:
        """The lines from the header on."""
        with file.open() as lines:
            yield islice(lines, self.header_line - 1, None)

    @property
    def words(self) -> str:
        plain = "" if self.quoted else ", plain quotation marks"
        backslashes = ", backslashes before marks" if self.escaped else ""
        return _DELIMITERS.get(self.delimiter, repr(self.delimiter)) + plain + backslashes

    def records(self, lines: Iterable[str], columns: int = 0) -> CsvRecords:
        """`lines`: from the header on. `columns`: how many fields a record should have."""
        return CsvRecords(
            lines,
            self.delimiter,
            quoted=self.quoted,
            escaped=self.escaped,
            columns=columns,
            line=self.header_line,
        )


def layout_of(file: TextFile, table_format: TableFormat, *, quoting: bool) -> Layout:
    """Find out how the file is written. Raises InputFileError where it may be read in two ways."""
    with file.open() as text:
        separator = _SEPARATOR_LINE.fullmatch(text.readline())
    found = separator[1] if separator else _delimiter_of(file, table_format)
    layout = Layout(
        table_format.delimiter or found,
        quoted=table_format.quoted is not False,
        header_line=2 if separator else 1,
        escaped=table_format.escaped is True,
    )
    if table_format.quoted is not None or layout.escaped:
        return layout
    return _with_quotes_read(file, table_format, layout) if quoting else layout


def _with_quotes_read(file: TextFile, table_format: TableFormat, layout: Layout) -> Layout:
    weighed = _weigh(file, layout, len(table_format.column_names))
    if table_format.escaped is None and _reads_better_with_backslashes(file, table_format, layout, weighed):
        return replace(layout, escaped=True, notes=(_NOTE_ON_BACKSLASHES,))
    if not table_format.column_names and not table_format.named_columns <= weighed.plain_columns:
        # The header line itself is enclosed in quotation marks.
        return replace(layout, notes=_note_on_swallowed(weighed.swallowed))
    return _decided(file, layout, weighed)


# What separates the columns --------------------------------------------------------------------------------


def _delimiter_of(file: TextFile, table_format: TableFormat) -> str:
    with file.open() as lines:
        head = list(islice(_bounded(lines), _LINES_TO_SNIFF))
    fits = {delimiter: _fit(head, delimiter, table_format) for delimiter in _DELIMITERS}
    return max(fits, key=lambda delimiter: fits[delimiter])


def _bounded(lines: Iterable[str]) -> Iterable[str]:
    characters = 0
    for line in lines:
        characters += len(line)
        yield line
        if characters > _CHARACTERS_TO_SNIFF:
            return


def _fit(head: Sequence[str], delimiter: str, table_format: TableFormat) -> tuple[bool, bool, float]:
    """How well a delimiter fits: it gives the columns that are named, more than one, in every row."""
    rows = [row for row in csv.reader(head, delimiter=delimiter) if row]
    columns: Sequence[str] = table_format.column_names or (rows.pop(0) if rows else ())
    named = set(columns) >= table_format.named_columns
    alike = sum(len(row) == len(columns) for row in rows) / max(1, len(rows))
    if table_format.column_names:
        return named, True, alike
    # A single column may hold any of the delimiters: then the one that gives one field in every row is right.
    return named, len(columns) > 1, alike


# Quotation marks -------------------------------------------------------------------------------------------


def _reads_better_with_backslashes(
    file: TextFile, table_format: TableFormat, layout: Layout, weighed: _Weighed
) -> bool:
    """Whether nearly all faults go where a backslash takes the meaning from the mark behind it."""
    faults = weighed.quoted_faults + weighed.swallowed_lines
    if not faults or not weighed.backslashes:
        return False
    with_backslashes = _weigh(file, replace(layout, escaped=True), len(table_format.column_names))
    left = with_backslashes.quoted_faults + with_backslashes.swallowed_lines
    return left * _TIMES_BETTER <= faults and left <= weighed.plain_faults


@dataclass(slots=True)
class _Weighed:
    """What the two readings of quotation marks make of the file, in lines."""

    plain_columns: set[str] = field(default_factory=set)
    plain_faults: int = 0
    quoted_faults: int = 0
    backslashes: bool = False  # before a mark or a delimiter
    # Records each of whose lines would be a row.
    swallowed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def swallowed_lines(self) -> int:
        return sum(last - first + 1 for first, last in self.swallowed)


def _weigh(file: TextFile, layout: Layout, columns: int) -> _Weighed:
    with layout.lines(file) as lines:
        return _weigh_lines(lines, layout, columns)


def _weigh_lines(lines: Iterable[str], layout: Layout, columns: int) -> _Weighed:
    weighed, delimiter = _Weighed(), layout.delimiter
    plain = _PlainLines(lines, delimiter)
    records = layout.records(plain, columns)
    if not columns:
        try:
            columns = len(records.header())
        except csv.Error:
            weighed.quoted_faults += 1
            columns = records.columns = _fields(plain.first, delimiter)
        weighed.plain_columns = set(plain.first.split(delimiter))
    for record in records:
        if isinstance(record, BadRow):
            weighed.quoted_faults += record.last_line - record.line + 1
        elif isinstance(record, RawRecord):
            _weigh_record(record, delimiter, columns, weighed)
    weighed.plain_faults = plain.faults(columns)
    weighed.backslashes = plain.backslashes
    return weighed


def _weigh_record(record: RawRecord, delimiter: str, columns: int, weighed: _Weighed) -> None:
    lines = record.lines
    if len(record.fields) != columns:
        weighed.quoted_faults += len(lines)
    elif len(lines) > 1 < columns and all(_fields(line, delimiter) == columns for line in lines):
        weighed.swallowed.append((record.line, record.line + len(lines) - 1))


def _decided(file: TextFile, layout: Layout, weighed: _Weighed) -> Layout:
    swallowed = weighed.swallowed
    faults = weighed.quoted_faults + weighed.swallowed_lines
    if not faults:
        return layout
    if weighed.plain_faults * _TIMES_BETTER > faults:
        return replace(layout, notes=_note_on_swallowed(swallowed))
    # Between tabs, programs often write quotation marks as they are, and texts hardly ever hold tabs.
    if weighed.quoted_faults or layout.delimiter == "\t":
        return replace(layout, quoted=False, notes=(_NOTE_ON_PLAIN,))
    raise InputFileError(
        f"{file.path} can be read in two ways. In {_place(swallowed[0])}, a quotation mark may "
        "enclose a field with line breaks, or be a plain character in one of several rows. If it encloses: "
        "add --quotes. If it is a plain character: add --plain-quotes."
    )


def _note_on_swallowed(swallowed: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    if not swallowed:
        return ()
    places = "one place" if len(swallowed) == 1 else f"{len(swallowed):,} places"
    return (
        f"In {places}, quotation marks enclose lines that look like rows of their own; the first: "
        f"{_place(swallowed[0])}. If a mark there is a plain character, write it twice in the file.",
    )


def _place(lines: tuple[int, int]) -> str:
    return f"lines {lines[0]}-{lines[1]}"


def _fields(line: str, delimiter: str) -> int:
    return line.count(delimiter) + 1


class _PlainLines:
    """Passes lines on, and counts the fields that each has where quotation marks are plain characters."""

    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self._lines, self._delimiter = iter(lines), delimiter
        self._fields = Counter[int]()
        self._escapes = ('\\"', f"\\{delimiter}")
        self.first = ""
        self.backslashes = False

    def __iter__(self) -> _PlainLines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if not self.backslashes and "\\" in line:
            self.backslashes = any(escape in line for escape in self._escapes)
        if content := line.rstrip("\r\n"):
            self.first = self.first or content
            self._fields[_fields(content, self._delimiter)] += 1
        return line

    def faults(self, columns: int) -> int:
        """How many lines have another number of fields."""
        return self._fields.total() - self._fields[columns]

"""CSV, and its kin with semicolons, tabs or vertical bars."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import WRONG_NUMBER_OF_FIELDS, BadRow, BlankLine
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.tables.csv_layout import Layout, layout_of
from labelloop.preparation.tables.csv_records import RawRecord, quoting_fault
from labelloop.preparation.tables.table import Record
from labelloop.preparation.tables.text_file import TextFile, TextTable


@dataclass(frozen=True, slots=True)
class CsvTable(TextTable):
    """A CSV file of known layout."""

    layout: Layout
    has_header: bool

    @classmethod
    def of(cls, file: TextFile, table_format: TableFormat, *, quoting: bool) -> CsvTable:
        """Raises InputFileError."""
        layout = layout_of(file, table_format, quoting=quoting)
        columns = table_format.column_names or _header(file, layout)
        return cls(file, columns, layout, has_header=not table_format.column_names)

    @property
    def read_as(self) -> str:
        return f"CSV, {self.layout.words}, {self.file.words}"

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.file.notes, *self.layout.notes)

    @property
    def delimiter(self) -> str:
        return self.layout.delimiter

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        layout = self.layout
        with layout.lines(self.file) as lines:
            records = layout.records(lines, len(self.columns))
            if self.has_header:
                records.header()
            for record in records:
                yield self._checked(record) if isinstance(record, RawRecord) else record

    def _checked(self, record: RawRecord) -> Record | BadRow:
        line, last_line = record.line, record.line + len(record.lines) - 1
        if fault := self.file.fault("".join(record.fields)):
            return BadRow(line, last_line, *fault)
        if len(record.fields) != len(self.columns):
            found = f"{len(record.fields)}, where the file has {len(self.columns)} columns"
            return BadRow(line, last_line, WRONG_NUMBER_OF_FIELDS, found)
        return Record(record.fields, line)


def _header(file: TextFile, layout: Layout) -> tuple[str, ...]:
    with layout.lines(file) as lines:
        try:
            header = layout.records(lines).header()
        except csv.Error as error:
            what = quoting_fault(error)
            raise InputFileError(f"{file.path}: the header line is not valid CSV: {what}.") from error
    if not header:
        raise InputFileError(f"{file.path} is empty.")
    if fault := file.fault("".join(header)):
        raise InputFileError(f"{file.path}: the header line is {fault[0]} ({fault[1]}). Name its --encoding.")
    return tuple(header)

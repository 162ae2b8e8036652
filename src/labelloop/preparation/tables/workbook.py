"""Workbooks of spreadsheets: Excel's, and OpenDocument's. One sheet is the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from labelloop.preparation.errors import InputFileError, OptionError
from labelloop.preparation.source import WRONG_NUMBER_OF_FIELDS, BadRow, BlankLine
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.tables.cells import as_text, number_of_workbook
from labelloop.preparation.tables.compression import explained
from labelloop.preparation.tables.table import Record

# Of Excel since 2007 and OpenDocument (zip files), and of Excel before.
MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass(slots=True)
class WorkbookTable:
    """A sheet of a workbook. The first row that is not empty names the columns, unless the user does."""

    path: Path
    sheet: str
    columns: tuple[str, ...]
    _first_row: int  # of those below the names, from 0
    _rows: int
    _row: int = field(default=0)

    @classmethod
    def of(cls, path: Path, table_format: TableFormat) -> WorkbookTable:
        """Raises InputFileError, and OptionError where a sheet has to be named."""
        with _opened(path) as book:
            sheet = _chosen_sheet(path, book, table_format.sheet)
            count = book.get_sheet_by_name(sheet).total_height
            names = table_format.column_names
            if names:
                return cls(path, sheet, names, 0, count)
            rows = enumerate(_rows_of(book, sheet))
            first, cells = next(((number, row) for number, row in rows if any(row)), (0, []))
        if not cells:
            raise InputFileError(f"{path}: the sheet {sheet!r} is empty.")
        return cls(path, sheet, tuple(_without_empty_end(cells)), first + 1, count)

    @property
    def read_as(self) -> str:
        return f"workbook, sheet {self.sheet!r}"

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def delimiter(self) -> str:
        return ","

    @property
    def byte_order_mark(self) -> bool:
        return True

    def share_read(self) -> float:
        return self._row / max(1, self._rows)

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        with _opened(self.path) as book:
            rows = islice(_rows_of(book, self.sheet), self._first_row, None)
            for number, cells in enumerate(rows, self._first_row + 1):
                self._row = number
                fields = _without_empty_end(cells)
                if not fields:
                    yield BlankLine(number)
                elif len(fields) > len(self.columns):
                    found = f"{len(fields)}, where the sheet has {len(self.columns)} columns"
                    yield BadRow(number, number, WRONG_NUMBER_OF_FIELDS, found)
                else:
                    yield Record(fields + [""] * (len(self.columns) - len(fields)), number)


def _chosen_sheet(path: Path, book: CalamineWorkbook, wanted: str) -> str:
    names = list(book.sheet_names)
    if wanted:
        if wanted not in names:
            raise OptionError(f"{path} has no sheet {wanted!r}. Its sheets are: {_listed(names)}.")
        return wanted
    filled = (
        [name for name in names if any(any(row) for row in _rows_of(book, name))] if len(names) > 1 else names
    )
    if len(filled) > 1:
        raise OptionError(f"{path} has several sheets: say with --sheet which one: {_listed(filled)}.")
    if not filled:
        raise InputFileError(f"{path} is empty.")
    return filled[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _rows_of(book: CalamineWorkbook, sheet: str) -> Iterator[list[str]]:
    """All rows from the first of the sheet on, empty ones too."""
    return ([_cell(value) for value in row] for row in book.get_sheet_by_name(sheet).iter_rows())


def _cell(value: Any) -> str:
    return number_of_workbook(value) if isinstance(value, float) else as_text(value)


def _without_empty_end(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _opened(path: Path) -> CalamineWorkbook:
    with explained(path):
        try:
            return CalamineWorkbook.from_path(path)
        except CalamineError as error:
            raise InputFileError(
                f"{path} is not a workbook that can be read: {error}. Is it protected by a password, or a "
                "document of another program? Save the table as CSV."
            ) from error

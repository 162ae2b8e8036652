"""Parquet, read in batches."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import BadRow, BlankLine, undecodable
from labelloop.preparation.tables.cells import as_text
from labelloop.preparation.tables.compression import explained
from labelloop.preparation.tables.table import Record

MAGIC = b"PAR1"
_ROWS_AT_ONCE = 4096


@dataclass(slots=True)
class ParquetTable:
    """A Parquet file."""

    path: Path
    columns: tuple[str, ...]
    rows: int
    _row: int = field(default=0)

    @classmethod
    def of(cls, path: Path) -> ParquetTable:
        """Raises InputFileError, also where the library for Parquet is not installed."""
        with explained(path), _opened(path) as file:
            columns = tuple(file.schema_arrow.names)
            rows = file.metadata.num_rows
        if not rows:
            raise InputFileError(f"{path} has no rows.")
        return cls(path, columns, rows)

    @property
    def read_as(self) -> str:
        return "Parquet"

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def delimiter(self) -> str:
        return ","

    @property
    def byte_order_mark(self) -> bool:
        return False

    def share_read(self) -> float:
        return self._row / self.rows

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        numbers = count(1)
        with explained(self.path), _opened(self.path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                values = [column.to_pylist() for column in batch.columns]
                for self._row, row in zip(numbers, zip(*values, strict=True), strict=False):
                    yield _record(list(map(as_text, row)), self._row)


def _record(fields: list[str], row: int) -> Record | BadRow:
    if fault := undecodable("".join(fields)):
        return BadRow(row, row, "not valid Unicode", fault)
    return Record(fields, row)


def _opened(path: Path) -> Any:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        arrow = importlib.import_module("pyarrow")
    except ImportError as error:
        raise InputFileError(
            f"{path} is a Parquet file. To read it, install pyarrow: pip install 'labelloop[parquet]'."
        ) from error
    try:
        return parquet.ParquetFile(path)
    except arrow.ArrowException as error:
        raise InputFileError(f"{path} is not a Parquet file that can be read: {error}") from error

"""A table with labels as a file: completely or not at all."""

from __future__ import annotations

import csv
import importlib
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from labelloop.preparation.errors import OptionError
from labelloop.preparation.output_folder import replacing
from labelloop.results.labeled_table import LabeledTable, Row

_ROWS_AT_ONCE = 10_000


def check_format(path: Path) -> None:
    """Raises OptionError when the name does not end in a format that can be written here."""
    if path.suffix.lower() not in _WRITERS:
        raise OptionError(f"{path} cannot be written: its name must end in {', '.join(_WRITERS)}.")
    if path.suffix.lower() == ".parquet":
        _pyarrow(path)


def write_table(path: Path, table: LabeledTable) -> tuple[int, int]:
    """Write it in the format that the name ends in. Returns how many rows have a label, and how many all are.

    Raises OptionError for another ending, and OutputFolderError.
    """
    check_format(path)
    labeled = rows = 0

    def counted() -> Iterator[Row]:
        nonlocal labeled, rows
        for fields, given in table.rows:
            rows += 1
            labeled += given[0] != ""
            yield fields, given

    with replacing(path) as file:
        _WRITERS[path.suffix.lower()](file, replace(table, rows=counted()), path)
    return labeled, rows


def _write_csv(file: BinaryIO, table: LabeledTable, _path: Path) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    # With CRLF, the writer's default line end, it quotes a lone CR in a field as well as a lone LF.
    writer = csv.writer(text)
    writer.writerow((*table.columns, *table.label_columns))
    for fields, given in table.rows:
        writer.writerow((*fields, *given))
    text.detach()


def _write_json_lines(file: BinaryIO, table: LabeledTable, _path: Path) -> None:
    names = _distinct(table)
    for fields, given in table.rows:
        file.write(orjson.dumps(dict(zip(names, (*fields, *_or_null(given)), strict=True))) + b"\n")


def _write_parquet(file: BinaryIO, table: LabeledTable, path: Path) -> None:
    arrow, parquet = _pyarrow(path)
    names, texts = _distinct(table), len(table.columns)
    of_type = {str: arrow.string(), float: arrow.float64(), int: arrow.int64()}
    types = [*[arrow.string()] * texts, *(of_type[kind] for kind in table.label_types)]
    schema = arrow.schema(list(zip(names, types, strict=True)))
    with parquet.ParquetWriter(file, schema) as writer:
        while rows := list(itertools.islice(table.rows, _ROWS_AT_ONCE)):
            columns = zip(*((*fields, *_or_null(given)) for fields, given in rows), strict=True)
            arrays = [arrow.array(values, kind) for values, kind in zip(columns, types, strict=True)]
            writer.write_table(arrow.table(arrays, schema=schema))


def _or_null(given: Sequence[object]) -> Sequence[object]:
    return [None if field == "" else field for field in given]


def _distinct(table: LabeledTable) -> list[str]:
    """Names that are keys: two columns of the user may have the same."""
    names = list[str]()
    for name in (*table.columns, *table.label_columns):
        number, key = 1, name
        while key in names:
            number += 1
            key = f"{name} ({number})"
        names.append(key)
    return names


def _pyarrow(path: Path) -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise OptionError(
            f"To write {path}, install pyarrow: pip install 'labelloop[parquet]'. Or write .csv or .jsonl."
        ) from error


_WRITERS: dict[str, Callable[[BinaryIO, LabeledTable, Path], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
}

"""Rows that are JSON objects: the names of their fields are the columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from labelloop.preparation.source import BadRow
from labelloop.preparation.tables.cells import as_text
from labelloop.preparation.tables.table import Record
from labelloop.preparation.tables.text_file import TextFile


class _Number(str):
    """A number as it is written: none of its digits is lost."""

    __slots__ = ()


def decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def columns_of(rows: Iterable[Any]) -> tuple[str, ...]:
    """The names of all fields, in the order in which they come first. `rows`: what was decoded."""
    columns = dict[str, None]()
    for row in rows:
        if isinstance(row, dict):
            for name in row:
                columns[name] = None
    return tuple(columns)


def record_of(row: Any, columns: Sequence[str], file: TextFile, line: int) -> Record | BadRow:
    """The fields of a row; one that is not there or null is empty."""
    if not isinstance(row, dict):
        return BadRow(line, line, "not a JSON object", as_text(_plain(row))[:40])
    fields = [as_text(_plain(row.get(column))) for column in columns]
    if fault := file.fault("".join(fields)):
        return BadRow(line, line, *fault)
    return Record(fields, line)


def _plain(value: Any) -> Any:
    """The value; where it has parts, with numbers in place of how they are written, so that they stay so."""
    if isinstance(value, dict):
        return {name: _number(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_number(part) for part in value]
    return value


def _number(value: Any) -> Any:
    return json.loads(value) if isinstance(value, _Number) else _plain(value)

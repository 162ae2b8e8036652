"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import BadRow, BlankLine
from labelloop.preparation.tables.json_objects import columns_of, decoder, record_of
from labelloop.preparation.tables.table import Record
from labelloop.preparation.tables.text_file import TextFile, TextTable


@dataclass(frozen=True, slots=True)
class JsonLinesTable(TextTable):
    """A JSON Lines file; its columns are the fields of all its objects."""

    @classmethod
    def of(cls, file: TextFile) -> JsonLinesTable:
        """Raises InputFileError."""
        columns = columns_of(value for _, value in _values(file))
        if not columns:
            raise InputFileError(f"{file.path} holds no JSON object: a row is one, such as {{...}}.")
        return cls(file, columns)

    @property
    def read_as(self) -> str:
        return f"JSON Lines, {self.file.words}"

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        for line, value in _values(self.file):
            if isinstance(value, BadRow | BlankLine):
                yield value
            else:
                yield record_of(value, self.columns, self.file, line)


def _values(file: TextFile) -> Iterator[tuple[int, Any]]:
    """The decoded lines, with their number."""
    decode = decoder().decode
    with file.open() as lines:
        for number, line in enumerate(_json_lines(lines), 1):
            if not line.strip():
                yield number, BlankLine(number)
                continue
            try:
                yield number, decode(line)
            except json.JSONDecodeError as error:
                yield (
                    number,
                    BadRow(number, number, "not valid JSON", f"{error.msg}, character {error.pos + 1}"),
                )
            except RecursionError:
                yield number, BadRow(number, number, "not valid JSON", "too deeply nested")


def _json_lines(lines: Iterator[str]) -> Iterator[str]:
    """Lines end in a line feed: a lone carriage return is white space of JSON."""
    begun = ""
    for line in lines:
        begun += line
        if line.endswith("\n"):
            yield begun
            begun = ""
    if begun:
        yield begun

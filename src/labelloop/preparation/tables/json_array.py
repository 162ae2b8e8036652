"""JSON: one array of objects. It is decoded object by object, and never held as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import BadRow, BlankLine
from labelloop.preparation.tables.json_objects import columns_of, decoder, record_of
from labelloop.preparation.tables.table import Record
from labelloop.preparation.tables.text_file import TextFile, TextTable

_CHARACTERS = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class JsonArrayTable(TextTable):
    """A JSON file with an array of objects."""

    @classmethod
    def of(cls, file: TextFile) -> JsonArrayTable:
        """Raises InputFileError."""
        columns = columns_of(value for _, value in _values(file))
        if not columns:
            raise InputFileError(f"{file.path} holds no JSON object: it must be an array of them, [{{...}}].")
        return cls(file, columns)

    @property
    def read_as(self) -> str:
        return f"JSON, {self.file.words}"

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        for line, value in _values(self.file):
            yield record_of(value, self.columns, self.file, line)


def _values(file: TextFile) -> Iterator[tuple[int, Any]]:
    with file.open() as text:
        yield from _Elements(file.path, text)


class _Elements:
    """The elements of the array, each with the line it begins in."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self._path, self._text = path, text
        self._buffer, self._at, self._line = "", 0, 1
        self._decode = decoder().raw_decode

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        self._expect("[")
        if self._next() == "]":
            self._at += 1
        else:
            while True:
                yield self._element()
                if self._expect(",]") == "]":
                    break
        if self._next():
            raise self._fault("something follows the array")

    def _element(self) -> tuple[int, Any]:
        self._next()
        line = self._line
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                # It may only be cut off: more of the file tells.
                if not self._more():
                    raise self._fault(error.msg) from error
                continue
            except RecursionError as error:
                raise self._fault("too deeply nested") from error
            # A number at the end of what was read may go on.
            if end < len(self._buffer) or not self._more():
                self._pass(end)
                return line, value

    def _expect(self, characters: str) -> str:
        found = self._next()
        if not found or found not in characters:
            wanted = " or ".join(repr(character) for character in characters)
            raise self._fault(f"{wanted} must stand here" if found else "it is cut off")
        self._at += 1
        return found

    def _next(self) -> str:
        """The next character that is no space, which is not passed; empty at the end."""
        while True:
            self._pass(_SPACE.match(self._buffer, self._at).end())  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _pass(self, end: int) -> None:
        self._line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on. Twice as much each time, so that a long element is not decoded again and again."""
        rest = self._buffer[self._at :]
        read = self._text.read(max(_CHARACTERS, len(rest)))
        self._buffer, self._at = rest + read, 0
        return bool(read)

    def _fault(self, what: str) -> InputFileError:
        return InputFileError(
            f"{self._path} is not a JSON array of objects: {what}, near line {self._line}. It must be of the "
            "form [{...}, {...}]; JSON Lines has one {...} in each line."
        )

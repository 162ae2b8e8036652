"""What every format gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labelloop.preparation.errors import ColumnError
from labelloop.preparation.source import BadRow, BlankLine


@dataclass(frozen=True, slots=True)
class Record:
    """All fields of a row, and its first line in the file; where there are no lines, its row."""

    fields: list[str]
    line: int


class Table(Protocol):
    """The rows of one file. They can be read more than once: each time, the file is read again."""

    @property
    def path(self) -> Path: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def read_as(self) -> str:
        """For people, how the file is read: `CSV, semicolons, UTF-8`."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What could surprise in how it is read."""
        ...

    @property
    def delimiter(self) -> str:
        """What separates columns; a comma where it is no CSV."""
        ...

    @property
    def byte_order_mark(self) -> bool:
        """Whether what is written for the user in UTF-8 needs one, for the program that wrote the file."""
        ...

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        """The rows in order. Raises InputFileError when the file is damaged."""
        ...

    def share_read(self) -> float:
        """How much of the file the iteration under way has read, 0 to 1."""
        ...


def position(path: Path, columns: Sequence[str], name: str) -> int:
    """Where the column stands, from 0. Raises ColumnError."""
    count = columns.count(name)
    if count == 1:
        return columns.index(name)
    if count > 1:
        raise ColumnError(f"{path} has {count} columns named {name!r}; give each its own name.")
    raise ColumnError(
        f"{path} has no column {name!r}.{_closest(name, columns)} "
        f"Its columns are: {', '.join(repr(column) for column in columns)}.{_wrong_delimiter(columns)}"
    )


def _closest(name: str, columns: Sequence[str]) -> str:
    by_plain_name = {column.strip().casefold(): column for column in columns}
    matches = difflib.get_close_matches(name.strip().casefold(), list(by_plain_name), n=1)
    return f" Did you mean {by_plain_name[matches[0]]!r}?" if matches else ""


def _wrong_delimiter(columns: Sequence[str]) -> str:
    if len(columns) != 1:
        return ""
    return " If these are several columns, say with --delimiter what separates them."

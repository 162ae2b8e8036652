"""Sorts more than fits into memory: an SQLite file orders the fields by object id."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

Addition = tuple[int, dict[str, Any]]


class SortedAdditions:
    """Fields to add to objects, kept on disk and returned in order of id. The first ones for an id count."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="labelloop-")
        self._database = sqlite3.connect(Path(self._folder.name) / "additions.sqlite")
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE additions (id INTEGER PRIMARY KEY, fields BLOB NOT NULL);"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, additions: Iterable[Addition]) -> None:
        self._database.executemany(
            "INSERT OR IGNORE INTO additions VALUES (?, ?)",
            ((object_id, orjson.dumps(fields)) for object_id, fields in additions),
        )

    def __iter__(self) -> Iterator[Addition]:
        rows = self._database.execute("SELECT id, fields FROM additions ORDER BY id")
        return ((object_id, orjson.loads(fields)) for object_id, fields in rows)

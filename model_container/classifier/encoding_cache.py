"""Keeps sentence vectors for later jobs on one machine, where each round of a loop is a new process."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Every version of SQLite accepts at least 999 values in one statement.
_TEXTS_AT_ONCE = 500
_PATIENCE_SECONDS = 30
_TABLE = "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
_TROUBLE = (OSError, sqlite3.Error, ValueError)

Vector = NDArray[np.float16]


class EncodingCache:
    """An SQLite file of vectors by the hash of their text, with one file for each encoder and its settings.

    SQLite makes each `keep` atomic, and several processes can use the file. A cache that cannot be read or
    written costs time, but the job does not fail: one message says so, and the job continues without the
    cache.
    """

    def __init__(self, folder: Path, encoder: str) -> None:
        """Take the encoder's name. It must differ if the vectors would differ."""
        self._file = folder / f"{encoder}.sqlite"
        self._usable = True

    def find(self, texts: Sequence[str], size: int) -> dict[str, Vector]:
        """Return the stored vectors by their texts, each of shape (size,)."""
        texts_of = {_key(text): text for text in texts}
        found: dict[str, Vector] = {}
        try:
            with self._connection() as connection:
                for key, vector in _select(connection, list(texts_of)):
                    found[texts_of[key]] = np.frombuffer(vector, "<f2", size).astype(np.float16)
        except _TROUBLE as error:
            self._do_without(error)
        return found

    def keep(self, vectors: Mapping[str, Vector]) -> None:
        """Add the vectors, by their texts."""
        rows = [(_key(text), vector.astype("<f2").tobytes()) for text, vector in vectors.items()]
        try:
            with self._connection() as connection:
                connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
        except _TROUBLE as error:
            self._do_without(error)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._usable:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        # A database in memory finds nothing, and its contents are lost at the end.
        place = self._file if self._usable else ":memory:"
        with contextlib.closing(sqlite3.connect(place, timeout=_PATIENCE_SECONDS)) as connection, connection:
            connection.execute(_TABLE)
            yield connection

    def _do_without(self, error: Exception) -> None:
        self._usable = False
        logger.info("The encodings in %s cannot be used (%s): continuing without them.", self._file, error)


def _select(connection: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(keys), _TEXTS_AT_ONCE):
        some = keys[start : start + _TEXTS_AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT text, vector FROM vectors WHERE text IN ({marks})"  # noqa: S608  only marks
        yield from connection.execute(query, some)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

"""Sentence vectors kept across jobs on one machine, where each round of a loop is a new process."""

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

# SQLite takes at least 999 values in one statement, in every version.
_TEXTS_AT_ONCE = 500
_PATIENCE_SECONDS = 30
_TABLE = "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
_TROUBLE = (OSError, sqlite3.Error, ValueError)

Vector = NDArray[np.float16]


class EncodingCache:
    """An SQLite file of vectors by the hash of their text: one file for each encoder and its settings.

    SQLite makes each `keep` whole or not at all, and lets several processes use the file. A cache that cannot
    be read or written costs time, never the job: it is told once, and done without.
    """

    def __init__(self, folder: Path, encoder: str) -> None:
        """Take the encoder's name: it must differ wherever vectors would."""
        self._file = folder / f"{encoder}.sqlite"
        self._usable = True

    def find(self, texts: Sequence[str], size: int) -> dict[str, Vector]:
        """Return the vectors that are there, of shape (size,) each."""
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
        # In memory nothing is found, and what is kept goes with it.
        place = self._file if self._usable else ":memory:"
        with contextlib.closing(sqlite3.connect(place, timeout=_PATIENCE_SECONDS)) as connection, connection:
            connection.execute(_TABLE)
            yield connection

    def _do_without(self, error: Exception) -> None:
        self._usable = False
        logger.info("The encodings in %s cannot be used (%s): going on without them.", self._file, error)


def _select(connection: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(keys), _TEXTS_AT_ONCE):
        some = keys[start : start + _TEXTS_AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT text, vector FROM vectors WHERE text IN ({marks})"  # noqa: S608  only marks
        yield from connection.execute(query, some)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

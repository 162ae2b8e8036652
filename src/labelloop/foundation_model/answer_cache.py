"""The answers that were paid for, in one SQLite file beside the output: no request is ever sent twice.

An answer is found by the digest of the exact request: server, model, prompt, text and settings. The file also
has the mark that stands around texts, which must be the same for the same request; what the server accepts;
and the digest of the output that was written last, so that no other file is overwritten. It holds no key.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from labelloop.foundation_model.errors import AnswerCacheError
from labelloop.foundation_model.replies import Reply

_ENDING = ".answers.sqlite"
_OURS = 0x6C_6C_61_63  # SQLite's application id
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (digest BLOB PRIMARY KEY, reply BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_MARK, _OUTPUT, _FORM = "mark", "output", "form"


class AnswerCache:
    """Safe for many threads; one process at a time has it."""

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self._database, self._path = database, path
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[AnswerCache]:
        """Open the file, or create it. Raises AnswerCacheError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Answers may quote texts: they are only for who asked.
            path.touch(mode=0o600)
            database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise AnswerCacheError(f"{path}, for the answers, cannot be written: {error}.") from error
        with closing(database):
            _prepare(database, path)
            yield cls(database, path)

    def get(self, digest: bytes) -> Reply | None:
        with self._lock:
            found = self._database.execute("SELECT reply FROM answers WHERE digest = ?", (digest,)).fetchone()
        return Reply.of_document(found[0]) if found else None

    def put(self, digest: bytes, reply: Reply) -> None:
        """Once it returns, the answer survives the end of this process. Raises AnswerCacheError."""
        self._write("INSERT OR REPLACE INTO answers VALUES (?, ?)", digest, reply.as_document())

    def mark(self) -> str:
        """What stands around texts: drawn once, and known to nobody who wrote one."""
        return self._note(_MARK) or self._keep(_MARK, secrets.token_hex(8))

    def form(self, server: str, model: str) -> str | None:
        """What the server accepts, if that is known."""
        return self._note(f"{_FORM} {server} {model}")

    def keep_form(self, server: str, model: str, form: str) -> None:
        self._keep(f"{_FORM} {server} {model}", form)

    def wrote(self, output: Path) -> bool:
        """Whether the file is as it was written last time."""
        return self._note(f"{_OUTPUT} {output.name}") == _digest_of(output)

    def keep_output(self, output: Path) -> None:
        self._keep(f"{_OUTPUT} {output.name}", _digest_of(output))

    def _note(self, name: str) -> str | None:
        with self._lock:
            found = self._database.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def _keep(self, name: str, value: str) -> str:
        self._write("INSERT OR REPLACE INTO notes VALUES (?, ?)", name, value)
        return value

    def _write(self, statement: str, key: bytes | str, value: bytes | str) -> None:
        try:
            with self._lock:
                self._database.execute(statement, (key, value))
        except sqlite3.Error as error:
            raise AnswerCacheError(
                f"{self._path} cannot be written: {error}. It has all before this."
            ) from error


def cache_beside(output: Path) -> Path:
    """Where the answers for this output are kept."""
    return output.with_suffix(_ENDING)


def request_digest(server: str, body: bytes, sample: int) -> bytes:
    """What an answer is found by. `sample`: the number among answers to the same request."""
    return hashlib.sha256(f"{server}\n{sample}\n".encode() + body).digest()


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    try:
        # Another process that opens the file is refused until this one ends, however it ends.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN IMMEDIATE")
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != _OURS:
            raise AnswerCacheError(f"{path} is a database of another program: name another --out.")
        database.execute(f"PRAGMA application_id = {_OURS}")
        database.execute("COMMIT")
        # An answer is safe once it is with the operating system: a sync of the disk for each takes longer
        # than some models.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.OperationalError as error:
        raise AnswerCacheError(
            f"{path} is in use: another labelloop is asking for the same output. Stop it first, or name "
            f"another --out. ({error})"
        ) from error
    except sqlite3.DatabaseError as error:
        raise AnswerCacheError(
            f"{path} should hold the answers so far, and cannot be read: {error}. Name another --out, or "
            "move it away to ask anew."
        ) from error


def _digest_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

"""Tasks in one SQLite file: the store on a laptop. Each write is on the disk before it is confirmed.

Syncing the disk is slow. So reads never wait for writes: each read has its own connection and sees the last
commit. Writes that come at the same time are committed and synced together.
"""

import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from labelloop.workbench.errors import ConflictError, UnavailableError
from labelloop.workbench.tasks import (
    Annotator,
    Batch,
    Correction,
    DataObject,
    GuidelinesVersion,
    Member,
    Place,
    Task,
    Totals,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tasks (
    batch_id TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, available_from REAL,
    document TEXT NOT NULL, done_at REAL, PRIMARY KEY (batch_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS available_tasks ON tasks (batch_id, id) WHERE available_from IS NOT NULL;
CREATE TABLE IF NOT EXISTS entries (
    batch_id TEXT NOT NULL, task_id TEXT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (batch_id, task_id, person)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS data_objects (
    batch_id TEXT NOT NULL, task_id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (batch_id, task_id)
);
CREATE TABLE IF NOT EXISTS annotators (
    batch_id TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (batch_id, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people (key TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
    id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS corrections (
    run TEXT NOT NULL, object_id INTEGER NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (run, object_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guidelines (
    run TEXT NOT NULL, number INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (run, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pictures (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL);
"""
# An index of these alone: a request must not take longer because many batches are closed.
_UNFINISHED = "json_extract(document, '$.state') <> 'closed'"
_SCHEMA += f"CREATE INDEX IF NOT EXISTS unfinished_batches ON batches (number) WHERE {_UNFINISHED};"
# In a file that another version made, the tasks lack this column.
_DONE_AT = """
ALTER TABLE tasks ADD COLUMN done_at REAL;
UPDATE tasks SET done_at = (
    SELECT max(json_extract(value, '$.at')) FROM json_each(document, '$.entries')
    WHERE json_extract(value, '$.kind') <> 'lease'
) WHERE available_from IS NULL;
"""
_DONE_INDEX = (
    "CREATE INDEX IF NOT EXISTS done_tasks ON tasks (batch_id, done_at, id) WHERE done_at IS NOT NULL;"
)
_AVAILABLE = """
SELECT document FROM tasks AS task
WHERE batch_id = ? AND available_from <= ? AND id {side} ?
  AND NOT EXISTS (SELECT 1 FROM entries WHERE batch_id = task.batch_id AND task_id = task.id AND person = ?)
  AND (? OR NOT EXISTS (SELECT 1 FROM json_each(document, '$.answered_before') WHERE value = ?))
ORDER BY id LIMIT ?
"""
_BUSY_SECONDS = 30.0
_BETWEEN_TRIES_SECONDS = 0.01
_IDS_AT_ONCE = 500
_Change = Callable[[sqlite3.Connection], object]


class SqliteTaskStore:
    """A `TaskStore` in a file, safe for many threads and processes of one machine."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only for who runs the workbench. SQLite gives the files beside it the same permissions.
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._path = path
        self._lock = threading.Lock()
        self._waiting: deque[_Write] = deque()
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._writer = self._connect()
        self._write_ahead()
        self._writer.executescript(_SCHEMA)
        self._complete_columns()

    def close(self) -> None:
        with self._lock:
            self._writer.close()
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                return

    def add_batch(self, batch: Batch, tasks: Iterable[tuple[Task, DataObject]]) -> None:
        self._write(lambda connection: _add_batch(connection, batch, tasks))

    def batch(self, batch_id: str) -> Batch | None:
        rows = self._rows("SELECT document FROM batches WHERE id = ?", batch_id)
        return Batch.model_validate_json(rows[0]) if rows else None

    def batches(self) -> list[Batch]:
        rows = self._rows("SELECT document FROM batches ORDER BY number")
        return [Batch.model_validate_json(row) for row in rows]

    def unfinished(self) -> list[Batch]:
        query = f"SELECT document FROM batches WHERE {_UNFINISHED} ORDER BY number"  # noqa: S608
        return [Batch.model_validate_json(row) for row in self._rows(query)]

    def newest(self) -> Batch | None:
        return next(iter(self.some_batches(1)), None)

    def some_batches(
        self, most: int, *, newest_first: bool = True, beyond: Batch | None = None
    ) -> list[Batch]:
        side, order = ("<", "DESC") if newest_first else (">", "ASC")
        query = (
            f"SELECT document FROM batches WHERE (? OR number {side} "  # noqa: S608
            f"(SELECT number FROM batches WHERE id = ?)) ORDER BY number {order} LIMIT ?"
        )
        rows = self._rows(query, beyond is None, beyond.id if beyond else "", most)
        return [Batch.model_validate_json(row) for row in rows]

    def let_go(self, batch_id: str, until: float) -> None:
        """Everything stays: the file is of one run, and goes with its folder."""

    def save_batch(self, batch: Batch) -> Batch:
        saved = batch.model_copy(update={"version": batch.version + 1})
        values = (saved.version, saved.model_dump_json(), batch.id, batch.version)

        def update(connection: sqlite3.Connection) -> None:
            query = "UPDATE batches SET version = ?, document = ? WHERE id = ? AND version = ?"
            _require_written(connection.execute(query, values))

        self._write(update)
        return saved

    def task(self, batch_id: str, task_id: str) -> Task | None:
        rows = self._rows("SELECT document FROM tasks WHERE batch_id = ? AND id = ?", batch_id, task_id)
        return Task.model_validate_json(rows[0]) if rows else None

    def tasks(self, batch_id: str) -> Iterator[Task]:
        rows = self._rows("SELECT document FROM tasks WHERE batch_id = ? ORDER BY id", batch_id)
        return (Task.model_validate_json(row) for row in rows)

    def data_objects(self, batch_id: str, task_ids: Sequence[str]) -> dict[str, DataObject]:
        found = {}
        for start in range(0, len(task_ids), _IDS_AT_ONCE):
            ids = task_ids[start : start + _IDS_AT_ONCE]
            marks = ", ".join("?" * len(ids))
            query = f"SELECT document FROM data_objects WHERE batch_id = ? AND task_id IN ({marks})"  # noqa: S608
            for row in self._rows(query, batch_id, *ids):
                data_object = DataObject.model_validate_json(row)
                found[data_object.task_id] = data_object
        return found

    def available(
        self, batch_id: str, person: str, *, now: float, most: int, after: str = "", again: bool = False
    ) -> list[Task]:
        values = (batch_id, now, after, person, again, person)
        rows = self._rows(_AVAILABLE.format(side=">"), *values, most)
        if len(rows) < most:
            rows += self._rows(_AVAILABLE.format(side="<="), *values, most - len(rows))
        return [Task.model_validate_json(row) for row in rows]

    def done(
        self, batch_id: str, most: int, *, newest_first: bool = True, beyond: Place | None = None
    ) -> list[Task]:
        side, order = ("<", "DESC") if newest_first else (">", "ASC")
        start = beyond or Place(math.inf if newest_first else -math.inf, "")
        query = (
            f"SELECT document FROM tasks WHERE batch_id = ? AND (done_at, id) {side} (?, ?) "  # noqa: S608
            f"AND done_at IS NOT NULL ORDER BY done_at {order}, id {order} LIMIT ?"
        )
        return [Task.model_validate_json(row) for row in self._rows(query, batch_id, *start, most)]

    def annotator(self, batch_id: str, name: str) -> Annotator:
        query = "SELECT document FROM annotators WHERE batch_id = ? AND name = ?"
        rows = self._rows(query, batch_id, name)
        return Annotator.model_validate_json(rows[0]) if rows else Annotator(batch_id=batch_id, name=name)

    def annotators(self, batch_id: str) -> list[Annotator]:
        rows = self._rows("SELECT document FROM annotators WHERE batch_id = ? ORDER BY name", batch_id)
        return [Annotator.model_validate_json(row) for row in rows]

    def known_as(self, key: str, name: str) -> str:
        self._write(
            lambda connection: connection.execute("INSERT OR IGNORE INTO people VALUES (?, ?)", (key, name))
        )
        return self._rows("SELECT name FROM people WHERE key = ?", key)[0]

    def people(self) -> dict[str, str]:
        with self._reading() as connection:
            return dict(connection.execute("SELECT key, name FROM people").fetchall())

    def member(self, member_id: str) -> Member:
        rows = self._rows("SELECT document FROM members WHERE id = ?", member_id)
        return Member.model_validate_json(rows[0]) if rows else Member(id=member_id)

    def members(self) -> list[Member]:
        rows = self._rows("SELECT document FROM members ORDER BY id")
        return [Member.model_validate_json(row) for row in rows]

    def save_member(self, member: Member) -> None:
        saved = member.model_copy(update={"version": member.version + 1})
        values = (saved.id, saved.version, saved.model_dump_json(), member.version)

        def write(connection: sqlite3.Connection) -> None:
            query = (
                "INSERT INTO members VALUES (?, ?, ?) ON CONFLICT (id) "
                "DO UPDATE SET version = excluded.version, document = excluded.document WHERE version = ?"
            )
            _require_written(connection.execute(query, values))

        self._write(write)

    def guidelines(self, run: str, number: int) -> GuidelinesVersion | None:
        rows = self._rows("SELECT document FROM guidelines WHERE run = ? AND number = ?", run, number)
        return GuidelinesVersion.model_validate_json(rows[0]) if rows else None

    def newest_guidelines(self, run: str, most: int) -> list[GuidelinesVersion]:
        query = "SELECT document FROM guidelines WHERE run = ? ORDER BY number DESC LIMIT ?"
        return [GuidelinesVersion.model_validate_json(row) for row in self._rows(query, run, most)]

    def add_guidelines(self, version: GuidelinesVersion) -> None:
        values = (version.run, version.number, version.model_dump_json())

        def add(connection: sqlite3.Connection) -> None:
            _require_written(connection.execute("INSERT OR IGNORE INTO guidelines VALUES (?, ?, ?)", values))

        self._write(add)

    def picture(self, name: str) -> bytes | None:
        with self._reading() as connection:
            found = connection.execute("SELECT content FROM pictures WHERE name = ?", (name,)).fetchone()
        return bytes(found[0]) if found else None

    def add_picture(self, name: str, content: bytes) -> None:
        def add(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?)", (name, content))

        self._write(add)

    def correction(self, run: str, object_id: int) -> Correction | None:
        query = "SELECT document FROM corrections WHERE run = ? AND object_id = ?"
        rows = self._rows(query, run, object_id)
        return Correction.model_validate_json(rows[0]) if rows else None

    def corrections(self, run: str) -> list[Correction]:
        query = "SELECT document FROM corrections WHERE run = ? ORDER BY object_id"
        return [Correction.model_validate_json(row) for row in self._rows(query, run)]

    def save_correction(self, correction: Correction) -> None:
        saved = correction.model_copy(update={"version": correction.version + 1})
        values = (saved.run, saved.object_id, saved.version, saved.model_dump_json(), correction.version)

        def write(connection: sqlite3.Connection) -> None:
            query = (
                "INSERT INTO corrections VALUES (?, ?, ?, ?) ON CONFLICT (run, object_id) "
                "DO UPDATE SET version = excluded.version, document = excluded.document WHERE version = ?"
            )
            _require_written(connection.execute(query, values))

        self._write(write)

    def totals(self, batch_id: str) -> Totals:
        query = (
            "SELECT coalesce(sum(json_extract(document, '$.completed')), 0), "
            "coalesce(sum(json_extract(document, '$.skips')), 0) FROM annotators WHERE batch_id = ?"
        )
        with self._reading() as connection:
            return Totals(*connection.execute(query, (batch_id,)).fetchone())

    def write(self, tasks: Sequence[Task], annotator: Annotator | None = None) -> None:
        def change(connection: sqlite3.Connection) -> None:
            for task in tasks:
                _write_task(connection, task)
            if annotator is not None:
                _write_annotator(connection, annotator)

        self._write(change)

    def _complete_columns(self) -> None:
        def complete(connection: sqlite3.Connection) -> None:
            columns = {row[1] for row in connection.execute("PRAGMA table_info(tasks)")}
            if "done_at" not in columns:
                for statement in filter(str.strip, _DONE_AT.split(";")):
                    connection.execute(statement)
            connection.execute(_DONE_INDEX)

        self._write(complete)

    def _rows(self, query: str, *parameters: object) -> list[str]:
        with self._reading() as connection:
            return [row[0] for row in connection.execute(query, parameters)]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._readers.get_nowait()
        except Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._readers.put(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _write_ahead(self) -> None:
        """Use a write-ahead log, so that reads need not wait.

        SQLite normally waits while others write. For this setting it does not: it refuses at once.
        """
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._writer.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(_BETWEEN_TRIES_SECONDS)

    def _write(self, change: _Change) -> None:
        """Make a change completely or not at all. Returns when it is on the disk. Raises its error."""
        write = _Write(change)
        self._waiting.append(write)
        with self._lock:
            # The previous holder of the lock may have made this change together with its own.
            if not write.done:
                self._write_all_waiting()
        if write.error is not None:
            raise write.error

    def _write_all_waiting(self) -> None:
        writes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                for write in writes:
                    write.make(self._writer)
                self._writer.execute("COMMIT")
            except BaseException:
                # After some errors, SQLite has already rolled back.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        except BaseException as error:
            for write in writes:
                write.error = _told(error)
        for write in writes:
            write.done = True


class _Write:
    """A change that waits for its turn, and its result."""

    def __init__(self, change: _Change) -> None:
        self.done = False
        self.error: BaseException | None = None
        self._change = change

    def make(self, connection: sqlite3.Connection) -> None:
        """Make the change within a transaction. If it fails, only this change is undone."""
        connection.execute("SAVEPOINT change")
        try:
            self._change(connection)
        except sqlite3.OperationalError:
            raise  # The disk fails, and with it the whole transaction.
        except BaseException as error:
            self.error = error
            connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")


_OF_THE_DISK = {
    sqlite3.SQLITE_FULL: "the disk is full: make room on the machine that runs the workbench",
    sqlite3.SQLITE_IOERR: "the disk fails on the machine that runs the workbench",
    sqlite3.SQLITE_READONLY: "the workbench may not write its file any more",
    sqlite3.SQLITE_CANTOPEN: "the workbench cannot open its file any more",
    sqlite3.SQLITE_BUSY: "another program keeps the workbench's file locked",
}


def _told(error: BaseException) -> BaseException:
    """What people can be told about an error of the disk; other errors as they are."""
    if not isinstance(error, sqlite3.OperationalError):
        return error
    # The lowest byte is the kind of error, the others say more precisely what failed.
    cause = _OF_THE_DISK.get((error.sqlite_errorcode or 0) & 0xFF)
    if cause is None:
        return error
    told = UnavailableError(f"nothing can be saved now, because {cause}")
    told.__cause__ = error
    return told


def _add_batch(
    connection: sqlite3.Connection, batch: Batch, tasks: Iterable[tuple[Task, DataObject]]
) -> None:
    if connection.execute("SELECT 1 FROM batches WHERE id = ?", (batch.id,)).fetchone():
        return
    for task, data_object in tasks:
        connection.execute(
            "INSERT INTO tasks (batch_id, id, version, available_from, document) VALUES (?, ?, 0, ?, ?)",
            (batch.id, task.id, task.available_from(), task.model_dump_json()),
        )
        connection.execute(
            "INSERT INTO data_objects VALUES (?, ?, ?)",
            (batch.id, task.id, data_object.model_dump_json()),
        )
    connection.execute(
        "INSERT INTO batches (id, version, document) VALUES (?, 0, ?)",
        (batch.id, batch.model_dump_json()),
    )


def _write_task(connection: sqlite3.Connection, task: Task) -> None:
    saved = task.model_copy(update={"version": task.version + 1})
    written = connection.execute(
        "UPDATE tasks SET version = ?, available_from = ?, done_at = ?, document = ? "
        "WHERE batch_id = ? AND id = ? AND version = ?",
        (
            saved.version,
            saved.available_from(),
            saved.place.at if saved.place else None,
            saved.model_dump_json(),
            task.batch_id,
            task.id,
            task.version,
        ),
    )
    _require_written(written)
    connection.execute("DELETE FROM entries WHERE batch_id = ? AND task_id = ?", (task.batch_id, task.id))
    connection.executemany(
        "INSERT INTO entries VALUES (?, ?, ?)", [(task.batch_id, task.id, person) for person in task.entries]
    )


def _write_annotator(connection: sqlite3.Connection, annotator: Annotator) -> None:
    saved = annotator.model_copy(update={"version": annotator.version + 1})
    written = connection.execute(
        "INSERT INTO annotators VALUES (?, ?, ?, ?) ON CONFLICT (batch_id, name) "
        "DO UPDATE SET version = excluded.version, document = excluded.document WHERE version = ?",
        (saved.batch_id, saved.name, saved.version, saved.model_dump_json(), annotator.version),
    )
    _require_written(written)


def _require_written(cursor: sqlite3.Cursor) -> None:
    if cursor.rowcount != 1:
        raise ConflictError("somebody else was faster: try again")

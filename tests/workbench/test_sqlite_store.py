"""What the file does beyond the stores' contract: nobody who reads waits, and who writes shares a commit."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from labelloop.workbench.errors import ConflictError, UnavailableError
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Annotator

from .conftest import Desk


@contextmanager
def nobody_can_write(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def start(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.start()


def test_who_reads_does_not_wait_for_who_writes(tmp_path: Path, sqlite_desk: Desk) -> None:
    batch = sqlite_desk.open(["only"])
    ann = Annotator(batch_id=batch.id, name="ann", answers=1)
    write = threading.Thread(target=sqlite_desk.store.write, args=([], ann))
    with nobody_can_write(tmp_path / "workbench.sqlite"):
        write.start()
        write.join(0.2)
        read: list[Annotator] = []
        reader = threading.Thread(target=lambda: read.append(sqlite_desk.store.annotator(batch.id, "ann")))
        reader.start()
        reader.join(60)
        assert [one.answers for one in read] == [0], "as of the last commit"
        assert write.is_alive()
    write.join()
    assert sqlite_desk.store.annotator(batch.id, "ann").answers == 1


def test_writes_that_come_together_are_one_commit_and_a_conflict_is_its_own(
    tmp_path: Path, sqlite_desk: Desk
) -> None:
    batch = sqlite_desk.open(["only"])
    store = sqlite_desk.store
    assert isinstance(store, SqliteTaskStore)
    begun: list[str] = []
    store._writer.set_trace_callback(lambda query: begun.append(query) if "BEGIN" in query else None)
    conflicts: list[str] = []

    def write(name: str, version: int) -> None:
        try:
            store.write([], Annotator(batch_id=batch.id, name=name, answers=1, version=version))
        except ConflictError:
            conflicts.append(name)

    first = threading.Thread(target=write, args=("first", 0))
    rest = [threading.Thread(target=write, args=(f"person {number}", 0)) for number in range(5)]
    wrong = [threading.Thread(target=write, args=("first", version)) for version in (7, 8)]
    with nobody_can_write(tmp_path / "workbench.sqlite"):
        start(first)
        first.join(0.2)  # It has its turn, and waits for the file.
        start(*rest, *wrong)
        wrong[-1].join(0.2)
    for thread in (first, *rest, *wrong):
        thread.join()
    assert conflicts == ["first", "first"]
    assert [one.answers for one in store.annotators(batch.id)] == [1] * 6
    assert len(begun) == 2


def test_a_change_that_fails_is_told_and_leaves_nothing(sqlite_desk: Desk) -> None:
    batch = sqlite_desk.open(["only"])
    unknown = next(sqlite_desk.store.tasks(batch.id)).model_copy(update={"id": "unknown"})
    with pytest.raises(ConflictError):
        sqlite_desk.store.write([unknown], Annotator(batch_id=batch.id, name="ann", answers=1))
    assert sqlite_desk.store.annotators(batch.id) == []


def test_who_opens_a_new_file_waits_for_who_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "workbench.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writes = threading.Timer(0.2, other.execute, ["COMMIT"])
    writes.start()
    store = SqliteTaskStore(path)
    assert store.batches() == []
    assert not other.in_transaction
    store.close()
    writes.join()
    other.close()


def test_nobody_else_on_the_machine_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "workbench.sqlite"
    path.touch(mode=0o644)
    with closing(SqliteTaskStore(path)) as store:
        store.known_as("ann", "Ann")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert len(modes) == 3


def test_a_full_disk_is_told_as_what_it_is_and_writing_goes_on_afterwards(tmp_path: Path) -> None:
    with closing(SqliteTaskStore(tmp_path / "workbench.sqlite")) as store:
        desk = Desk(store)
        desk.open(["a", "b"])
        (task, _), *_ = desk.workbench.next_tasks("ann", 1).tasks
        pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
        store._writer.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(UnavailableError, match="the disk is full"):
            desk.open(["x" * 100_000], batch_id="batch-2")
        store._writer.execute("PRAGMA max_page_count = 1000000")
        desk.workbench.answer("batch-1", task.id, "ann", 1)
        assert desk.workbench.progress(desk.workbench.batch("batch-1"), "ann").mine == 1


def test_a_file_of_an_earlier_version_knows_what_is_done_too(tmp_path: Path, sqlite_desk: Desk) -> None:
    batch = sqlite_desk.open(["a", "b", "c"])
    for _ in range(2):
        (task, _), *_ = sqlite_desk.workbench.next_tasks("ann", 1).tasks
        sqlite_desk.workbench.answer(batch.id, task.id, "ann", 1)
    before = sqlite_desk.store.done(batch.id, 9)
    assert len(before) == 2
    with closing(sqlite3.connect(tmp_path / "workbench.sqlite", isolation_level=None)) as earlier:
        earlier.execute("DROP INDEX done_tasks")
        earlier.execute("ALTER TABLE tasks DROP COLUMN done_at")
    with closing(SqliteTaskStore(tmp_path / "workbench.sqlite")) as opened:
        assert opened.done(batch.id, 9) == before

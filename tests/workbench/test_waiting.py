"""How long people wait for the next batch."""

from typing import Any

import pytest

from labelloop.workbench.waiting import Wait

from .conftest import Desk


def rounds(desk: Desk, waits: list[float], *, run: str = "run-1", total: int = 3, **fields: Any) -> None:
    """Batches of a run, each of them closed after a minute, the next one opened after the given wait."""
    for number, wait in enumerate([*waits, None], 1):
        batch = desk.open(["x"] * total, batch_id=f"{run}-r{number:03d}", run=run, round=number, **fields)
        desk.clock.now += 60
        desk.closing.close(batch, "every object is done")
        desk.clock.now += wait or 0


def wait_now(desk: Desk) -> Wait | None:
    handed = desk.workbench.next_tasks("ann", 5)
    assert handed.state == "none"
    return handed.wait


def test_people_are_told_how_long_the_last_waits_of_their_run_were(sqlite_desk: Desk) -> None:
    rounds(sqlite_desk, [5, 7], run="another", run_state_uri="s3://bucket/other.json")
    rounds(sqlite_desk, [900, 40, 50, 45], run_state_uri="s3://bucket/state.json")
    sqlite_desk.clock.now += 12
    wait = wait_now(sqlite_desk)
    assert wait is not None
    # The wait of 900 s is among the last five batches, and yet it does not count for more than one.
    assert wait.usual == pytest.approx(47.5, abs=0.1)
    assert wait.so_far == pytest.approx(12, abs=0.1)
    assert wait.last_total == 3


def test_the_first_wait_of_a_run_has_no_example(sqlite_desk: Desk) -> None:
    rounds(sqlite_desk, [5, 7], run="another", run_state_uri="s3://bucket/other.json")
    rounds(sqlite_desk, [], run_state_uri="s3://bucket/state.json")
    wait = wait_now(sqlite_desk)
    assert wait is not None
    assert wait.usual is None


def test_nobody_waits_where_no_run_opens_another_batch(sqlite_desk: Desk) -> None:
    assert wait_now(sqlite_desk) is None
    rounds(sqlite_desk, [5])
    assert wait_now(sqlite_desk) is None


def test_what_is_usual_is_read_once_while_people_wait(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds(sqlite_desk, [30, 30], more_follow=True)
    workbench = sqlite_desk.workbench
    assert workbench.next_tasks("ann", 1).wait is not None
    monkeypatch.setattr(type(sqlite_desk.store), "some_batches", lambda *_: 1 / 0)
    monkeypatch.setattr(type(sqlite_desk.store), "newest", lambda _: workbench.batch("run-1-r003"))
    again = workbench.next_tasks("bob", 1).wait
    assert again is not None
    assert again.usual == pytest.approx(30, abs=0.1)

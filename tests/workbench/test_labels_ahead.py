"""What people go on with while the model learns: when they get it, what they are told, and who ends it."""

from typing import Any

import pytest

from labelloop.workbench.overview import Overview
from labelloop.workbench.pages.answers_view import name_of_batch
from labelloop.workbench.pages.run_view import run_view
from labelloop.workbench.run_so_far import ObjectCounts, RunSoFar
from labelloop.workbench.tasks import Batch

from .conftest import Desk


def open_round(desk: Desk, number: int, *, run: str = "run-1", ahead: int = 2) -> tuple[Batch, Batch]:
    """A round's batch, and what is ahead of the next one."""
    name, created = f"{run}-r{number:03d}", desk.clock()
    told: dict[str, Any] = {
        "run": run,
        "round": number,
        "created": created,
        "run_state_uri": "s3://b/state.json",
    }
    of_round = desk.open(["a", "b"], batch_id=name, task_token="token", **told)
    after = desk.open(["x"] * ahead, batch_id=f"{name}-ahead", ahead=True, **told)
    return of_round, after


def answer_all(desk: Desk, batch: Batch) -> None:
    tasks = [task for task, _ in desk.workbench.next_tasks("ann", 20).tasks]
    assert {task.batch_id for task in tasks} == {batch.id}
    for task in tasks:
        desk.workbench.answer(batch.id, task.id, "ann", 1)


def current(desk: Desk) -> str | None:
    batch = desk.workbench.current_batch()
    return batch.id if batch else None


def test_a_rounds_batch_comes_first_then_what_is_ahead_until_the_next_round(desk: Desk) -> None:
    first, ahead = open_round(desk, 1)
    answer_all(desk, first)
    held = desk.workbench.next_tasks("ben", 1).tasks
    assert held[0][0].batch_id == ahead.id
    desk.clock.now += 60
    second, later = open_round(desk, 2)
    assert current(desk) == second.id, "the next round's come before the rest of it"
    for _ in range(2):
        desk.closing.hands_out_no_more(ahead.id)
    ((task, _),) = held
    desk.workbench.answer(ahead.id, task.id, "ben", 1)  # What somebody has of it still counts.
    desk.closing.close(desk.workbench.batch(second.id), "done")
    answer_all(desk, later)
    assert current(desk) is None, "nothing of the first is left to get, though it is open"
    desk.closing.close(desk.workbench.batch(ahead.id), "its round has ended")
    assert desk.memory.closed[-1].undone == 1
    closed = desk.workbench.batch(later.id)
    for batch_id in (later.id, "never opened"):
        desk.closing.hands_out_no_more(batch_id)
    desk.closing.goes_on_in(closed, "run-2")
    assert desk.workbench.batch(later.id) == closed, "what is closed stays as it was let go"


def test_other_runs_that_wait_come_before_what_nobody_waits_for(desk: Desk) -> None:
    first, ahead = open_round(desk, 1)
    other, _ = open_round(desk, 1, run="run-2")
    desk.closing.close(first, "done")
    assert current(desk) == other.id
    desk.closing.close(other, "done")
    assert current(desk) in {ahead.id, "run-2-r001-ahead"}


def test_who_pauses_a_round_pauses_what_is_ahead_of_it(desk: Desk) -> None:
    first, ahead = open_round(desk, 1)
    desk.workbench.pause(first.id)
    handed = desk.workbench.next_tasks("ann", 5)
    assert (handed.tasks, handed.state) == ([], "paused")
    desk.workbench.resume(first.id)
    answer_all(desk, first)
    desk.workbench.pause(ahead.id)
    assert desk.workbench.next_tasks("ann", 5).state == "paused"


def test_the_end_of_a_run_closes_both(desk: Desk) -> None:
    first, ahead = open_round(desk, 1)
    open_round(desk, 1, run="run-2")
    (task, _), *_ = desk.workbench.next_tasks("ann", 1).tasks
    desk.workbench.answer(first.id, task.id, "ann", 1)
    closed = desk.closing.close_run("run-1", "its run was stopped")
    assert [batch.id for batch in closed] == [first.id, ahead.id]
    assert {first.output_uri, ahead.output_uri} <= desk.memory.files.keys()
    assert current(desk) == "run-2-r001"


def test_a_resumed_run_has_what_was_ahead_of_the_interrupted_one(desk: Desk) -> None:
    first, ahead = open_round(desk, 1)
    desk.closing.waits_with(first, "live", "run-2")
    desk.closing.goes_on_in(ahead, "run-2")
    desk.closing.goes_on_in(ahead, "run-2")
    assert desk.workbench.batch(ahead.id).task_token is None
    assert {batch.id for batch in desk.closing.close_run("run-2", "stopped")} == {first.id, ahead.id}


def test_people_wait_for_the_model_only_once_nothing_is_ahead_and_it_learns_since_the_round_ended(
    sqlite_desk: Desk,
) -> None:
    desk = sqlite_desk
    for number in (1, 2, 3):
        first, ahead = open_round(desk, number, ahead=3)
        answer_all(desk, first)
        desk.clock.now += 100
        answer_all(desk, ahead)
        wait = desk.workbench.next_tasks("ann", 1).wait
        assert wait is not None
        assert wait.last_total == 2, "of the round's batch: the model learns from that"
        assert wait.so_far == pytest.approx(100, abs=0.1)
        assert wait.usual == (None if number == 1 else pytest.approx(140, abs=0.1))
        desk.clock.now += 40


def test_the_runs_page_says_which_of_two_batches_it_shows(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.workbench.overview.run_so_far", lambda _uri: so_far())
    first, ahead = open_round(sqlite_desk, 3)
    overview = Overview(sqlite_desk.store, clock=sqlite_desk.clock)
    shown = run_view(overview())
    assert shown.sentence == "Round 3: 2 objects for people to label."
    assert shown.batch is not None
    assert shown.batch.name == "round 3 of run-1"
    assert [choice.note for choice in shown.choices] == ["round 3, open", "ahead of round 4, open"]
    other = run_view(overview(ahead.id))
    assert other.sentence == "Ahead of round 4: 2 objects for people to label."
    assert other.details == ["People go on with these while the model learns."]
    assert other.batch is not None
    assert other.batch.name == "ahead of round 4 of run-1"
    assert name_of_batch(ahead) == "Ahead of round 4 of run-1"
    assert shown.ledger is not None
    assert [key.text for key in shown.ledger.legend if "while the model" in key.text] == [
        "with people while the model learns: 2"
    ]
    sqlite_desk.closing.close(first, "every object is done")
    sqlite_desk.clock.now += 5
    assert run_view(overview(first.id)).sentence == other.sentence, "the page goes on with it"
    sqlite_desk.workbench.pause(ahead.id)
    assert run_view(overview()).sentence == "Labeling ahead of round 4 is paused."


def so_far() -> RunSoFar:
    counts = ObjectCounts(input=20, human=6, auto=0, failed=0, pool=12, validation=0, ahead=2)
    return RunSoFar(
        name="run-1", round=3, ended=None, counts=counts, rounds=(), certificate=None, model=None,
        target_error=0.05, confidence=0.9,
    )  # fmt: skip

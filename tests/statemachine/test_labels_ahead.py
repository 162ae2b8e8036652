"""People label while the next model learns: they go on, and no answer is lost however the run goes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.aws import LocalAws
from labelloop.local.job import JobFailed
from labelloop.workbench.deployment import opened_workbench
from labelloop.workbench.service import Workbench
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch
from tests.words import CLASSES

from .conftest import Loop, Outcome
from .replay import ends_the_same_in_memory
from .test_workbench_paths import People, merged, until_closed, waiting_batch

AccountedFor = Callable[[Outcome], None]
LONGEST = 300  # seconds
pytestmark = pytest.mark.slow


@pytest.fixture
def loop(loop: Loop) -> Loop:
    """Whose people are at the workbench, and get as many objects ahead as a batch has."""
    loop.settings(
        LabelingBackend="workbench", Workbench={"LabelAheadShare": 1}, TargetError=0.2, BatchSize=0.1
    )
    return loop


@pytest.fixture
def aws(loop: Loop, tmp_path: Path) -> Callable[[], LocalAws]:
    """The local AWS with the tasks in a file; called again, the machine was started anew."""
    return lambda: loop.aws(environment={"WORKBENCH_DATABASE": str(tmp_path / "workbench.sqlite")})


def until(is_so: Callable[[TaskStore], bool]) -> None:
    end = time.monotonic() + LONGEST
    with opened_workbench() as parts:
        while not is_so(parts.store):
            assert time.monotonic() < end
            time.sleep(0.02)


def ahead_batches(store: TaskStore) -> list[Batch]:
    return [batch for batch in store.batches() if batch.ahead]


def answers_ahead(store: TaskStore) -> dict[int, int]:
    tasks = (task for batch in ahead_batches(store) for task in store.tasks(batch.id))
    return {task.object_id: label for task in tasks for label in task.answers.values()}


def labels_of(outcome: Outcome) -> dict[int, int]:
    return {
        line["n"]: line["category"]
        for line in outcome.lines()
        if "category" in line and line["category-metadata"]["human-annotated"] == "yes"
    }


def label_all(loop: Loop, workbench: Workbench, batch_id: str) -> None:
    while tasks := [task for task, _ in workbench.next_tasks("ann", 20).tasks if task.batch_id == batch_id]:
        for task in tasks:
            workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))


@contextmanager
def model_at_work(loop: Loop, running: LocalAws) -> Iterator[tuple[str, Workbench, threading.Event]]:
    """An execution whose first model learns until the event is set, and the workbench meanwhile."""
    learning, may_end = threading.Event(), threading.Event()

    def hold(_request: Any) -> None:
        learning.set()
        assert may_end.wait(LONGEST)

    running.interceptors.before("CreateTrainingJob", hold)
    with waiting_batch(loop, running) as (arn, parts):
        workbench = Workbench(parts.store, parts.closing)
        first = parts.store.batches()[0]
        assert not first.ahead, "what the run waits for comes first"
        label_all(loop, workbench, first.id)
        until_closed(parts, first.id)
        assert learning.wait(LONGEST)
        try:
            yield arn, workbench, may_end
        finally:
            may_end.set()


def test_people_go_on_while_the_model_learns_and_the_next_round_hears_them(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300, clean=False)
    loop.settings(Workbench={"LabelAheadShare": 0.5})
    running = aws()
    with model_at_work(loop, running) as (arn, workbench, may_end):
        handed = workbench.next_tasks("ann", 20)
        assert handed.state == "open"
        assert handed.batch is not None
        ahead = handed.batch
        assert (ahead.ahead, ahead.round, ahead.task_token, ahead.ends_at) == (True, 1, None, None)
        label_all(loop, workbench, ahead.id)
        waiting = workbench.next_tasks("ann", 20)
        assert (waiting.state, waiting.batch) == ("none", None), "only now they wait"
        assert waiting.wait is not None
        first = workbench.store.batches()[0]
        assert waiting.wait.last_total == first.total != ahead.total, (
            "the model learns from the round's batch"
        )
        labeled = answers_ahead(workbench.store)
        assert len(labeled) == ahead.total
        may_end.set()
        with People(loop) as people:
            outcome = Outcome(running.wait(arn, seconds=LONGEST), loop.s3)
    accounted_for(outcome)
    assert outcome.counts["auto"] > 0
    with opened_workbench() as parts:
        assert {batch.state for batch in parts.store.batches()} == {"closed"}
    assert labels_of(outcome).items() >= labeled.items()
    assert not labeled.keys() & {number for number, _ in people.answered}, "nobody is asked twice"
    assert merged(loop, 1)["counts"]["ahead"] == ahead.total
    second = merged(loop, 2)
    assert second["trained"]
    before = merged(loop, 1)["counts"]["human"]
    assert second["labeled_by_people"] == second["counts"]["human"] - before > len(labeled)
    assert "ahead" not in merged(loop, outcome.report()["rounds"][-1]["round"])["counts"]
    ends_the_same_in_memory(loop, outcome)


def test_what_nobody_came_to_is_asked_about_again(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300, clean=False)
    running = aws()
    with model_at_work(loop, running) as (arn, workbench, may_end):
        ahead = workbench.next_tasks("ann", 3)
        assert ahead.batch is not None
        for task, _ in ahead.tasks:
            workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
        held = workbench.next_tasks("ben", 1).tasks
        may_end.set()
        until(lambda store: any(batch.round == 2 and batch.task_token for batch in store.batches()))
        later = workbench.current_batch()
        assert later is not None
        assert (later.round, later.ahead) == (2, False), "nobody gets any more of it"
        for task, _ in held:
            workbench.answer(task.batch_id, task.id, "ben", CLASSES.index(loop.truth[task.object_id]))
        with People(loop):
            outcome = Outcome(running.wait(arn, seconds=LONGEST), loop.s3)
        closed = workbench.batch(ahead.batch.id)
        assert (closed.state, closed.undone) == ("closed", closed.total - 4), "who had an object has answered"
    accounted_for(outcome)
    assert labels_of(outcome).keys() >= {task.object_id for task, _ in ahead.tasks}
    ends_the_same_in_memory(loop, outcome)


@pytest.mark.parametrize("rounds", [100, 1])
def test_a_run_that_was_stopped_while_its_model_learned_has_what_people_said_meanwhile(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws], rounds: int
) -> None:
    """Also if it is only to end: then a round asks nothing, and hears what people have said."""
    loop.data(300, clean=False)
    running = aws()
    with model_at_work(loop, running) as (arn, workbench, _):
        tasks = [task for task, _ in workbench.next_tasks("ann", 4).tasks]
        for task in tasks:
            workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
        running.stop(arn, cause="a test")
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1", MaxRounds=rounds)
    running = aws()
    with People(loop) as people:
        outcome = loop.run(running, name="run-2")
    accounted_for(outcome)
    assert (
        labels_of(outcome).items()
        >= {task.object_id: CLASSES.index(loop.truth[task.object_id]) for task in tasks}.items()
    )
    assert not {number for number, _ in people.answered} & {task.object_id for task in tasks}
    if rounds == 1:
        assert "MaxRounds" in outcome.output["StoppedBecause"]
        assert "LabelInWorkbench" not in loop.states, "nothing else is asked"
        assert merged(loop, 2, "run-2")["labeled_by_people"] >= len(tasks)


def test_a_run_whose_training_failed_goes_on_with_what_people_said_meanwhile(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300, clean=False)
    running = aws()

    def fail_once_people_are_at_it(_request: Any) -> None:
        until(lambda store: len(answers_ahead(store)) >= 5)
        raise JobFailed("a test")

    running.interceptors.before("TrainingJobEnding", fail_once_people_are_at_it)
    with People(loop) as people:
        failed = loop.run(running)
    assert failed.execution.status == "FAILED", failed.execution
    first = list(people.answered)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    running = aws()
    with People(loop) as people:
        outcome = loop.run(running, name="run-2")
    accounted_for(outcome)
    labels = labels_of(outcome)
    assert {number for number, _ in first} <= labels.keys()
    assert not {number for number, _ in first} & {number for number, _ in people.answered}


def test_an_output_that_the_machine_lost_is_written_again(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300, clean=False)
    running = aws()
    with model_at_work(loop, running) as (arn, workbench, _):
        (ahead,) = ahead_batches(workbench.store)
        label_all(loop, workbench, ahead.id)
        until(lambda store: store.batch(ahead.id).state == "closed")  # type: ignore[union-attr]
        labeled = answers_ahead(workbench.store)
        running.stop(arn, cause="a test")
    aws()  # Writes what S3 held when the machine died;
    (loop.s3 / ahead.output_uri.removeprefix("s3://")).unlink(missing_ok=True)  # not all of it was kept.
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    running = aws()
    with People(loop):
        outcome = loop.run(running, name="run-2")
    accounted_for(outcome)
    assert labels_of(outcome).items() >= labeled.items()


def test_a_batch_whose_time_is_over_leaves_what_is_ahead_to_the_next_round(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300)
    loop.settings(
        Workbench={"LabelAheadShare": 1, "DeadlineInSeconds": 2, "HeartbeatInSeconds": 1}, MaxRounds=2
    )
    running = aws()
    outcome = loop.run(running)
    accounted_for(outcome)
    with opened_workbench() as parts:
        batches = parts.store.batches()
    assert [(batch.round, batch.ahead) for batch in batches] == [(1, False), (1, True), (2, False)]
    assert loop.states.count("CollectLabels") == 3
    assert all(batch.state == "closed" for batch in batches)
    assert outcome.counts["unlabeled"] == 300


def test_an_interrupted_round_does_not_take_what_is_ahead_for_its_own_batch(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    """An owner has closed it early, so its output is there, and that of the round's batch is not."""
    loop.data(300, clean=False)
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        first, ahead = parts.store.batches()
        Workbench(parts.store, parts.closing).close(ahead.id)
        running.stop(arn, cause="a test")
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    running = aws()
    with People(loop):
        outcome = loop.run(running, name="run-2")
    accounted_for(outcome)
    assert merged(loop, 1, "run-2")["labeled_by_people"] == first.total

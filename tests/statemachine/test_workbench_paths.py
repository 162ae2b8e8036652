"""The loop with the workbench: people's answers, closed and expired batches, tokens twice, late and never."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelloop.core.errors import StorageError
from labelloop.local.aws import LocalAws
from labelloop.workbench.closing import Elsewhere
from labelloop.workbench.corrections import Corrections
from labelloop.workbench.deployment import OpenedWorkbench, opened_workbench
from labelloop.workbench.errors import RefusedError
from labelloop.workbench.overview import Overview
from labelloop.workbench.pages.run_view import run_view
from labelloop.workbench.service import Workbench
from labelloop.workbench.tasks import Batch, Task
from tests.words import CLASSES, TOO_STRICT

from .conftest import Loop, Outcome
from .replay import ends_the_same_in_memory

AccountedFor = Callable[[Outcome], None]
BUDGET = 150
pytestmark = pytest.mark.slow


@pytest.fixture
def loop(loop: Loop, tmp_path: Path) -> Loop:
    """Whose people are at the workbench."""
    loop.settings(LabelingBackend="workbench")
    return loop


@pytest.fixture
def aws(loop: Loop, tmp_path: Path) -> Callable[[], LocalAws]:
    """The local AWS with the tasks in a file; called again, the machine was started anew."""
    return lambda: loop.aws(environment={"WORKBENCH_DATABASE": str(tmp_path / "workbench.sqlite")})


NAMES = ("person 0", "person 1", "person 2")


class People:
    """Annotators who know the truth, as threads; within `with`, they label whatever comes.

    `all_begin`: nobody answers before each of them has got an object of the first batch.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        count: int = 2,
        answers: Callable[[int, str], int] | None = None,
        all_begin: bool = False,
    ) -> None:
        self._loop = loop
        self._stop = threading.Event()
        self._answers = answers or (lambda number, _name: CLASSES.index(loop.truth[number]))
        self._threads = [threading.Thread(target=self._label, args=(name,)) for name in NAMES[:count]]
        self._all_have_one = threading.Barrier(count if all_begin else 1)
        self.answered: list[tuple[int, str]] = []
        self.errors: list[Exception] = []

    def __enter__(self) -> "People":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self.errors, self.errors

    def _label(self, name: str) -> None:
        try:
            with opened_workbench() as parts:
                workbench = Workbench(parts.store, parts.closing)
                has_begun = self._all_have_one.parties == 1
                while not self._stop.is_set():
                    handed = workbench.next_tasks(name, 20 if has_begun else 1)
                    if handed.tasks and not has_begun:
                        self._all_have_one.wait(300)
                        has_begun = True
                    for task, _ in handed.tasks:
                        workbench.answer(task.batch_id, task.id, name, self._answers(task.object_id, name))
                        self.answered.append((task.object_id, name))
                    if not handed.tasks:
                        time.sleep(0.02)
        except Exception as error:
            self.errors.append(error)


def merged(loop: Loop, number: int = 1, run: str = "run-1") -> dict[str, Any]:
    record: dict[str, Any] = json.loads(
        (loop.s3 / f"bucket/out/{run}/round-{number:03d}/merged/round.json").read_bytes()
    )
    return record


@contextmanager
def waiting_batch(
    loop: Loop, aws: LocalAws, name: str = "run-1", *, elsewhere: Elsewhere | None = None
) -> Iterator[tuple[str, OpenedWorkbench]]:
    """An execution that waits for its first batch, with the workbench's parts.

    `elsewhere`: where the workbench has batches closed.
    """
    arn = aws.start_execution("ActiveLearningLoop", name, loop.request)
    with opened_workbench(elsewhere) as parts:
        until = time.monotonic() + 300
        while not any(batch.task_token and batch.run == name for batch in parts.store.batches()):
            assert time.monotonic() < until
            if aws.describe(arn).status == "SUCCEEDED":
                raise TooLateError
            assert aws.describe(arn).status == "RUNNING", aws.describe(arn).cause
            time.sleep(0.02)
        yield arn, parts


class TooLateError(Exception):
    """The batch was over before the test could do anything about it."""


def in_time(attempt: Callable[[str, int], None]) -> None:
    """Call with a run's name and the seconds that its batch waits: more of them on a busy machine."""
    for number, seconds in enumerate((2, 10, 50), 1):
        try:
            attempt(f"run-{number}", seconds)
        except TooLateError:
            continue
        return
    raise AssertionError("the machine is too slow for a batch that waits 50 seconds")


def answer_one(loop: Loop, workbench: Workbench) -> Task:
    """Answers the first task of the open batch, and returns it. Raises TooLateError."""
    handed = workbench.next_tasks("ann", 1).tasks
    if not handed:
        raise TooLateError
    ((task, _),) = handed
    try:
        workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
    except RefusedError as error:
        raise TooLateError from error
    return task


def until_closed(parts: OpenedWorkbench, batch_id: str) -> None:
    until = time.monotonic() + 300
    while parts.store.batch(batch_id).state != "closed":  # type: ignore[union-attr]
        assert time.monotonic() < until
        time.sleep(0.02)


def test_people_label_in_the_workbench_and_the_output_is_as_with_simulated_people(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300, clean=False)
    loop.settings(TargetError=0.2, BatchSize=0.1)
    loop.write("in/truth.csv", _truth_csv(loop))
    running = aws()
    with People(loop) as people:
        outcome = loop.run(running)
    accounted_for(outcome)
    assert outcome.counts["auto"] > 0
    assert {"LabelInWorkbench", "MergeLabels"} <= set(loop.states)
    assert "CreateLabelingJob" not in loop.states
    asked = [number for number, _ in people.answered]
    assert len(asked) - len(set(asked)) == _repeated_answers(outcome), "else nobody labels anything twice"
    assert {name for _, name in people.answered} == {"person 0", "person 1"}
    with opened_workbench() as parts:
        told = Overview(parts.store)()
        lineages = {batch.lineage for batch in parts.store.batches()}
    assert lineages == {"s3://bucket/out/run-1/"}, "its batches share the guidelines"
    assert told["run"]["counts"]["human"] == outcome.counts["human"]
    assert [row["round"] for row in told["run"]["rounds"]] == [*range(1, len(told["run"]["rounds"]) + 1)]
    page = run_view(told)
    assert page.curve is not None, "the model's accuracy by round"
    assert page.ledger is not None

    loop.settings(LabelingBackend="simulated", SimulatedPeople={"TruthS3Uri": "s3://bucket/in/truth.csv"})
    simulated = loop.run(running, name="simulated")
    assert [_without_names(line) for line in outcome.lines()] == [
        _without_names(line) for line in simulated.lines()
    ]


def test_no_guess_is_shown_where_an_answer_tells_how_often_the_model_is_wrong(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(300, clean=False)
    loop.settings(
        CertificateFor="dataset",
        TargetError=0.08,
        BatchSize=0.1,
        Seed=1,
        Workbench={"ShowGuess": True, "Adjudicate": True, "LikeWithLike": "grid"},
    )
    loop.told = {"STAND_IN_EMBEDDING": "yes"}
    running = aws()
    with People(loop) as people:
        outcome = loop.run(running)
    asked_again = {number for number, _ in people.answered if _times_answered(people, number) > 1}
    assert asked_again, "people disagree with the model on an object that was drawn"
    shown = 0
    with opened_workbench() as parts:
        for batch in parts.store.batches():
            tasks = {task.id: task.object_id for task in parts.store.tasks(batch.id)}
            objects = parts.store.data_objects(batch.id, list(tasks))
            guessed = {tasks[number] for number, one in objects.items() if one.guess is not None}
            record = outcome.report()["rounds"][batch.round - 1]
            nearest = [task.near for task in parts.store.tasks(batch.id)]
            # Who sees like after like may answer by the one before.
            assert batch.grid is all(nearest) is (record["trained"] and record["test"] is None)
            # In a test, what an owner decides would be no independent answer.
            assert batch.decidable is batch.adjudicate is (record["test"] is None)
            if record["test"] is not None:
                assert not guessed, "else a missing guess tells what was drawn"
            elif record["trained"]:
                recorded = np.load(
                    loop.s3 / f"bucket/out/run-1/round-{batch.round:03d}/selected/expectations.npy"
                )
                spot_checks = set(recorded["id"][recorded["probe"]].tolist())
                again = asked_again & {
                    number for number in tasks.values() if _asked_before(parts, batch, number)
                }
                assert guessed == set(tasks.values()) - spot_checks - again
                shown += len(guessed)
    assert shown, "the others have one"


def _times_answered(people: People, number: int) -> int:
    return sum(number == answered for answered, _ in people.answered)


def _asked_before(parts: OpenedWorkbench, batch: Batch, number: int) -> bool:
    earlier = (one for one in parts.store.batches() if one.round < batch.round)
    return any(task.object_id == number for one in earlier for task in parts.store.tasks(one.id))


def test_a_batch_closed_early_counts_what_is_labeled_and_the_rest_returns_to_the_pool(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(60)
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        workbench = Workbench(parts.store, parts.closing)
        batch = workbench.current_batch()
        assert batch is not None
        handed = workbench.next_tasks("ann", 5)
        for task, _ in handed.tasks:
            workbench.answer(batch.id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
        workbench.close(batch.id)
        with pytest.raises(RefusedError, match="closed"):
            workbench.answer(batch.id, handed.tasks[0][0].id, "ann", 1)
        workbench.close(batch.id)  # The token is sent twice: nothing happens.
        with People(loop):
            execution = running.wait(arn, seconds=300)
    assert execution.status == "SUCCEEDED", execution.cause
    first = merged(loop)
    assert (first["labeled_by_people"], first["counts"]["failed"]) == (5, 0)
    assert execution.output["Counts"] == {"input": 60, "human": 60, "auto": 0, "failed": 0, "unlabeled": 0}
    ends_the_same_in_memory(loop, Outcome(execution, loop.s3), stopped={1})


@pytest.mark.parametrize("with_deadline", [True, False])
def test_a_batch_whose_time_is_over_ends_with_what_is_labeled(
    loop: Loop, aws: Callable[[], LocalAws], with_deadline: bool
) -> None:
    loop.data(40)
    running = aws()

    def attempt(name: str, seconds: int) -> None:
        deadline = {"DeadlineInSeconds": seconds + 1} if with_deadline else {}
        loop.settings(Workbench={"HeartbeatInSeconds": seconds, **deadline}, MaxRounds=1)
        with waiting_batch(loop, running, name) as (arn, parts):
            workbench = Workbench(parts.store, parts.closing)
            task = answer_one(loop, workbench)
            execution = running.wait(arn, seconds=300)
            assert "CollectLabels" in loop.states
            assert workbench.batch(task.batch_id).closed_because == "its time was over"
            with pytest.raises(RefusedError, match="closed"):
                workbench.answer(task.batch_id, task.id, "ann", 0)
        assert execution.status == "SUCCEEDED", execution.cause
        record = merged(loop, run=name)
        assert execution.output["Counts"]["human"] == record["labeled_by_people"] == 1
        assert record["counts"]["failed"] == 0

    in_time(attempt)


def test_a_batch_whose_deadline_was_moved_stays_open_until_then(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(40)
    running = aws()

    def attempt(name: str, seconds: int) -> None:
        waits = {"HeartbeatInSeconds": seconds, "DeadlineInSeconds": seconds + 1}
        loop.settings(Workbench=waits, MaxRounds=1)
        with waiting_batch(loop, running, name) as (arn, parts):
            workbench = Workbench(parts.store, parts.closing)
            (batch,) = (one for one in parts.store.batches() if one.run == name)
            try:
                longer = workbench.give_longer(batch.id, 1)
            except RefusedError as error:
                raise TooLateError from error
            until = time.monotonic() + 60 + seconds
            while parts.store.batch(batch.id).task_token == longer.task_token:  # type: ignore[union-attr]
                assert time.monotonic() < until
                time.sleep(0.05)
            assert {"CollectLabels", "LabelInWorkbench"} <= set(loop.states)
            assert workbench.batch(batch.id).state == "open", "it waits with another token"
            with People(loop):
                execution = running.wait(arn, seconds=300)
        assert execution.status == "SUCCEEDED", execution.cause
        people = execution.output["Counts"]["human"]
        assert people == merged(loop, run=name)["labeled_by_people"] == batch.total

    in_time(attempt)


def test_people_at_work_keep_a_batch_open_beyond_its_heartbeat(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(30)
    # Answers come six times as often: on a slow machine too they are in time.
    loop.settings(Workbench={"HeartbeatInSeconds": 6})
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        workbench = Workbench(parts.store, parts.closing)
        tasks = [task for _ in range(2) for task, _ in workbench.next_tasks("ann", 5, ("none",)).tasks]
        for task in tasks[:8]:
            workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
            time.sleep(1)
        assert running.describe(arn).status == "RUNNING"
        assert "CollectLabels" not in loop.states
        workbench.close(tasks[0].batch_id)
        with People(loop):
            assert running.wait(arn, seconds=300).status == "SUCCEEDED"


def test_an_object_that_is_skipped_is_asked_about_once_more_then_fails_with_the_reason(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(12)
    running = aws()
    arn = running.start_execution("ActiveLearningLoop", "run-1", loop.request)
    asked: list[int] = []
    with opened_workbench() as parts:
        workbench = Workbench(parts.store, parts.closing)
        while running.describe(arn).status == "RUNNING":
            for task, _ in workbench.next_tasks("ann", 5).tasks:
                asked.append(task.object_id)
                if task.object_id == 3:
                    workbench.skip(task.batch_id, task.id, "ann", "blank page")
                else:
                    workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
    outcome = Outcome(running.wait(arn, seconds=300), loop.s3)
    assert outcome.counts == {"input": 12, "human": 11, "auto": 0, "failed": 1, "unlabeled": 0}
    assert outcome.lines()[3]["category-metadata"]["failure-reason"] == "skipped: blank page"
    assert sorted(asked) == sorted([*range(12), 3])
    ends_the_same_in_memory(loop, outcome)


def test_a_killed_machine_goes_on_with_the_same_batch_and_nobody_labels_twice(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(80)
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        workbench = Workbench(parts.store, parts.closing)
        first = [task for task, _ in workbench.next_tasks("ann", 7).tasks]
        for task in first:
            workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
        running.stop(arn, cause="a test")
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    running = aws()
    with People(loop) as people:
        outcome = loop.run(running, name="run-2")
    accounted_for(outcome)
    labeled = {number for number, _ in people.answered}
    assert not labeled & {task.object_id for task in first}
    assert len(people.answered) - len(labeled) == _repeated_answers(outcome)


def test_a_batch_closed_while_nobody_waited_goes_on_as_soon_as_somebody_does(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(30)
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        batch_id = parts.store.batches()[0].id
        running.stop(arn, cause="a test")
        workbench = Workbench(parts.store, parts.closing)
        while tasks := workbench.next_tasks("ann", 20).tasks:
            for task, _ in tasks:
                workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
        assert workbench.batch(batch_id).state == "closed"
        output = loop.s3 / workbench.batch(batch_id).output_uri.removeprefix("s3://")
    aws()  # What S3 held when the machine died
    output.unlink()  # is not all that the workbench has accepted.
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    outcome = loop.run(aws(), name="run-2")
    assert outcome.counts["human"] == 30


def test_an_output_that_cannot_be_written_fails_the_run_and_a_resumed_one_has_every_label(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(20)
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        workbench = Workbench(parts.store, parts.closing)
        batch = workbench.current_batch()
        assert batch is not None
        bucket, _, key = batch.selection_uri.removeprefix("s3://").partition("/")
        selection = running.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        running.client("s3").delete_object(Bucket=bucket, Key=key)
        tasks = [task for task, _ in workbench.next_tasks("ann", 20).tasks]
        *others, last = tasks
        for task in others:
            workbench.answer(task.batch_id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
        with pytest.raises(StorageError, match="no such object"):
            workbench.answer(last.batch_id, last.id, "ann", CLASSES.index(loop.truth[last.object_id]))
        execution = running.wait(arn, seconds=300)
        running.client("s3").put_object(Bucket=bucket, Key=key, Body=selection)
    assert (execution.status, execution.error) == ("FAILED", "LabelInWorkbenchFailed")
    assert "ResumeFromS3Uri" in (execution.cause or "")
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    assert loop.run(aws(), name="run-2").counts["human"] == 20


def test_several_people_label_each_object_and_the_majority_of_the_able_wins(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    loop.settings(Workbench={"NumberOfHumanWorkersPerDataObject": 3})

    def answer(number: int, name: str) -> int:
        right = CLASSES.index(loop.truth[number])
        return (right + 1) % 3 if name == "person 2" and number % 4 == 0 else right

    running = aws()
    with People(loop, count=3, answers=answer) as people:
        outcome = loop.run(running)
    assert outcome.counts["human"] == 60
    assert len(people.answered) == len(set(people.answered)) == 180
    lines = outcome.lines()
    assert [CLASSES[line["category"]] for line in lines] == loop.truth
    disputed = [line for number, line in enumerate(lines) if number % 4 == 0]
    others = [line for number, line in enumerate(lines) if number % 4]
    assert max(map(_confidence, disputed)) < min(map(_confidence, others)) <= 1
    assert min(map(_confidence, disputed)) > 0.5
    assert outcome.report()["cost"]["people_per_object"] == 3
    ends_the_same_in_memory(loop, outcome)


def test_gold_objects_are_mixed_in_and_never_reach_the_output(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(40)
    gold = [{"source": f"gold {number}", "category": number % 3} for number in range(10)]
    loop.write("in/gold.manifest", b"".join(json.dumps(one).encode() + b"\n" for one in gold))
    loop.settings(Workbench={"Gold": {"ManifestS3Uri": "s3://bucket/in/gold.manifest", "Share": 0.1}})
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        (batch,) = parts.store.batches()
        asked = [task for task in parts.store.tasks(batch.id) if task.purpose == "gold"]
        assert len(asked) == 4
        assert all(task.known_label == task.object_id % 3 for task in asked)
        assert batch.total == 44
        with People(loop):
            outcome = Outcome(running.wait(arn, seconds=300), loop.s3)
    accounted_for(outcome)
    assert outcome.counts["human"] == 40


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Gold": {"ManifestS3Uri": "s3://bucket/in/none"}}, "s3://bucket/in/none: there is no such"),
        ({"Gold": {"ManifestS3Uri": "s3://bucket/in/input.manifest"}}, "has no object with a label under"),
        ({"UseWorkerTemplate": True}, "the worker template has 0 of the elements that labelloop can show"),
    ],
)
def test_files_that_people_could_not_be_asked_with_are_refused_before_a_job_is_paid(
    loop: Loop, aws: Callable[[], LocalAws], settings: dict[str, Any], message: str
) -> None:
    loop.data(60)
    loop.settings(Workbench=settings)
    execution = loop.run(aws()).execution
    assert execution.error == "PrepareManifestFailed"
    assert message in (execution.cause or "")


def slipping_once(loop: Loop, wrong: set[int]) -> Callable[[int, str], int]:
    """Answers that are wrong about some objects the first time, and right the second."""
    seen: set[int] = set()

    def answer(number: int, _name: str) -> int:
        slips = number in wrong and number not in seen
        seen.add(number)
        return (CLASSES.index(loop.truth[number]) + slips) % 3

    return answer


def test_labels_that_the_model_contradicts_are_asked_about_once_more_and_reported(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(400)
    loop.settings(Workbench={"RelabelShare": 0.5}, MaxRounds=6)
    wrong = set(range(0, 400, 7))
    running = aws()
    with People(loop, count=1, answers=slipping_once(loop, wrong)) as people:
        outcome = loop.run(running)
    accounted_for(outcome)
    with opened_workbench() as parts:
        again = [
            task
            for batch in parts.store.batches()
            for task in parts.store.tasks(batch.id)
            if task.purpose == "relabel"
        ]
    times = Counter(number for number, _ in people.answered)
    assert again
    assert {times[task.object_id] for task in again} == {2}, "nobody is asked a third time"
    first = {task.object_id: task.known_label for task in again}
    said = _said_before_people_answered(loop)
    assert all(said[task.object_id] - {task.known_label} for task in again), "the model contradicts these"
    lines = outcome.lines()
    truth = {task.object_id: CLASSES.index(loop.truth[task.object_id]) for task in again}
    changed = {
        task.object_id for task in again if task.known_label != truth[task.object_id] == task.model_label
    }
    assert changed, "people and the model agree, against the first label"
    for task in again:
        line = lines[task.object_id]
        assert line["category"] == (truth if task.object_id in changed else first)[task.object_id]
        adjusted = line["category-metadata"].get("adjustment-status") == "adjusted"
        assert adjusted == (task.object_id in changed)
    rounds = outcome.report()["rounds"]
    assert sum(record["label_review"]["changed"] for record in rounds) == len(changed)
    assert sum(sum(record["label_review"].values()) for record in rounds) == len(again)
    assert outcome.report()["cost"]["repeated_answers"] == len(again) + _repeated_answers(outcome)
    assert ends_the_same_in_memory(loop, outcome).certificate is None
    slips = [task.object_id in wrong for task in again]
    assert sum(slips) / len(slips) > len(wrong) / 400, "more of these are slips than of all labels"


def test_a_label_that_a_reviewer_corrects_reaches_the_output_and_the_report(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(60)
    loop.settings(StartSize=20, BatchSize=20, MaxRounds=2)
    running = aws()
    with waiting_batch(loop, running) as (arn, parts):
        (first,) = parts.store.batches()
        with People(loop):
            until_closed(parts, first.id)
        task = next(iter(parts.store.tasks(first.id)))
        (before,) = task.answers.values()
        label = (before + 1) % len(CLASSES)
        Corrections(parts.store).correct(first.id, task.id, "rita", label)
        with People(loop):
            execution = running.wait(arn, seconds=300)
    assert execution.status == "SUCCEEDED", execution.cause
    outcome = Outcome(execution, loop.s3)
    line = outcome.lines()[task.object_id]
    assert (line["category"], line["category-metadata"]["corrected"]) == (label, "yes")
    assert line["category-metadata"]["adjusted-from"] == CLASSES[before]
    counted = [record["label_review"].get("corrected") for record in outcome.report()["rounds"]]
    assert counted == [None, 1]


def test_others_are_asked_about_a_label_that_a_reviewer_doubts(
    loop: Loop, aws: Callable[[], LocalAws]
) -> None:
    loop.data(60)
    loop.settings(StartSize=20, BatchSize=20, MaxRounds=3)
    running = aws()
    pair = NAMES[:2]
    doubts_noted = threading.Event()

    def until_noted(_request: Mapping[str, Any]) -> None:
        doubts_noted.wait(300)

    running.interceptors.before("Invoke", until_noted, FunctionName="MergeLabels")
    with waiting_batch(loop, running) as (arn, parts):
        (first,) = parts.store.batches()
        workbench = Workbench(parts.store, parts.closing)
        # By hand, ten each: while one person alone is known to be at work, that one is asked again.
        for name in pair:
            for task, _ in workbench.next_tasks(name, 10).tasks:
                workbench.answer(first.id, task.id, name, CLASSES.index(loop.truth[task.object_id]))
        until_closed(parts, first.id)
        labeled = list(parts.store.tasks(first.id))
        doubted = [next(task for task in labeled if name in task.answers) for name in pair]
        for task in doubted:
            Corrections(parts.store).ask_others(first.id, task.id, "rita")
        doubts_noted.set()
        with People(loop) as people:
            execution = running.wait(arn, seconds=300)
        batch, *_ = (one for one in parts.store.batches() if one.round == 2)
        reviews = [task for task in parts.store.tasks(batch.id) if task.purpose == "relabel"]
    assert execution.status == "SUCCEEDED", execution.cause
    by = {task.object_id: set(task.answers) for task in reviews}
    others = {task.object_id: set(pair).difference(task.answers) for task in doubted}
    assert by == others, "not who answered before"
    assert len(people.answered) == len(set(people.answered))
    outcome = Outcome(execution, loop.s3)
    counted = [record["label_review"].get("confirmed") for record in outcome.report()["rounds"]]
    assert counted[:2] == [0, 2]
    assert outcome.report()["cost"]["repeated_answers"] >= 2, "they are on the budget"


def test_reviews_are_within_the_budget_of_human_labels(loop: Loop, aws: Callable[[], LocalAws]) -> None:
    loop.data(400)
    loop.settings(Workbench={"RelabelShare": 0.5}, MaxRounds=6, MaxHumanLabels=BUDGET)
    slipping = random.Random(0)

    def answer(number: int, _name: str) -> int:
        return (CLASSES.index(loop.truth[number]) + (slipping.random() < 0.2)) % 3

    running = aws()
    with People(loop, answers=answer) as people:
        outcome = loop.run(running)
    assert sum(sum(record["label_review"].values()) for record in outcome.report()["rounds"]) > 0
    assert len(people.answered) <= BUDGET


def test_a_dispute_in_the_test_goes_to_somebody_who_has_not_answered_about_it(
    loop: Loop, accounted_for: AccountedFor, aws: Callable[[], LocalAws]
) -> None:
    loop.data(800)
    running = aws()
    # Where the model is right and a test asks, three answers settle it: the slip, and two that agree. Whom
    # nobody knows of yet is not waited for, so all are there from the first batch on.
    slipping = slipping_once(loop, set(range(0, 800, 7)))
    with People(loop, count=3, answers=slipping, all_begin=True) as people:
        outcome = loop.run(running)
    accounted_for(outcome)
    assert _repeated_answers(outcome) > 0
    drawn = _drawn_for_a_test(loop, outcome)
    answered = [(number, name) for number, name in people.answered if number in drawn]
    assert len(answered) > len(drawn)
    assert len(answered) == len(set(answered)), "nobody is asked twice"


def _drawn_for_a_test(loop: Loop, outcome: Outcome) -> set[int]:
    """What people were asked about in the rounds of tests: long before these, each of them had labeled."""
    asked: set[int] = set()
    for record in outcome.report()["rounds"]:
        if record["test"]:
            folder = loop.s3 / f"bucket/out/run-1/round-{record['round']:03d}"
            lines = (folder / "selected/selection.manifest").read_bytes().splitlines()
            asked |= {json.loads(line)["n"] for line in lines}
    return asked


def _said_before_people_answered(loop: Loop) -> dict[int, set[int]]:
    """By object, the labels that models gave it in the rounds people were asked about it."""
    said: dict[int, set[int]] = {}
    for path in loop.s3.rglob("selected/expectations.npy"):
        for one in np.load(path):
            said.setdefault(int(one["id"]), set()).add(int(one["label"]))
    return said


def _repeated_answers(outcome: Outcome) -> int:
    """How often people were asked again, for they and the model had differed in a test."""
    return sum(record["repeated_answers"] for record in outcome.report()["rounds"])


def _truth_csv(loop: Loop) -> bytes:
    rows = ["labelloop-id,source,label"]
    rows += [f"{number},x,{label}" for number, label in enumerate(loop.truth)]
    return "\n".join(rows).encode()


def _confidence(line: dict[str, Any]) -> float:
    confidence: float = line["category-metadata"]["confidence"]
    return confidence


def _without_names(line: dict[str, Any]) -> dict[str, Any]:
    """Without job names and times, which differ between any two runs."""
    metadata = {
        key: value
        for key, value in line["category-metadata"].items()
        if key not in ("job-name", "creation-date")
    }
    return {**line, "category-metadata": metadata}

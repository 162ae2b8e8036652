"""An interrupted run goes on from what is in S3; nobody is asked twice but where a test needs it."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Loop, Outcome

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow


def questions(loop: Loop) -> dict[int, list[int]]:
    """By round, every object people answered for, in all executions' labeling jobs' outputs."""
    asked: dict[int, list[int]] = {}
    for path in (loop.s3 / "bucket/out").glob("*/round-*/labeling/**/output.manifest"):
        number = next(int(part.removeprefix("round-")) for part in path.parts if part.startswith("round-"))
        lines = path.read_bytes().splitlines()
        asked.setdefault(number, []).extend(json.loads(line)["n"] for line in lines)
    return asked


def asked_twice_only_for_a_test(loop: Loop, outcome: Outcome) -> None:
    """A round repeats questions of earlier ones only where people and the model differed in its test."""
    asked, before = questions(loop), set[int]()
    for record in outcome.report()["rounds"]:
        now = asked.pop(record["round"], [])
        assert len(now) == len(set(now)), record["round"]
        assert len(before & set(now)) == record["repeated_answers"], record["round"]
        before |= set(now)
    assert before
    assert not asked


def stop_at(loop: Loop, state: str, occurrence: int) -> None:
    """Run until a state is entered for the nth time, then stop the execution there."""
    reached = threading.Event()
    count = 0

    def hear(event: Any) -> None:
        nonlocal count
        if event.state == state and event.type.endswith("Entered"):
            count += 1
            if count == occurrence:
                reached.set()

    aws = loop.aws(on_event=hear)
    arn = aws.start_execution("ActiveLearningLoop", "run-1", loop.request)
    assert reached.wait(300)
    aws.stop(arn, cause="a test")
    assert aws.wait(arn, seconds=300).status == "ABORTED"


@pytest.mark.parametrize(
    ("state", "occurrence"),
    [
        ("SelectForHumans", 1),
        ("CreateLabelingJob", 1),
        ("MergeLabels", 1),
        ("ActiveLearning", 1),
        ("CreateTrainingJob", 1),
        ("SelectForHumans", 2),
        ("CreateLabelingJob", 2),
        ("MergeLabels", 2),
        ("ExportManifest", 1),
    ],
)
def test_a_run_stopped_anywhere_is_resumed(
    loop: Loop, accounted_for: AccountedFor, state: str, occurrence: int
) -> None:
    loop.data(300, clean=False)
    loop.settings(BatchSize=0.25)
    stop_at(loop, state, occurrence)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    outcome = loop.run(loop.aws(), name="run-2")
    accounted_for(outcome)
    asked_twice_only_for_a_test(loop, outcome)
    assert [record["round"] for record in outcome.report()["rounds"]] == list(
        range(1, len(outcome.report()["rounds"]) + 1)
    )


def test_a_resumed_run_labels_as_the_uninterrupted_one_would_have(loop: Loop) -> None:
    loop.data(300)
    loop.settings(BatchSize=0.25)
    whole = loop.run(loop.aws(), name="whole").lines()
    stop_at(loop, "CreateTrainingJob", 1)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    resumed = loop.run(loop.aws(), name="run-2").lines()
    assert [line["category"] for line in resumed] == [line["category"] for line in whole]


def test_nothing_to_resume_is_an_error(loop: Loop) -> None:
    loop.data(10)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/never/")
    cause = loop.run().execution.cause or ""
    assert "there is nothing to resume under s3://bucket/out/never/" in cause


def test_another_task_can_not_be_resumed(loop: Loop) -> None:
    loop.data(60)
    assert loop.run().execution.status == "SUCCEEDED"
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/", Policy="blog")
    cause = loop.run(loop.aws(), name="run-2").execution.cause or ""
    assert "same ActiveLearning.Policy" in cause

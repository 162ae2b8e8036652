"""An interrupted run goes on from what is in S3, and nobody is asked twice."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Loop, Outcome

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow


def questions(loop: Loop) -> list[int]:
    """Every object people answered for, over all executions, in every labeling job's output."""
    outputs = sorted((loop.s3 / "bucket/out").rglob("output.manifest"))
    lines = [line for path in outputs if "labeling" in path.parts for line in path.read_bytes().splitlines()]
    return [json.loads(line)["n"] for line in lines]


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
    assert reached.wait(60)
    aws.stop(arn, cause="a test")
    assert aws.wait(arn, seconds=60).status == "ABORTED"


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
    loop.data(500, clean=False)
    stop_at(loop, state, occurrence)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    outcome = loop.run(loop.aws(), name="run-2")
    accounted_for(outcome)
    assert len(questions(loop)) == len(set(questions(loop)))
    assert [record["round"] for record in outcome.report()["rounds"]] == list(
        range(1, len(outcome.report()["rounds"]) + 1)
    )


def test_a_resumed_run_labels_as_the_uninterrupted_one_would_have(loop: Loop) -> None:
    loop.data(600)
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

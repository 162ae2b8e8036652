"""An interrupted run goes on from what is in S3; nobody is asked twice but where a test needs it."""

import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labelloop.simulation import SimulatedRun, simulate
from tests.words import CLASSES, WordCounts

from .conftest import Loop, Outcome

AccountedFor = Callable[[Outcome], None]
# Their test takes two rounds.
SETTINGS = {
    "CertificateFor": "dataset",
    "TargetError": 0.03,
    "Confidence": 0.95,
    "StartSize": 60,
    "BatchSize": 0.15,
}

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
    while not reached.wait(0.5):
        assert aws.describe(arn).status == "RUNNING", f"{state} is entered less often"
    aws.stop(arn, cause="a test")
    assert aws.wait(arn, seconds=300).status == "ABORTED"


@pytest.mark.parametrize(
    ("state", "occurrence"),
    [
        ("SelectForHumans", 1),
        ("CreateLabelingJob", 1),
        ("MergeLabels", 1),
        ("CreateTrainingJob", 1),
        ("SelectForHumans", 2),
        ("CreateLabelingJob", 2),
        ("MergeLabels", 2),
        ("MergeLabels", 5),  # a test has begun
        ("CreateLabelingJob", 5),  # it goes on, without a model
        ("ExportManifest", 1),
    ],
)
def test_a_run_stopped_anywhere_ends_as_the_uninterrupted_one_would_have(
    loop: Loop, accounted_for: AccountedFor, state: str, occurrence: int
) -> None:
    loop.data(300, clean=False)
    loop.settings(**SETTINGS)
    stop_at(loop, state, occurrence)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1")
    outcome = loop.run(loop.aws(), name="run-2")
    accounted_for(outcome)
    asked_twice_only_for_a_test(loop, outcome)
    rounds = outcome.report()["rounds"]
    assert [record["round"] for record in rounds] == list(range(1, len(rounds) + 1))
    verdicts = [record["test"]["verdict"] for record in rounds if record["test"]]
    assert set(verdicts) == {"OPEN", "PASSED"}, "some of the stops are within a test"
    whole = uninterrupted(loop, outcome)
    assert [line["category"] for line in outcome.lines()] == whole.ledger.labels.tolist()
    if state != "CreateLabelingJob":
        # A labeling job that is stopped may have labeled some objects by then: the rounds to come differ.
        assert outcome.counts["auto"] == whole.auto_labels


def uninterrupted(loop: Loop, outcome: Outcome) -> SimulatedRun:
    """The same run in memory, by people who say the same."""
    return simulate(
        WordCounts.inputs([line["source"] for line in outcome.lines()]),
        np.array([CLASSES.index(label) for label in loop.truth]),
        WordCounts(),
        SETTINGS,
    )


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


def test_a_run_is_not_resumed_with_other_classes(loop: Loop) -> None:
    loop.data(60)
    assert loop.run().execution.status == "SUCCEEDED"
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    labels = [{"label": name} for name in (*CLASSES[:-1], "renamed")]
    loop.write("in/classes.json", json.dumps({"labels": labels}).encode())
    cause = loop.run(loop.aws(), name="run-2").execution.cause or ""
    assert f"the classes of a run cannot change (new: renamed; gone: {CLASSES[-1]})" in cause
    assert "start a new run with the new classes" in cause

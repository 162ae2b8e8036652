"""AWS's faults in whole runs: each ends well, or in a failure that says what to do and loses nothing."""

import json
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.job import JobFailed
from labelloop.local.service_error import ServiceError

from .conftest import ROOT, Loop, Outcome

AccountedFor = Callable[[Outcome], None]
pytestmark = pytest.mark.slow

# What passes by itself, by the call that is answered so.
IDLE, THROTTLED = "CodeArtifactUserPendingException", "ThrottlingException"
PASSING = {
    "Invoke": [
        IDLE,
        "CodeArtifactUserDeletedException",
        "ResourceConflictException",
        "TooManyRequestsException",
    ],
    "CreateTrainingJob": ["ResourceLimitExceeded", THROTTLED],
    "CreateModel": ["ResourceLimitExceeded", THROTTLED],
    "CreateTransformJob": ["ResourceLimitExceeded", THROTTLED],
    "CreateLabelingJob": ["ResourceLimitExceeded", THROTTLED],
    # Step Functions puts "Exception" behind the codes of its own API.
    "StartExecution": ["ExecutionLimitExceeded", "Throttling"],
}
MOST_IN_A_ROW = 6


class PassingFaults:
    """Refuses two calls in three, chosen at random, but none more often in a row than a state tries again."""

    def __init__(self, seed: int) -> None:
        self._random, self._lock = random.Random(seed), threading.Lock()
        self._in_a_row: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def at(self, operation: str) -> Callable[[Mapping[str, Any]], None]:
        def hook(request: Mapping[str, Any]) -> None:
            call = f"{operation} {request.get('FunctionName', '')}"
            with self._lock:
                lucky = self._random.random() > 2 / 3 and self.refused[operation]
                if self._in_a_row[call] >= MOST_IN_A_ROW or lucky:
                    self._in_a_row[call] = 0
                    return
                self._in_a_row[call] += 1
                self.refused[operation] += 1
                code = self._random.choice(PASSING[operation])
            raise ServiceError(code, "a test", 409)

        return hook


def ready(loop: Loop) -> None:
    loop.data(300)
    loop.settings(MaxRounds=3, TargetError=0.2, ValidationSize=60, StartSize=90, BatchSize=15)


def labels(outcome: Outcome) -> list[tuple[Any, Any]]:
    return [
        (line.get("category"), line["category-metadata"].get("human-annotated")) for line in outcome.lines()
    ]


@pytest.mark.parametrize("seed", range(5))
def test_faults_that_pass_at_two_calls_in_three_change_no_label(
    loop: Loop, accounted_for: AccountedFor, seed: int
) -> None:
    ready(loop)
    undisturbed = labels(loop.run())
    aws, faults = loop.aws(), PassingFaults(seed)
    for operation in PASSING:
        aws.interceptors.before(operation, faults.at(operation), times=1_000_000)
    disturbed = loop.run(aws, name="run-2")
    assert labels(disturbed) == undisturbed
    accounted_for(disturbed)
    assert faults.refused.keys() == PASSING.keys()
    assert faults.refused.total() >= 10


STAYING: list[tuple[str, dict[str, str], Exception, str]] = [
    (
        "Invoke",
        {"FunctionName": name},
        ServiceError("AccessDeniedException", "not allowed", 403),
        "not allowed",
    )
    for name in ("SelectForHumans", "SplitLabels", "AutoLabel", "MergeLabels", "ExportManifest")
]
STAYING += [
    (call, {}, ServiceError("AccessDeniedException", "not allowed", 403), "not allowed")
    for call in (
        "StartExecution",
        "CreateTrainingJob",
        "CreateModel",
        "CreateTransformJob",
        "CreateLabelingJob",
    )
]
STAYING += [
    (ending, {}, JobFailed("AlgorithmError: out of memory"), "AlgorithmError: out of memory")
    for ending in ("TrainingJobEnding", "TransformJobEnding")
]


@pytest.mark.parametrize(
    ("call", "where", "fault", "reason"),
    STAYING,
    ids=lambda value: "" if isinstance(value, Exception) else None,
)
def test_a_fault_that_stays_says_how_to_go_on_and_going_on_asks_nobody_twice(
    loop: Loop,
    accounted_for: AccountedFor,
    call: str,
    where: dict[str, Any],
    fault: Exception,
    reason: str,
) -> None:
    ready(loop)
    undisturbed = loop.run(name="undisturbed")
    aws = loop.aws()
    aws.interceptors.fail_next(call, fault, times=1_000_000, **where)
    failed = loop.run(aws).execution
    assert failed.status == "FAILED"
    cause = failed.cause or ""
    assert reason in cause
    assert "ActiveLearning.ResumeFromS3Uri is s3://bucket/out/run-1/" in cause
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    resumed = loop.run(loop.aws(), name="run-2")
    accounted_for(resumed)
    if call == "CreateLabelingJob":
        return  # The round has ended without labels: the next one asks about others.
    assert labels(resumed) == labels(undisturbed)
    asked = answered(loop, "run-1") + answered(loop, "run-2")
    assert sorted(asked) == sorted(answered(loop, "undisturbed"))


def answered(loop: Loop, run: str) -> list[int]:
    """The objects that people labeled in an execution's labeling jobs."""
    return [
        json.loads(line)["n"]
        for path in (loop.s3 / "bucket/out" / run).glob("round-*/labeling/**/output.manifest")
        for line in path.read_bytes().splitlines()
    ]


def test_a_state_that_takes_too_long_is_named_and_the_run_goes_on_after_it(
    loop: Loop, accounted_for: AccountedFor, tmp_path: Path
) -> None:
    """Its error has no cause."""
    ready(loop)
    stack = tmp_path / "stack"
    shutil.copytree(ROOT / "statemachine", stack / "statemachine")
    shutil.copy(ROOT / "template.yaml", stack)
    path = stack / "statemachine/active_learning.asl.json"
    definition = json.loads(path.read_text())
    definition["States"]["AutoLabel"]["TimeoutSeconds"] = 1
    path.write_text(json.dumps(definition))
    aws = loop.aws(template=stack / "template.yaml")
    aws.interceptors.before("Invoke", lambda _: time.sleep(3), FunctionName="AutoLabel")
    failed = loop.run(aws).execution
    assert failed.status == "FAILED"
    assert "AutoLabel failed: States.Timeout" in (failed.cause or "")
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    accounted_for(loop.run(loop.aws(), name="run-2"))

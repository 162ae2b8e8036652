"""Histories longer than a page, read as AWS gives them: the newest first, so many at a time."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labelloop.core.errors import DocumentError
from labelloop.core.ledger import Counts
from labelloop.operations.history import HistoryReader
from labelloop.operations.run_status import run_status_of
from labelloop.operations.stopping import SageMakerJob, open_jobs
from labelloop.workflow.run_state import RunState

ROOT = Path(__file__).parents[2]
BEGUN = datetime(2026, 10, 1, tzinfo=UTC)
LOOP, ROUND = "arn:loop:run", "arn:round:run-r001"


def event(number: int, kind: str, previous: int | None = None, **details: Any) -> dict[str, Any]:
    name = f"{kind[:1].lower()}{kind[1:]}"
    return {
        "id": number,
        "previousEventId": number - 1 if previous is None else previous,
        "type": kind,
        "timestamp": BEGUN + timedelta(seconds=number),
        f"{name}EventDetails": details,
    }


class StepFunctions:
    """GetExecutionHistory with pages of three events."""

    def __init__(self, **histories: Sequence[dict[str, Any]]) -> None:
        self.histories = {LOOP: list(histories["loop"]), ROUND: list(histories.get("round", []))}
        self.calls = 0

    def get_execution_history(self, **request: Any) -> dict[str, Any]:
        assert request["reverseOrder"]
        assert request["includeExecutionData"]
        self.calls += 1
        events = self.histories[request["executionArn"]][::-1]
        first = int(request.get("nextToken", 0))
        more = {"nextToken": str(first + 3)} if first + 3 < len(events) else {}
        return {"events": events[first : first + 3], **more}


def reader(service: StepFunctions) -> HistoryReader:
    return HistoryReader(SimpleNamespace(stepfunctions=service), LOOP)  # type: ignore[arg-type]


def test_a_long_history_is_read_in_order_and_no_event_twice() -> None:
    service = StepFunctions(loop=[event(number, "PassStateEntered") for number in range(1, 9)])
    history = reader(service)
    assert [item.id for item in history.new_events()] == list(range(1, 9))
    assert history.new_events() == []
    service.histories[LOOP] += [event(9, "PassStateEntered"), event(10, "PassStateEntered")]
    service.calls = 0
    assert [item.id for item in history.new_events()] == [9, 10]
    assert service.calls == 1, "only what is new is asked for"


def test_the_history_of_a_nested_execution_is_read_with_it() -> None:
    submitted = event(2, "TaskSubmitted", resourceType="states", output=f'{{"ExecutionArn": "{ROUND}"}}')
    service = StepFunctions(
        loop=[event(1, "TaskStateEntered", name="ActiveLearning"), submitted],
        round=[event(3, "ExecutionStarted"), event(4, "TaskStateEntered", name="SplitLabels")],
    )
    history = reader(service)
    assert [item.state for item in history.new_events()] == ["ActiveLearning", None, None, "SplitLabels"]
    assert history.nested == [ROUND]
    service.histories[ROUND].append(event(5, "ExecutionSucceeded", output="{}"))
    service.histories[LOOP].append(event(6, "TaskStateExited", name="ActiveLearning", output="{}"))
    assert [item.type for item in history.new_events()] == ["ExecutionSucceeded", "TaskStateExited"]
    service.calls = 0
    assert history.new_events() == []
    assert service.calls == 1, "what has ended is not asked about again"


@pytest.mark.parametrize("end", [[], [event(9, "ExecutionAborted")]])
def test_a_job_is_open_until_its_own_task_has_ended(end: list[dict[str, Any]]) -> None:
    """Two labeling jobs side by side, as a Map state runs them: their events are mixed."""

    def scheduled(number: int, name: str) -> dict[str, Any]:
        return event(
            number,
            "TaskScheduled",
            0,
            resourceType="sagemaker",
            resource="createLabelingJob.sync",
            parameters=f'{{"LabelingJobName": "{name}"}}',
        )

    events = [
        scheduled(1, "a"),
        scheduled(2, "b"),
        event(3, "TaskStarted", 1),
        event(4, "TaskStarted", 2),
        event(5, "TaskSubmitted", 3, resourceType="sagemaker", output="{}"),
        event(6, "TaskSubmitted", 4, resourceType="sagemaker", output="{}"),
        event(7, "TaskSucceeded", 5, output="{}"),
        *end,
    ]
    assert open_jobs(reader(StepFunctions(loop=events)).new_events()) == [SageMakerJob("LabelingJob", "b")]


def test_run_status_is_the_states_not_left_and_the_last_counts() -> None:
    run = json.loads((ROOT / "events/merge_labels.json").read_bytes())["State"]
    run["Round"] = 2
    events = [
        event(1, "TaskStateEntered", name="MergeLabels"),
        event(2, "TaskStateExited", name="MergeLabels", output=json.dumps(run)),
        event(3, "TaskStateEntered", name="ActiveLearning"),
        event(4, "MapStateEntered", name="LabelWithGroundTruth"),
        event(5, "MapStateExited", name="LabelWithGroundTruth", output='[{"JobName": "a"}]'),
        event(6, "TaskStateEntered", name="CreateTrainingJob"),
    ]
    status = run_status_of(reader(StepFunctions(loop=events)).new_events())
    assert status.round == 2
    assert status.counts == Counts(input=400, pool=300, validation=0, human=100, auto=0, failed=0)
    assert status.states == ["ActiveLearning", "CreateTrainingJob"]


def test_before_the_first_step_has_ended_nothing_is_counted() -> None:
    events = [event(1, "TaskStateEntered", name="PrepareManifest")]
    status = run_status_of(reader(StepFunctions(loop=events)).new_events())
    assert (status.round, status.states, status.counts) == (0, ["PrepareManifest"], None)


def test_a_run_of_a_later_version_is_refused_with_what_to_do() -> None:
    run = json.loads((ROOT / "events/merge_labels.json").read_bytes())["State"]
    output = json.dumps({**run, "Format": RunState.FORMAT + 1})
    events = [
        event(1, "TaskStateEntered", name="MergeLabels"),
        event(2, "TaskStateExited", name="MergeLabels", output=output),
    ]
    with pytest.raises(DocumentError, match="deploy the version that wrote it, or a newer one"):
        run_status_of(reader(StepFunctions(loop=events)).new_events())

"""WatchExecutions: how long each running execution has been in its present state, as metrics for the alarms.

Step Functions has no metric for a waiting execution, so a schedule invokes this. It only reads and reports.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

NAMESPACE = "labelloop"
RUNNING, WAITING, STALLED = "ExecutionsRunning", "HoursWaitingForPeople", "HoursWithoutProgress"
METRICS = frozenset({RUNNING, WAITING, STALLED})
# States in which people are working, by their name in the state machine.
OF_PEOPLE = frozenset({"CreateLabelingJob", "LabelInWorkbench"})
# The states in which another execution is working. A round is reported by itself; a foundation model's batch
# inference ends itself after BatchTimeoutInHours.
NESTED = frozenset({"ActiveLearning", "FoundationModelLabels"})
# So many of the newest events contain the one that entered the present state, whatever the number of retries.
_EVENTS = 100

logger = Logger(service="labelloop")


@dataclass(frozen=True)
class TimeInState:
    """The state a running execution is in, and for how many hours."""

    execution: str
    state: str
    hours: float


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take the schedule's event, with the current time under `time`; return and print the three metrics."""
    now = datetime.fromisoformat(event["time"])
    machines = [os.environ["LOOP_ARN"], os.environ["ROUND_ARN"]]
    client: SFNClient = boto3.client("stepfunctions")
    times = [item for machine in machines for item in running(client, machine, now)]
    for item in times:
        logger.info(
            "running",
            extra={
                "execution": item.execution,
                "state": item.state,
                "hours": item.hours,
                "step": "WatchExecutions",
            },
        )
    values = longest(times)
    _print(values)
    return values


def running(client: "SFNClient", machine_arn: str, now: datetime) -> Iterator[TimeInState]:
    """The state that each running execution of a state machine is in."""
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=machine_arn, statusFilter="RUNNING"
    )
    for page in pages:
        for execution in page["executions"]:
            events = client.get_execution_history(
                executionArn=execution["executionArn"], reverseOrder=True, maxResults=_EVENTS
            )["events"]
            state, since = _present_state(events) or ("", execution["startDate"])
            yield TimeInState(execution["name"], state, round((now - since).total_seconds() / 3600, 4))


def longest(times: list[TimeInState]) -> dict[str, float]:
    """The metrics. They are zero when nothing waits, so that an alarm ends by itself."""
    people = [item.hours for item in times if item.state in OF_PEOPLE]
    machines = [item.hours for item in times if item.state not in OF_PEOPLE | NESTED]
    return {
        RUNNING: float(len(times)),
        WAITING: max(0.0, *people, 0.0),
        STALLED: max(0.0, *machines, 0.0),
    }


def _present_state(events: Any) -> tuple[str, datetime] | None:
    entered = [event for event in events if "stateEnteredEventDetails" in event]
    if not entered:
        return None
    newest = max(entered, key=lambda event: event["id"])
    return newest["stateEnteredEventDetails"]["name"], newest["timestamp"]


def _print(values: dict[str, float]) -> None:
    metrics = EphemeralMetrics(
        namespace=NAMESPACE, service=os.environ.get("POWERTOOLS_SERVICE_NAME", "labelloop")
    )
    for name, value in values.items():
        unit = MetricUnit.Count if name == RUNNING else MetricUnit.NoUnit
        metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()

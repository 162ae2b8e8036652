"""Executions and the events of their history, as Step Functions reports them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"


@dataclass(frozen=True)
class Execution:
    """An execution as DescribeExecution reports it, with input and output parsed."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None
    input: Any
    output: Any
    error: str | None
    cause: str | None

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> "Execution":
        """Reads the answer to a DescribeExecution call."""
        return cls(
            arn=description["executionArn"],
            name=description["name"],
            status=description["status"],
            started=description["startDate"],
            stopped=description.get("stopDate"),
            input=_parsed(description.get("input")),
            output=_parsed(description.get("output")),
            error=description.get("error"),
            cause=description.get("cause"),
        )

    @property
    def running(self) -> bool:
        return self.status == RUNNING

    @property
    def input_object(self) -> dict[str, Any]:
        """The input; empty if it is not a JSON object, because an execution can be started with anything."""
        return self.input if isinstance(self.input, dict) else {}

    @property
    def output_object(self) -> dict[str, Any]:
        """The output, or empty if there is none or it is not a JSON object."""
        return self.output if isinstance(self.output, dict) else {}


@dataclass(frozen=True)
class ExecutionEvent:
    """One event of an execution's history; `previous` is the id of another event.

    `type` is the type in the history (`TaskStateEntered`, `TaskFailed`, ...). `details` depend on the type
    (`name`, `input`, `output`, `error`, `cause`, ...).
    """

    execution_arn: str
    id: int
    previous: int
    type: str
    timestamp: datetime
    details: Mapping[str, Any]

    @classmethod
    def from_history(cls, execution_arn: str, event: Mapping[str, Any]) -> "ExecutionEvent":
        """Reads an event in the form of GetExecutionHistory."""
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), None)
        return cls(
            execution_arn=execution_arn,
            id=event["id"],
            previous=event.get("previousEventId", 0),
            type=event["type"],
            timestamp=event["timestamp"],
            details=details or {},
        )

    @property
    def state(self) -> str | None:
        """The name of the state entered or exited, else None."""
        name: str | None = self.details.get("name") if self.type.endswith(("Entered", "Exited")) else None
        return name

    @property
    def output(self) -> dict[str, Any]:
        """The output of the state or task; empty if there is none."""
        output: dict[str, Any] = json.loads(self.details.get("output") or "{}")
        return output

    @property
    def refused_for_now(self) -> bool:
        """Whether SageMaker refused a job because a quota of the account is used up."""
        return self.type.endswith("Failed") and "ResourceLimitExceeded" in (self.details.get("error") or "")

    @property
    def started_execution(self) -> str | None:
        """The ARN of the execution that a task started here, else None."""
        if self.type != "TaskSubmitted" or self.details.get("resourceType") != "states":
            return None
        arn: str | None = self.output.get("ExecutionArn")
        return arn


def _parsed(document: str | None) -> Any:
    """None when the text is missing or not JSON."""
    try:
        return json.loads(document) if document else None
    except ValueError:
        return None

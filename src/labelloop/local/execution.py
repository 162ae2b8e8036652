"""Executions and their history, as the local AWS reports them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Execution:
    """An execution as DescribeExecution reports it, with input and output parsed."""

    arn: str
    name: str
    state_machine_arn: str
    status: str
    input: Any
    output: Any
    error: str | None
    cause: str | None
    started: datetime
    stopped: datetime | None

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> "Execution":
        """Reads the answer of a DescribeExecution call."""
        return cls(
            arn=description["executionArn"],
            name=description["name"],
            state_machine_arn=description["stateMachineArn"],
            status=description["status"],
            input=json.loads(description["input"]),
            output=json.loads(description["output"]) if "output" in description else None,
            error=description.get("error"),
            cause=description.get("cause"),
            started=description["startDate"],
            stopped=description.get("stopDate"),
        )


@dataclass(frozen=True)
class ExecutionEvent:
    """One event of an execution's history, as it happens.

    `type` is that of the history (`TaskStateEntered`, `TaskFailed`, ...), and `details` are those of the type
    (`name`, `input`, `output`, `error`, `cause`, ...).
    """

    execution_arn: str
    id: int
    type: str
    timestamp: datetime
    details: Mapping[str, Any]

    @property
    def state(self) -> str | None:
        """The name of the state entered or exited, else None."""
        name: str | None = self.details.get("name") if self.type.endswith(("Entered", "Exited")) else None
        return name

    @classmethod
    def from_history(cls, execution_arn: str, event: Mapping[str, Any]) -> "ExecutionEvent":
        """Reads an event of the interpreter's history."""
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), None)
        return cls(
            execution_arn=execution_arn,
            id=event["id"],
            type=str(getattr(event["type"], "value", event["type"])),
            timestamp=datetime.fromisoformat(event["timestamp"]),
            details=details or {},
        )

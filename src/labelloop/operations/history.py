"""What happened in an execution and in those it started, from the histories of Step Functions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labelloop.operations.cloud import Cloud, explained

_PAGE = 500


@dataclass(frozen=True)
class HistoryEvent:
    """One event of a history; `details` are those of its type, `previous` is the id of another event."""

    execution_arn: str
    id: int
    previous: int
    type: str
    time: datetime
    details: Mapping[str, Any]

    @property
    def state(self) -> str | None:
        """The name of the state entered or exited, else None."""
        name: str | None = self.details.get("name") if self.type.endswith(("Entered", "Exited")) else None
        return name

    @property
    def started_execution(self) -> str | None:
        """The ARN of the execution that a task started here, else None."""
        if self.type != "TaskSubmitted" or self.details.get("resourceType") != "states":
            return None
        arn: str | None = json.loads(self.details["output"]).get("ExecutionArn")
        return arn


class HistoryReader:
    """Reads the history of an execution and of those it starts, each event once."""

    def __init__(self, cloud: Cloud, execution_arn: str) -> None:
        self._cloud = cloud
        self._arn = execution_arn
        self._last_seen = {execution_arn: 0}
        self._ended: set[str] = set()

    @property
    def nested(self) -> list[str]:
        """The ARNs of the executions started so far, in order."""
        return [arn for arn in self._last_seen if arn != self._arn]

    def new_events(self) -> list[HistoryEvent]:
        """Everything that has happened since the last call, in order of time."""
        events = self._read(self._arn)
        for event in events:
            if event.started_execution:
                self._last_seen.setdefault(event.started_execution, 0)
        for arn in self.nested:
            events += self._read(arn)
        return sorted(events, key=lambda event: event.time)

    def _read(self, arn: str) -> list[HistoryEvent]:
        if arn in self._ended:
            return []
        events = sorted(self._unseen(arn), key=lambda event: event.id)
        if events:
            self._last_seen[arn] = events[-1].id
            if events[-1].type.startswith("Execution") and events[-1].type != "ExecutionStarted":
                self._ended.add(arn)
        return events

    def _unseen(self, arn: str) -> Iterable[HistoryEvent]:
        """The newest first, so that only the new part of a long history is requested."""
        token = None
        while True:
            more: dict[str, Any] = {"nextToken": token} if token else {}
            with explained():
                page = self._cloud.stepfunctions.get_execution_history(
                    executionArn=arn, reverseOrder=True, maxResults=_PAGE, includeExecutionData=True, **more
                )
            unseen = [event for event in page["events"] if event["id"] > self._last_seen[arn]]
            yield from (_event(arn, event) for event in unseen)
            token = page.get("nextToken")
            if not token or len(unseen) < len(page["events"]):
                return


def _event(arn: str, event: Mapping[str, Any]) -> HistoryEvent:
    details = next((value for key, value in event.items() if key.endswith("EventDetails")), None)
    return HistoryEvent(
        execution_arn=arn,
        id=event["id"],
        previous=event.get("previousEventId", 0),
        type=event["type"],
        time=event["timestamp"],
        details=details or {},
    )

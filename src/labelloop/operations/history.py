"""What happened in an execution and in those it started, from the histories of Step Functions."""

from collections.abc import Iterable
from typing import Any

from labelloop.operations.cloud import Cloud, explained
from labelloop.workflow.execution import ExecutionEvent

_PAGE = 500


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

    def new_events(self) -> list[ExecutionEvent]:
        """Everything that has happened since the last call, in order of time."""
        events = self._read(self._arn)
        for event in events:
            if event.started_execution:
                self._last_seen.setdefault(event.started_execution, 0)
        for arn in self.nested:
            events += self._read(arn)
        return sorted(events, key=lambda event: event.timestamp)

    def _read(self, arn: str) -> list[ExecutionEvent]:
        if arn in self._ended:
            return []
        events = sorted(self._unseen(arn), key=lambda event: event.id)
        if events:
            self._last_seen[arn] = events[-1].id
            if events[-1].type.startswith("Execution") and events[-1].type != "ExecutionStarted":
                self._ended.add(arn)
        return events

    def _unseen(self, arn: str) -> Iterable[ExecutionEvent]:
        """The newest first, so that only the new part of a long history is requested."""
        token = None
        while True:
            more: dict[str, Any] = {"nextToken": token} if token else {}
            with explained():
                page = self._cloud.stepfunctions.get_execution_history(
                    executionArn=arn, reverseOrder=True, maxResults=_PAGE, includeExecutionData=True, **more
                )
            unseen = [event for event in page["events"] if event["id"] > self._last_seen[arn]]
            yield from (ExecutionEvent.from_history(arn, event) for event in unseen)
            token = page.get("nextToken")
            if not token or len(unseen) < len(page["events"]):
                return

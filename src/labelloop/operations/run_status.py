"""How far an execution is: the states it is in, the round, the labels so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labelloop.operations.cloud import Cloud
from labelloop.operations.history import HistoryReader
from labelloop.workflow.execution import Execution, ExecutionEvent


@dataclass
class RunStatus:
    """`states` from the outermost to the innermost; `counts` of data objects by their state in the ledger."""

    round: int = 0
    states: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def read_run_status(cloud: Cloud, execution: Execution) -> RunStatus:
    return run_status_of(HistoryReader(cloud, execution.arn).new_events())


def run_status_of(events: Iterable[ExecutionEvent]) -> RunStatus:
    """The status according to the events of an execution and of its nested ones, in order of time."""
    status = RunStatus()
    for event in events:
        if event.state is None:
            continue
        if event.type.endswith("Entered"):
            status.states.append(event.state)
        elif event.state in status.states:
            status.states.remove(event.state)
            _take_over(status, event.output)
    return status


def _take_over(status: RunStatus, output: Mapping[str, Any]) -> None:
    if "Counts" in output and "Round" in output:
        status.counts, status.round = dict(output["Counts"]), output["Round"]

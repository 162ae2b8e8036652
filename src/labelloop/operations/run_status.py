"""How far an execution is: the states it is in, the round, the labels so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from labelloop.core.ledger import Counts
from labelloop.operations.cloud import Cloud
from labelloop.operations.history import HistoryReader
from labelloop.workflow.execution import Execution, ExecutionEvent
from labelloop.workflow.run_state import RunState


@dataclass
class RunStatus:
    """`states` from the outermost to the innermost; `counts` of data objects, None at the very start."""

    round: int = 0
    states: list[str] = field(default_factory=list)
    counts: Counts | None = None


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
            if (run := RunState.of_output(event.output)) is not None:
                status.counts, status.round = run.counts, run.round
    return status

"""Where an execution stands: the states it is in, the round, the labels it has."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labelloop.operations.cloud import Cloud
from labelloop.operations.executions import Execution
from labelloop.operations.history import Event, HistoryReader


@dataclass
class Progress:
    """`states` from the outermost in; `counts` of data objects by their state in the ledger."""

    round: int = 0
    states: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def read_progress(cloud: Cloud, execution: Execution) -> Progress:
    return progress_of(HistoryReader(cloud, execution.arn).new_events())


def progress_of(events: Iterable[Event]) -> Progress:
    """What the histories of an execution and of its nested ones, in order of time, come to."""
    progress = Progress()
    for event in events:
        if event.state is None:
            continue
        if event.type.endswith("Entered"):
            progress.states.append(event.state)
        elif event.state in progress.states:
            progress.states.remove(event.state)
            _take_over(progress, json.loads(event.details.get("output") or "{}"))
    return progress


def _take_over(progress: Progress, output: Mapping[str, Any]) -> None:
    if "Counts" in output and "Round" in output:
        progress.counts, progress.round = dict(output["Counts"]), output["Round"]

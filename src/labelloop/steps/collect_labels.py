"""CollectLabels: end a batch whose time is over. Its labels count, the rest returns to the pool."""

from typing import Any

from labelloop.backends.workbench import Workbench
from labelloop.steps.step_handler import step
from labelloop.workflow.run_state import RunState


def collect_labels(state: RunState, _time: str) -> dict[str, Any]:
    return state.model_copy(update={"labeling": Workbench().collect(state)}).as_document()


handler = step(collect_labels)

"""LabelInWorkbench: open a batch with the selection; the state machine waits until the batch is closed."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from labelloop.backends.workbench import Workbench
from labelloop.steps.step_handler import StepEvent, measured, note_place, observed, read_event

STEP = "LabelInWorkbench"


class WorkbenchEvent(StepEvent):
    """A step's event, and the token that ends the wait."""

    task_token: str


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Open the round's batch; closing it returns the token."""
    parsed = read_event(WorkbenchEvent, event, STEP)
    state = parsed.state
    note_place(state.execution_name, state.round, STEP, context)
    return measured(lambda: label_in_workbench(parsed), state, STEP, context)


def label_in_workbench(event: WorkbenchEvent) -> dict[str, Any]:
    Workbench().ask(event.state, event.time, event.task_token)
    return event.state.as_document()

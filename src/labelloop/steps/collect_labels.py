"""CollectLabels: end a batch whose time is over. Its labels count, the rest returns to the pool.

That is the round's own batch, or after it the one that people went on with while the model learned.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from labelloop.backends.workbench import Workbench
from labelloop.steps.step_handler import StepEvent, measured, note_place, observed, read_event

STEP = "CollectLabels"


class CollectEvent(StepEvent):
    """A step's event, and whether the state machine can wait on: one that began before could not."""

    may_wait: bool = False


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Close the batch, unless an owner has moved its deadline."""
    parsed = read_event(CollectEvent, event, STEP)
    state = parsed.state
    note_place(state.execution_name, state.round, STEP, context)
    return measured(lambda: collect_labels(parsed), state, STEP, context)


def collect_labels(event: CollectEvent) -> dict[str, Any]:
    state, workbench = event.state, Workbench()
    if state.ahead is not None and state.labeling is not None and state.labeling.is_over:
        return state.model_copy(update={"ahead": workbench.collect_ahead(state.ahead)}).as_document()
    labeling = workbench.collect(state, now=event.time if event.may_wait else None)
    return state.model_copy(update={"labeling": labeling}).as_document()

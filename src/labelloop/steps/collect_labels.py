"""CollectLabels: end a batch whose time is over. Its labels count, the rest returns to the pool.

The workbench's web application invokes the same function to close a batch whose objects are all done, since a
request to its API may take 29 seconds only, and a large batch takes longer.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from labelloop.backends.workbench import Workbench
from labelloop.steps.step_handler import logger, observed, step
from labelloop.workflow.run_state import RunState


def collect_labels(state: RunState, _time: str) -> dict[str, Any]:
    return state.model_copy(update={"labeling": Workbench().collect(state)}).as_document()


def close_batch(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    closed = Workbench().close(event)
    logger.info("closed", extra={"batch": closed.id, "tasks": closed.total, "undone": closed.undone})
    return {}


_as_step = step(collect_labels)
_for_the_workbench = observed(close_batch)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a step's event, or the workbench's."""
    work = _for_the_workbench if Workbench().is_asked_to_close(event) else _as_step
    return work(event, context)

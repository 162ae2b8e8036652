"""What every step has in common: its event, its log lines and its result."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from labelloop.core.label_categories import LabelCategories
from labelloop.core.ledger import Ledger
from labelloop.core.manifest import LabelAttribute
from labelloop.core.run_state import RunState
from labelloop.storage import s3

logger = Logger(service="labelloop")
tracer = Tracer(service="labelloop")

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class StepEvent(BaseModel):
    """The state of the run, and the instant the state machine entered the step: a retry sees the same."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal)

    state: RunState
    time: str


def step(work: Callable[[RunState, str], dict[str, Any]]) -> Handler:
    """Make a Lambda handler of a function of the run's state and the time."""

    def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
        parsed = StepEvent.model_validate(event)
        state = parsed.state
        logger.append_keys(
            execution=state.execution_name, round=state.round, step=work.__module__.rpartition(".")[2]
        )
        result = work(state, parsed.time)
        logger.info("done", extra={"counts": result.get("Counts")})
        return result

    traced: Handler = tracer.capture_lambda_handler(handler, capture_response=False)
    return traced


def load_ledger(state: RunState) -> Ledger:
    return Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri))


def label_attribute(state: RunState) -> LabelAttribute:
    return LabelAttribute(state.request.label_attribute_name)


def label_categories(state: RunState) -> LabelCategories:
    return LabelCategories(tuple(state.class_names))

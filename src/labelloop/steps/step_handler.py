"""What all steps share: the event, the log lines and the result."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from labelloop.core.errors import EventError
from labelloop.steps.metrics import emit_metrics
from labelloop.workflow.run_state import RunState

logger = Logger(service="labelloop")
tracer = Tracer(service="labelloop")

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class StepEvent(BaseModel):
    """The run's state, and the time when the state machine entered the step: the same for a retry."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal)

    state: RunState
    time: str


Event = TypeVar("Event", bound=BaseModel)


def read_event(form: type[Event], event: object, step_name: str) -> Event:
    """The parsed event. Logs the EventError it raises, because no execution is known yet."""
    try:
        return form.model_validate(event)
    except ValidationError as error:
        wrong = "; ".join(_describe(problem) for problem in error.errors(include_url=False))
        refused = EventError(
            f"the event of {step_name} cannot be used: {wrong}. A sample is events/{_snake(step_name)}.json"
        )
        logger.error("failed", extra={"step": step_name, "error": "EventError", "reason": str(refused)})
        raise refused from None


def _describe(problem: Any) -> str:
    if problem["type"] == "model_type" and not problem["loc"]:
        return "it is not a JSON object"
    place = ".".join(str(part) for part in problem["loc"]) or "it"
    reason = {"missing": "is missing", "extra_forbidden": "is not known"}.get(problem["type"])
    return f"{place} {reason}" if reason else f"{place}: {problem['msg'].lower()}"


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


def step(work: Callable[[RunState, str], dict[str, Any]]) -> Handler:
    """Make a Lambda handler of a function of the run's state and the time."""
    name = to_pascal(work.__module__.rpartition(".")[2])

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        parsed = read_event(StepEvent, event, name)
        state = parsed.state
        note_place(state.execution_name, state.round, name, context)
        return measured(lambda: work(state, parsed.time), state, name, context)

    return observed(handler)


def observed(handler: Handler) -> Handler:
    """A handler that is traced, and whose log lines have Powertools' own keys (`cold_start`, ...)."""
    traced: Handler = tracer.capture_lambda_handler(handler, capture_response=False)
    return logger.inject_lambda_context(traced)


def note_place(execution: str, round_number: int, step_name: str, context: LambdaContext) -> None:
    """From here on, every log line says where it comes from."""
    logger.append_keys(
        execution=execution,
        round=round_number,
        step=step_name,
        request_id=context.aws_request_id,
    )


def measured(
    work: Callable[[], dict[str, Any]], state: RunState | None, step_name: str, context: LambdaContext
) -> dict[str, Any]:
    """Do a step's work; log how it ended and how long it took, and emit its metrics.

    `state` is what the step got; None for the step that makes the first one.
    """
    began = time.monotonic()
    try:
        result = work()
    except Exception as error:
        # The log line that Lambda writes about an error does not name the execution.
        logger.exception("failed", extra={"error": type(error).__name__, "reason": str(error)})
        raise
    seconds = round(time.monotonic() - began, 3)
    # The last step returns the run's outcome; every other step returns the next state.
    after = RunState.of_output(result)
    logger.info(
        "done",
        extra={
            "seconds": seconds,
            "memory_mb": int(context.memory_limit_in_mb),
            "counts": asdict(after.counts) if after else result["Counts"],
            **(_people_gave(state, after) if state and after else {}),
        },
    )
    given = state or after
    assert given is not None, "a step that gets no state makes one"
    emit_metrics(given, step_name, seconds, after)
    return result


def _people_gave(before: RunState, after: RunState) -> dict[str, Any]:
    """How many labels people gave in this step, and what they cost by the request's prices."""
    labels = max(0, after.counts.human_labels - before.counts.human_labels)
    prices = before.loop_settings.prices
    cost = round(prices.of_objects(labels), 4)
    return {"labeled_by_people": labels, "people_cost": cost, "currency": prices.currency}

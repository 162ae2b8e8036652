"""AskFoundationModel: ask a foundation model about the texts, or say which batch inference jobs should."""

import time as clock
from typing import Any

from labelloop.core.errors import RequestError
from labelloop.model_labels.labeling import advance
from labelloop.steps.step_handler import step
from labelloop.workflow.run_state import RunState

# What is not asked by then is left to the next invocation: the longest that one more text can take, with all
# attempts and waits, must still fit into a function's 15 minutes.
_SECONDS = 300.0


def ask_foundation_model(state: RunState, _time: str) -> dict[str, Any]:
    model = state.settings.foundation_model
    if model is None:
        raise RequestError("the request has no ActiveLearning.FoundationModel: nothing can be asked")
    work = advance(state, model, clock.monotonic() + _SECONDS)
    if state.foundation_model is not None:
        work = work.model_copy(update={"first": state.foundation_model.first})
    return state.model_copy(update={"foundation_model": work}).as_document()


handler = step(ask_foundation_model)

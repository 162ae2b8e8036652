"""Snapshots of the run's state, and how a new execution goes on from the last one of an earlier."""

import re

from labelloop.core.errors import RequestError
from labelloop.core.stopping import Next
from labelloop.steps.labeling_parts import renamed, with_outputs_found
from labelloop.storage import s3
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_state import RunState, round_name

_SNAPSHOT = re.compile(r"(?:prepared|round-(\d+)/(selected|merged))/state\.json")


def save_snapshot(state: RunState, folder: str) -> None:
    """Written last of all a step writes: where there is a snapshot, all it names is there."""
    s3.write_json(f"{folder}state.json", state.as_document())


def resumed_state(request: LabelingRequest, execution_name: str, prefix: str, job_prefix: str) -> RunState:
    """The state an earlier execution was last in, as the first state of a new one.

    Raises RequestError when there is nothing to resume, or the request asks for something else.
    """
    earlier = (request.active_learning.resume_from_s3_uri or "").rstrip("/") + "/"
    state = RunState.model_validate(s3.read_json(_last_snapshot(earlier)))
    _require_same_task(request, state.request)
    return state.model_copy(
        update={
            "execution_name": execution_name,
            "prefix": prefix,
            "job_prefix": job_prefix,
            "request": request,
            "earlier_prefixes": [*state.earlier_prefixes, earlier],
            "labeling_failure": None,
            **_interrupted_labeling(state, job_prefix),
        }
    )


def _last_snapshot(prefix: str) -> str:
    found = {}
    for uri in s3.list_uris(prefix):
        match = _SNAPSHOT.fullmatch(uri.removeprefix(prefix))
        if match:
            found[int(match[1] or 0), match[2] == "merged"] = uri
    if not found:
        raise RequestError(
            f"ActiveLearning.ResumeFromS3Uri: there is nothing to resume under {prefix}; "
            "it must be <S3OutputPath><execution name>/ of an earlier execution"
        )
    return found[max(found)]


def _require_same_task(request: LabelingRequest, earlier: LabelingRequest) -> None:
    differing = [
        name
        for name, same in {
            "InputConfig": request.input_config == earlier.input_config,
            "LabelAttributeName": request.label_attribute_name == earlier.label_attribute_name,
            "LabelCategoryConfigS3Uri": request.label_category_config_s3_uri
            == earlier.label_category_config_s3_uri,
            "ActiveLearning.Policy": request.active_learning.policy == earlier.active_learning.policy,
        }.items()
        if not same
    ]
    if differing:
        raise RequestError(
            f"an execution can only be resumed with the same {', '.join(differing)} it was started with"
        )


def _interrupted_labeling(state: RunState, job_prefix: str) -> dict[str, object]:
    """Where people had been chosen objects for: take their answers if they are there, else ask again."""
    if state.labeling is None:
        return {}
    answered = with_outputs_found(state.labeling)
    if answered is None:
        asked_again = renamed(state.labeling, round_name(job_prefix, state.round))
        return {"next": Next.ASK, "labeling": asked_again}
    return {"next": Next.MERGE, "labeling": answered}

"""Snapshots of the run's state, and how a new execution resumes from an earlier one's last snapshot."""

from labelloop.core.errors import DocumentError, RequestError
from labelloop.core.stopping import Next
from labelloop.storage import s3
from labelloop.storage.labeling_files import renamed, with_outputs_found
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_state import RunState, round_name


def save_snapshot(state: RunState, uri: str) -> None:
    """A step writes the snapshot last: if it exists, all files it names exist too."""
    s3.write_json(uri, state.as_document())


def resumed_state(request: LabelingRequest, execution_name: str, prefix: str, job_prefix: str) -> RunState:
    """The last state of an earlier execution, as the first state of a new one.

    Raises RequestError when there is nothing to resume, or when the requests differ.
    """
    earlier = RunFiles.under(request.active_learning.resume_from_s3_uri or "")
    state = _last_state(earlier)
    _require_same_task(request, state.request)
    return state.model_copy(
        update={
            "execution_name": execution_name,
            "prefix": prefix,
            "job_prefix": job_prefix,
            "request": request,
            "earlier_prefixes": [*state.earlier_prefixes, earlier.prefix],
            "labeling_failure": None,
            **_interrupted_labeling(state, job_prefix),
        }
    )


def _last_state(files: RunFiles) -> RunState:
    newest = files.newest_snapshot(s3.list_uris(files.prefix))
    if newest is None:
        raise RequestError(
            f"ActiveLearning.ResumeFromS3Uri: there is nothing to resume under {files.prefix}; "
            "it must be <S3OutputPath><execution name>/ of an earlier execution"
        )
    try:
        return RunState.read(s3.read_json(newest))
    except DocumentError as error:
        raise RequestError(
            f"ActiveLearning.ResumeFromS3Uri: {newest} cannot be resumed by this version: {error}"
        ) from error


def _require_same_task(request: LabelingRequest, earlier: LabelingRequest) -> None:
    differing = [
        name
        for name, same in {
            "InputConfig": request.input_config == earlier.input_config,
            "LabelAttributeName": request.label_attribute_name == earlier.label_attribute_name,
            "LabelCategoryConfigS3Uri": request.label_category_config_s3_uri
            == earlier.label_category_config_s3_uri,
            "PriorLabels": request.prior_attributes == earlier.prior_attributes,
            "ActiveLearning.Policy": request.active_learning.policy == earlier.active_learning.policy,
        }.items()
        if not same
    ]
    if differing:
        raise RequestError(
            f"an execution can only be resumed with the same {', '.join(differing)} it was started with"
        )


def _interrupted_labeling(state: RunState, job_prefix: str) -> dict[str, object]:
    """For objects that were already selected: use people's answers if they exist, else ask again."""
    if state.labeling is None:
        return {}
    answered = with_outputs_found(state.labeling)
    if answered is None:
        asked_again = renamed(state.labeling, round_name(job_prefix, state.round))
        return {"next": Next.ASK, "labeling": asked_again}
    return {"next": Next.MERGE, "labeling": answered}

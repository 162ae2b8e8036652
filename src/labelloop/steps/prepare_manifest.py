"""PrepareManifest: check the request and every line of the manifest, before anything is spent."""

import hashlib
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from labelloop.core.errors import RequestError
from labelloop.core.input_manifest import InputManifest
from labelloop.core.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest import LabelAttribute
from labelloop.core.request import LabelingRequest, parse_request
from labelloop.core.run_state import RunState
from labelloop.core.stopping import decide
from labelloop.steps.snapshot import resumed_state, save_snapshot
from labelloop.steps.step_handler import logger, tracer
from labelloop.storage import s3


class PrepareEvent(BaseModel):
    """The execution input as it came, and the execution it came to."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal)

    request: dict[str, Any]
    execution_name: str
    start_time: str


@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Turn an execution input into the state of a run."""
    execution = PrepareEvent.model_validate(event)
    logger.append_keys(execution=execution.execution_name, round=0, step="prepare_manifest")
    request = parse_request(execution.request)
    prefix = f"{request.output_config.s3_output_path}{execution.execution_name}/"
    _refuse_reused_name(prefix, execution.start_time)
    categories = parse_label_categories(s3.read_bytes(request.label_category_config_s3_uri))
    _require_truth(request)
    if request.active_learning.resume_from_s3_uri:
        state = resumed_state(request, execution.execution_name, prefix, _job_prefix(request, execution))
    else:
        state = _new_state(request, categories, execution, prefix)
    save_snapshot(state, f"{prefix}prepared/")
    logger.info("done", extra={"counts": state.counts.as_dict()})
    return state.as_document()


def _refuse_reused_name(prefix: str, start_time: str) -> None:
    marker = f"{prefix}execution.json"
    if s3.exists(marker) and s3.read_json(marker) != {"StartTime": start_time}:
        raise RequestError(
            f"an execution of this name has written to {prefix} before: start one with another name, "
            f"and to go on where that one stopped, set ActiveLearning.ResumeFromS3Uri to {prefix}"
        )
    s3.write_json(marker, {"StartTime": start_time})


def _require_truth(request: LabelingRequest) -> None:
    truth = request.active_learning.simulated_people.truth_s3_uri
    if request.active_learning.labeling_backend == "simulated" and truth and not s3.exists(truth):
        raise RequestError(f"the simulated people's truth is missing: there is no {truth}")


def _job_prefix(request: LabelingRequest, execution: PrepareEvent) -> str:
    """Unique to the execution, and short enough for SageMaker's names of 63 characters."""
    identity = f"{execution.execution_name}\n{execution.start_time}".encode()
    stem = request.labeling_job_name_prefix[:32].rstrip("-")
    return f"{stem}-{hashlib.sha256(identity).hexdigest()[:10]}"


def _new_state(
    request: LabelingRequest, categories: LabelCategories, execution: PrepareEvent, prefix: str
) -> RunState:
    manifest_uri, ledger_uri = f"{prefix}prepared/manifest.jsonl", f"{prefix}prepared/ledger.npy"
    manifest = InputManifest(LabelAttribute(request.label_attribute_name), categories)
    source = request.input_config.data_source.s3_data_source.manifest_s3_uri
    s3.write_lines(manifest_uri, manifest.working_lines(s3.read_lines(source)))
    ledger = manifest.ledger()
    s3.write_bytes(ledger_uri, ledger.to_bytes())
    state = RunState(
        execution_name=execution.execution_name,
        prefix=prefix,
        job_prefix=_job_prefix(request, execution),
        request=request,
        class_names=list(categories.names),
        image_uri=request.active_learning.model.image_uri or os.environ["MODEL_IMAGE_URI"],
        labels_in_input=ledger.counts().human_labels,
        counts=ledger.counts(),
        manifest_s3_uri=manifest_uri,
        ledger_s3_uri=ledger_uri,
    )
    progress = state.progress(rounds_done=0, new_human_labels=state.labels_in_input)
    decision = decide(progress, state.limits)
    return state.model_copy(update={"next": decision.next, "stopped_because": decision.stopped_because})

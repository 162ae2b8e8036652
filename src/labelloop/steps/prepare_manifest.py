"""PrepareManifest: check the request and every line of the manifest, before anything is spent."""

import os
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from labelloop.backends import AnswersLater, LabelingBackend, load_backend
from labelloop.core.errors import RequestError
from labelloop.core.loop import Loop
from labelloop.core.manifest.input_manifest import InputManifest
from labelloop.core.manifest.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute, Reads
from labelloop.core.query_strategies import (
    QueryStrategy,
    QueryStrategyError,
    load_query_strategy,
    looks_for_doubt,
)
from labelloop.core.stopping import Next
from labelloop.labelers import Labeler, load_labeler
from labelloop.labelers.registry import check_with_labeler
from labelloop.model_labels.instructions import check_instructions
from labelloop.steps.step_handler import measured, note_place, observed, read_event
from labelloop.storage import s3
from labelloop.storage.lineage import enter_execution
from labelloop.storage.prior_label_files import save_prior_labels
from labelloop.storage.snapshots import resumed_state, save_snapshot, secret_seed_of_new_run
from labelloop.workflow.job_names import job_prefix
from labelloop.workflow.request import ActiveLearning, LabelingRequest, parse_request, with_default_backend
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_state import RunState

_DAY_SECONDS = 86_400
_ASKED = Reads("text", "the foundation model")


class PrepareEvent(BaseModel):
    """The execution input, unchanged, and the execution that received it."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal)

    request: dict[str, Any]
    execution_name: str
    start_time: str


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Turn an execution input into the state of a run."""
    execution = read_event(PrepareEvent, event, "PrepareManifest")
    note_place(execution.execution_name, 0, "PrepareManifest", context)
    return measured(lambda: prepare_manifest(execution), None, "PrepareManifest", context)


@dataclass(frozen=True)
class _Chosen:
    """What a request chooses by name."""

    strategy: QueryStrategy
    backend: LabelingBackend
    labeler: Labeler

    @classmethod
    def loaded(cls, settings: ActiveLearning) -> "_Chosen":
        """Raises RequestError when one of them cannot be loaded."""
        try:
            strategy = load_query_strategy(settings.query_strategy)
        except QueryStrategyError as error:
            raise RequestError(f"ActiveLearning.QueryStrategy: {error}") from error
        return cls(strategy, load_backend(settings.labeling_backend), load_labeler(settings.model.algorithm))

    def told(self, request: LabelingRequest) -> dict[str, Any]:
        """The fields of the run's state that they determine."""
        return {
            "image_uri": self.labeler.image_uri(request),
            "looks_for_doubt": looks_for_doubt(self.strategy),
            "people_per_object": self.backend.people_per_object(request),
            "holdout_share": self.labeler.holdout_share(request.active_learning.model),
            "labels_are_given": self.labeler.labels_are_given,
            "people_take_time": isinstance(self.backend, AnswersLater),
        }


def prepare_manifest(execution: PrepareEvent) -> dict[str, Any]:
    asked = with_default_backend(execution.request, os.environ.get("LABELING_BACKEND"))
    request = parse_request(asked)
    chosen = _Chosen.loaded(request.active_learning)
    chosen.backend.check(request)
    check_with_labeler(chosen.labeler, request, own_model=_model_is_the_users())
    request = chosen.labeler.prepare(_with_the_stacks_key(request))
    _require_job_role(request)
    _require_files_that_last(request)
    files = RunFiles(f"{request.output_config.s3_output_path}{execution.execution_name}/")
    _refuse_reused_name(files, execution.start_time)
    categories = parse_label_categories(s3.read_bytes(request.label_category_config_s3_uri))
    request = chosen.backend.prepare(request, categories)
    if request.active_learning.resume_from_s3_uri:
        state = resumed_state(
            request, execution.execution_name, files.prefix, _job_prefix(request, execution)
        )
        _require_same_classes(categories, state)
        # A new image may be the repair.
        state = state.model_copy(update=chosen.told(request))
    else:
        _require_usable_model(request, categories)
        state = _new_state(request, categories, execution, files, chosen)
        enter_execution(state)
    save_snapshot(state, files.prepared_state)
    return state.as_document()


def _model_is_the_users() -> bool:
    """Whether the stack's image is the user's own: its parameter, or on a laptop a container's folder."""
    return bool(os.environ.get("MODEL_IMAGE_URI") or os.environ.get("OWN_MODEL_CONTAINER"))


def _require_same_classes(categories: LabelCategories, state: RunState) -> None:
    """Refuse a list of classes that has changed: the run's labels are places in the old one."""
    now, before = categories.names, tuple(state.class_names)
    if tuple(now) == before:
        return
    new, gone = (", ".join(sorted(set(one) - set(other))) for one, other in ((now, before), (before, now)))
    changes = [f"new: {new:.200}"] * bool(new) + [f"gone: {gone:.200}"] * bool(gone)
    raise RequestError(
        f"the classes of a run cannot change ({'; '.join(changes) or 'they are in another order'}): start a "
        "new run with the new classes. labelloop export writes this run's labels; keep those that people "
        "gave, with the new names, as labels of the new run's input"
    )


def _require_job_role(request: LabelingRequest) -> None:
    """Refuse a role that the stack may not pass to SageMaker, before people spend time on labels."""
    role = os.environ.get("JOB_ROLE_ARN")
    if role and request.role_arn != role:
        raise RequestError(
            f"RoleArn: this stack may only give jobs the role {role}, not {request.role_arn}: use that role, "
            "or deploy the stack with the parameter JobRoleArn set to yours"
        )


def _require_files_that_last(request: LabelingRequest) -> None:
    """Refuse a batch that may be open for longer than the stack's bucket keeps the files of a run."""
    days = int(os.environ.get("INTERMEDIATE_DAYS") or 0)
    deadline = request.active_learning.workbench.deadline_in_seconds
    by_people = request.active_learning.labeling_backend == "workbench"
    if days and by_people and deadline >= days * _DAY_SECONDS:
        raise RequestError(
            "ActiveLearning.Workbench.DeadlineInSeconds: people may have a batch for "
            f"{deadline / _DAY_SECONDS:g} days, but this stack removes a run's files after {days}: "
            "use a shorter deadline, or deploy the stack with a larger IntermediateDays"
        )


def _require_usable_model(request: LabelingRequest, categories: LabelCategories) -> None:
    """Refuse a foundation model that the stack may not ask, and what no prompt can be made of."""
    model = request.active_learning.foundation_model
    if model is None:
        return
    of_stack = os.environ.get("FOUNDATION_MODEL")
    if of_stack is not None and model.model_id != of_stack:
        allowed = f"only ask {of_stack}" if of_stack else "ask no foundation model"
        raise RequestError(
            f"ActiveLearning.FoundationModel.ModelId: this stack may {allowed}, not {model.model_id}: deploy "
            "it with the parameter FoundationModel set to that"
        )
    check_instructions(model, categories.names)


def _with_the_stacks_key(request: LabelingRequest) -> LabelingRequest:
    """Encrypt jobs' output and disks with the stack's KMS key, unless the request names another."""
    key = os.environ.get("KMS_KEY_ARN")
    if not key:
        return request
    output, settings = request.output_config, request.active_learning
    if not output.kms_key_id:
        output = output.model_copy(update={"kms_key_id": key})
    if not settings.model.volume_kms_key_id and settings.model.volumes_take_a_key:
        model = settings.model.model_copy(update={"volume_kms_key_id": key})
        settings = settings.model_copy(update={"model": model})
    return request.model_copy(update={"output_config": output, "active_learning": settings})


def _refuse_reused_name(files: RunFiles, start_time: str) -> None:
    marker, prefix = files.execution, files.prefix
    if s3.exists(marker) and s3.read_json(marker) != {"StartTime": start_time}:
        raise RequestError(
            f"an execution of this name has already written to {prefix}: use another name. "
            f"To continue where that one stopped, set ActiveLearning.ResumeFromS3Uri to {prefix}"
        )
    s3.write_json(marker, {"StartTime": start_time})


def _job_prefix(request: LabelingRequest, execution: PrepareEvent) -> str:
    return job_prefix(request.labeling_job_name_prefix, execution.execution_name, execution.start_time)


def _new_state(
    request: LabelingRequest,
    categories: LabelCategories,
    execution: PrepareEvent,
    files: RunFiles,
    chosen: _Chosen,
) -> RunState:
    model = request.active_learning.foundation_model
    manifest = InputManifest(
        LabelAttribute(request.label_attribute_name),
        categories,
        reads=_ASKED if model else chosen.labeler.reads(request.active_learning.model),
        prior_labels=tuple(map(LabelAttribute, request.given_attributes)),
        # The second one too: an execution that goes on from this one may be the first to ask again.
        reserved=tuple(map(LabelAttribute, (model.attribute, model.attribute_again))) if model else (),
    )
    source = request.input_config.data_source.s3_data_source.manifest_s3_uri
    s3.write_lines(files.prepared_manifest, manifest.working_lines(s3.read_lines(source)))
    ledger = manifest.ledger()
    s3.write_bytes(files.prepared_ledger, ledger.to_bytes())
    if request.given_attributes:
        save_prior_labels(manifest.prior_labels(), files.prior_labels)
    state = RunState(
        execution_name=execution.execution_name,
        prefix=files.prefix,
        job_prefix=_job_prefix(request, execution),
        request=request,
        class_names=list(categories.names),
        prior_labels_s3_uri=files.prior_labels if request.given_attributes else None,
        labels_in_input=ledger.counts().human_labels,
        counts=ledger.counts(),
        manifest_s3_uri=files.prepared_manifest,
        ledger_s3_uri=files.prepared_ledger,
        secret_seed=secret_seed_of_new_run(request, files),
        **chosen.told(request),
    )
    if model is not None:
        return state.model_copy(update={"next": Next.ASK_MODEL})
    return state.decided(Loop.begin(state.loop_settings, ledger).decide())

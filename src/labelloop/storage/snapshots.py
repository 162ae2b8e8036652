"""Snapshots of the run's state, and how a new execution resumes from an earlier one's last snapshot."""

from labelloop.core.certificate.lineage import at_another_confidence
from labelloop.core.errors import DocumentError, RequestError
from labelloop.core.randomness import seed_number
from labelloop.core.stopping import Next
from labelloop.storage import s3
from labelloop.storage.labeling_files import renamed, with_outputs_found
from labelloop.storage.lineage import enter_execution, known_executions
from labelloop.storage.loop_files import load_loop
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_state import ModelWork, RunState, round_name
from labelloop.workflow.secret_seed import draw_secret_seed


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
    changed = _changed_of_promise(request, state.request)
    _require_same_draws(request, state, changed)
    before, after = state.settings.confidence, request.active_learning.confidence
    resumed = state.model_copy(
        update={
            "execution_name": execution_name,
            "prefix": prefix,
            "job_prefix": job_prefix,
            "request": _with_seed_of(state, request),
            "schedule": at_another_confidence(state.schedule, before, after),
            # One certificate says one thing about all its parts.
            "goes_on": state.goes_on and not changed,
            "earlier_prefixes": [*state.earlier_prefixes, earlier.prefix],
            "labeling_failure": None,
            **_interrupted_labeling(state, job_prefix),
        }
    )
    enter_execution(resumed, earlier.prefix)
    return _with_secret_seed(_decided_anew(resumed))


def _decided_anew(state: RunState) -> RunState:
    """What had ended goes on where this request has a larger budget or more rounds, or people may be back."""
    if state.next == Next.ASK_MODEL and state.asks_model_again:
        return _without_asking_again(state)
    if state.next != Next.EXPORT:
        return state
    waiting = state.model_copy(update={"idle_rounds": 0})
    return waiting.decided(load_loop(waiting).decide())


def _without_asking_again(state: RunState) -> RunState:
    """Go on with the labels of the first asking, if this request wants no second one any more."""
    model, work = state.settings.foundation_model, state.foundation_model
    if work is None or (model is not None and model.ask_again_after is not None):
        return state
    first = state.model_copy(update={"foundation_model": ModelWork(next="MERGE", record=work.first)})
    return first.decided(load_loop(first).decide())


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


def _changed_of_promise(request: LabelingRequest, before: LabelingRequest) -> list[str]:
    """Settings of what is promised, and how it is tested, that differ from the earlier request's."""
    asked, earlier = request.active_learning, before.active_learning
    same = {
        "TargetError": asked.target_error == earlier.target_error,
        "Confidence": asked.confidence == earlier.confidence,
        "CertificateFor": asked.certificate_for == earlier.certificate_for,
        "ReviewDisagreements": asked.review_disagreements == earlier.review_disagreements,
    }
    return [f"ActiveLearning.{name}" for name, is_same in same.items() if not is_same]


def _require_same_draws(request: LabelingRequest, state: RunState, changed: list[str]) -> None:
    asked = request.active_learning
    if asked.seed is not None and seed_number(asked.seed) != state.loop_settings.seed:
        raise RequestError(
            "ActiveLearning.Seed: an execution can only be resumed with the seed it was started with. Leave "
            "it out, or start a new run"
        )
    # With others it would be another test, on draws that somebody may have seen by now.
    if state.audit is not None and changed:
        raise RequestError(
            f"a test is under way, and goes on only with the same {', '.join(changed)}: change that after it"
        )


def _with_seed_of(state: RunState, request: LabelingRequest) -> LabelingRequest:
    """A seed that was given once stays."""
    if state.settings.seed is None:
        return request
    settings = request.active_learning.model_copy(update={"seed": state.settings.seed})
    return request.model_copy(update={"active_learning": settings})


def _with_secret_seed(state: RunState) -> RunState:
    """With a new one where the earlier one is a secret no more.

    That is so when an execution that has it has told it in its report, or can, because it goes on too.
    """
    if state.settings.seed is not None or state.secret_seed is None:
        return state
    others = known_executions(state) - {state.prefix, *state.earlier_prefixes}
    told = (s3.exists(RunFiles(prefix).report) for prefix in state.earlier_prefixes)
    if not others and not any(told):
        return state
    # A repeated step has the one that it drew first.
    seed = _drawn_before(state.files) or draw_secret_seed()
    return state.model_copy(
        update={"secret_seed": seed, "earlier_seeds": [*state.earlier_seeds, state.secret_seed]}
    )


def secret_seed_of_new_run(request: LabelingRequest, files: RunFiles) -> str | None:
    """None if the request gives a seed. A repeated step has the one that it drew first."""
    if request.active_learning.seed is not None:
        return None
    return _drawn_before(files) or draw_secret_seed()


def _drawn_before(files: RunFiles) -> str | None:
    """The secret seed in the first snapshot of an execution, if it has written one."""
    if not s3.exists(files.prepared_state):
        return None
    return RunState.read(s3.read_json(files.prepared_state)).secret_seed


def _interrupted_labeling(state: RunState, job_prefix: str) -> dict[str, object]:
    """For objects that were already selected: use people's answers if they exist, else ask again."""
    if state.labeling is None:
        return {}
    answered = with_outputs_found(state.labeling)
    if answered is None:
        asked_again = renamed(state.labeling, round_name(job_prefix, state.round))
        return {"next": Next.ASK, "labeling": asked_again}
    return {"next": Next.MERGE, "labeling": answered}

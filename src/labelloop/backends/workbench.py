"""The workbench: people label in labelloop's own web application, and the state machine waits for them."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
from aws_lambda_powertools import Logger

from labelloop.backends.protocol import AnswersLater
from labelloop.core.arrays import from_bytes
from labelloop.core.errors import RequestError
from labelloop.core.ledger import NO_IDS, Ledger, State
from labelloop.core.loop import Loop
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.labeling_output import read_labeled
from labelloop.core.manifest.lines import LabelAttribute, object_id, parse_record
from labelloop.core.model.recorded_predictions import RecordedPredictions, record_predictions
from labelloop.core.people.label_errors import label_error_candidates
from labelloop.core.randomness import random_stream
from labelloop.core.sizes import resolve_size
from labelloop.storage import s3
from labelloop.storage.loop_files import load_loop
from labelloop.storage.prediction_files import load_out_of_fold
from labelloop.workbench.corrections import Corrections
from labelloop.workbench.deployment import STOPPED, OpenedWorkbench, opened_workbench
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.opening import Asked, Guess, Prior, asked_about, open_batch
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Correction
from labelloop.workbench.worker_template import template_in_s3
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_files import (
    is_recorded_predictions,
    labeling_jobs,
    labeling_output,
    state_beside,
)
from labelloop.workflow.run_state import Labeling, LabelingAhead, RunState

LONGEST_HEARTBEAT_PAUSE = 300.0
_SHORTEST_WAIT = 2
_DAY_SECONDS, _MOST_DAYS = 24 * 3600, 360


class Workbench(AnswersLater):
    """Each round's selection is a batch of tasks; closing the batch returns the token."""

    name: ClassVar = "workbench"

    def check(self, request: LabelingRequest) -> None:
        task = request.human_task_config
        if request.active_learning.workbench.use_worker_template and (
            task is None or task.ui_config.ui_template_s3_uri is None
        ):
            raise RequestError(
                "Workbench.UseWorkerTemplate takes the template at HumanTaskConfig.UiConfig.UiTemplateS3Uri, "
                "which is missing"
            )

        if request.active_learning.workbench.label_ahead_share and self.people_per_object(request) > 1:
            raise RequestError(
                "Workbench.LabelAheadShare takes one person for each object: what only one of several has "
                "answered when the model has learned would not count. Leave one of the two out"
            )

        if request.active_learning.workbench.show_prior_label and not request.prior_attributes:
            raise RequestError(
                "Workbench.ShowPriorLabel shows the labels that PriorLabels names, which the request has not"
            )

    def prepare(self, request: LabelingRequest, categories: LabelCategories) -> LabelingRequest:
        _worker_template_uri(request, categories)
        _gold_objects(request, categories)
        return request

    def people_per_object(self, request: LabelingRequest) -> int:
        wanted = request.active_learning.workbench.number_of_human_workers_per_data_object
        return wanted or super().people_per_object(request)

    def ask(self, state: RunState, time: str, task_token: str) -> None:
        """Open the batch, or continue with the existing one."""
        labeling = state.labeling
        if labeling is None:
            raise RequestError(
                "there is no selection to label: SelectForHumans comes before LabelInWorkbench"
            )
        with opened_workbench() as parts:
            batch = parts.store.batch(labeling.job_name)
            if batch is None:
                batch = _opened(state, labeling, time, parts.store)
            if labeling.ahead is not None:
                _open_ahead(state, labeling, labeling.ahead, time, parts)
            if state.ahead is not None:
                parts.closing.hands_out_no_more(state.ahead.job_name)
            # Last: a batch that is closed already sends the run on.
            parts.closing.waits_with(batch, task_token, state.execution_name)
        # Made here: see workbench.deployment.
        Logger(service="labelloop").info("open", extra={"batch": batch.id, "tasks": batch.total})

    def collect(self, state: RunState, *, now: str | None = None) -> Labeling:
        """Close the batch; what is not labeled returns to the pool."""
        assert state.labeling is not None, "CollectLabels comes after LabelInWorkbench"
        with opened_workbench() as parts:
            batch = parts.store.batch(state.labeling.job_name)
            if batch is not None:
                if now is not None and (seconds := _seconds_left(batch, now)):
                    return state.labeling.model_copy(update={"wait_seconds": seconds})
                parts.closing.close(batch, "its time was over")
        return state.labeling.model_copy(
            update={
                "output_s3_uri": batch.output_uri if batch else None,
                "error": STOPPED["Error"],
                "cause": STOPPED["Cause"],
            }
        )

    def collect_ahead(self, ahead: LabelingAhead) -> LabelingAhead:
        """Close the batch that people went on with while the model learned; its answers are in its output.

        Nobody has got anything of it since the next round's batch was opened.
        """
        with opened_workbench() as parts:
            batch = parts.store.batch(ahead.job_name)
            if batch is not None:
                # A closed one writes its output again: a machine that died may not have kept it.
                parts.closing.close(batch, "its round has ended")
        return ahead.model_copy(update={"collected": True})


def _open_ahead(
    state: RunState, labeling: Labeling, ahead: LabelingAhead, time: str, parts: OpenedWorkbench
) -> None:
    """People go on with it when the round's batch is closed. Nobody waits for it: a later round closes it."""
    if (earlier := parts.store.batch(ahead.job_name)) is not None:
        parts.closing.goes_on_in(earlier, state.execution_name)
        return
    shown = Labeling(
        selection_s3_uri=ahead.selection_s3_uri,
        selected=ahead.selected,
        recorded_s3_uri=ahead.recorded_s3_uri,
        job_name=ahead.job_name,
        output_folder_s3_uri=labeling.output_folder_s3_uri,
    )
    batch = _batch(state, shown, time, ()).model_copy(update={"ahead": True, "deadline": None})
    open_batch(parts.store, batch, list(_to_label(state, shown, EarlierBatches())))


def _opened(state: RunState, labeling: Labeling, time: str, store: TaskStore) -> Batch:
    corrections, lineage = Corrections(store), state.first_files.prefix
    questions: list[Correction] = []
    # The loop is read only where a reviewer wants something: it is large.
    if corrections.to_ask_others(lineage, labeling.job_name, 1):
        left = _answers_left(load_loop(state), labeling)
        questions = corrections.to_ask_others(lineage, labeling.job_name, left)
    earlier = _earlier(state, labeling, store, questions)
    asked = list(_asked(state, labeling, earlier, questions))
    corrections.asked_by(labeling.job_name, questions)
    return open_batch(store, _batch(state, labeling, time, earlier.people), asked)


def _seconds_left(batch: Batch, now: str) -> int:
    """Until the deadline that an owner has moved; 0 where it is over or was not moved, or if it is closed."""
    if batch.open_until is None or batch.state not in ("open", "paused"):
        return 0
    left = math.ceil(batch.open_until - datetime.fromisoformat(now).timestamp())
    # A state that waits has a heartbeat, which is shorter than its whole time.
    return left if left >= _SHORTEST_WAIT else 0


def _last_moment(created: float) -> float:
    """When the batch must be closed: the files of its round leave a stack's bucket after some days."""
    days = int(os.environ.get("INTERMEDIATE_DAYS") or 0) or _MOST_DAYS
    return created + (days - 1) * _DAY_SECONDS


def _batch(state: RunState, labeling: Labeling, time: str, people: tuple[str, ...]) -> Batch:
    settings = state.settings.workbench
    question = state.request.question
    created = datetime.fromisoformat(time).timestamp()
    return Batch(
        id=labeling.job_name,
        run=state.execution_name,
        round=state.round,
        kind="text",
        title=question.title,
        short_instructions=question.short_instructions,
        full_instructions=question.full_instructions,
        classes=tuple(state.class_names),
        label_attribute=state.request.label_attribute_name,
        people_per_object=state.people_per_object,
        show_guess=settings.show_guess,
        # In a test, only answers count that people gave without knowing what others said.
        decidable=state.audit is None and not labeling.drawn,
        adjudicate=settings.adjudicate and state.audit is None and not labeling.drawn,
        grid=settings.like_with_like == "grid" and labeling.alike_s3_uri is not None,
        lease_seconds=settings.lease_in_seconds,
        total=0,
        created=created,
        deadline=created + settings.deadline_in_seconds,
        latest_deadline=_last_moment(created),
        selection_uri=labeling.selection_s3_uri,
        output_uri=labeling_output(labeling.output_folder_s3_uri, labeling.job_name),
        worker_template_uri=_worker_template_uri(state.request, state.label_categories),
        people=people,
        first_execution=state.first_files.prefix,
        heartbeat_every=min(LONGEST_HEARTBEAT_PAUSE, settings.heartbeat_in_seconds / 4),
        run_state_uri=state_beside(labeling.selection_s3_uri),
    )


def _asked(
    state: RunState, labeling: Labeling, earlier: EarlierBatches, questions: Sequence[Correction]
) -> Iterator[Asked]:
    yield from _to_label(state, labeling, earlier)
    if state.settings.workbench.relabel_share or questions:
        yield from _to_label_again(state, labeling, earlier, questions)


def _to_label(state: RunState, labeling: Labeling, earlier: EarlierBatches) -> Iterator[Asked]:
    settings = state.settings.workbench
    guesses = _guesses(state, labeling) if settings.show_guess else {}
    priors = _priors(state, labeling) if settings.show_prior_label else {}
    selected = list(asked_about(s3.read_lines(labeling.selection_s3_uri), guesses))
    for one, near in zip(selected, _near(labeling, selected), strict=True):
        prior = priors.get(one.object_id)
        yield replace(one, answered_before=earlier.who_answered(one.object_id), near=near, prior=prior)
    if settings.gold is not None:
        yield from _gold(state, settings.gold.share, labeling)


def _near(labeling: Labeling, selected: Sequence[Asked]) -> list[tuple[int, ...]]:
    """For each selected object, the objects that are most like it."""
    if labeling.alike_s3_uri is None:
        return [()] * len(selected)
    positions = from_bytes(s3.read_bytes(labeling.alike_s3_uri))
    return [tuple(selected[near].object_id for near in row) for row in positions.tolist()]


def _earlier(
    state: RunState, labeling: Labeling, store: TaskStore, questions: Sequence[Correction]
) -> EarlierBatches:
    """Read only if people may be asked again, because it takes all their tasks."""
    if labeling.drawn or state.settings.workbench.relabel_share or questions:
        return EarlierBatches.of_run(store, _earlier_batches(state))
    return EarlierBatches()


def _earlier_batches(state: RunState) -> list[str]:
    """Their ids, from the run's files: the store has those of other runs, too."""
    return [job for files in state.all_files for job in labeling_jobs(s3.list_uris(files.rounds))]


def _answers_left(loop: Loop, labeling: Labeling) -> int:
    """For reviews: each takes an answer from the run's budget, like any other answer."""
    return max(0, loop.human_labels_left() - labeling.selected)


def _guesses(state: RunState, labeling: Labeling) -> dict[int, Guess]:
    """The model's answers that people see; none where people's answer tells how often the model is wrong.

    That is so for spot checks and for objects that people are asked about again. In a batch with objects for
    a test there are none at all: else a missing guess would tell which objects were drawn.
    """
    if labeling.recorded_s3_uri is None or state.audit is not None:
        return {}
    recorded = from_bytes(s3.read_bytes(labeling.recorded_s3_uri))
    asked_again = Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri)).times_asked[recorded["id"]] > 1
    shown = recorded[(recorded["label"] >= 0) & ~recorded["probe"] & ~asked_again]
    return {int(one["id"]): (int(one["label"]), float(one["confidence"])) for one in shown}


def _priors(state: RunState, labeling: Labeling) -> dict[int, Prior]:
    """The labels that the input brings by something else, of the first source that has one for the object.

    They are hidden where the model's label is.
    """
    if state.audit is not None or labeling.drawn:
        return {}
    ledger = Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri))
    spot_checks = set[int]()
    if labeling.recorded_s3_uri is not None:
        recorded = from_bytes(s3.read_bytes(labeling.recorded_s3_uri))
        spot_checks = set(recorded["id"][recorded["probe"]].tolist())
    found: dict[int, Prior] = {}
    for line in s3.read_lines(labeling.selection_s3_uri):
        number, record = object_id(line), parse_record(line)
        if number in spot_checks or ledger.times_asked[number] > 1:
            continue
        if (prior := _prior_of(record, state.request.prior_attributes)) is not None:
            found[number] = prior
    return found


def _prior_of(record: dict[str, Any], attributes: Sequence[str]) -> Prior | None:
    for attribute in map(LabelAttribute, attributes):
        if record.get(attribute.name) is not None:
            confidence = (record.get(attribute.metadata) or {}).get("confidence")
            return int(record[attribute.name]), None if confidence is None else float(confidence)
    return None


def _gold(state: RunState, share: float, labeling: Labeling) -> Iterator[Asked]:
    known = _gold_objects(state.request, state.label_categories)
    wanted = min(len(known), resolve_size(share, labeling.selected))
    of_round = state.labeling is not None and labeling.job_name == state.labeling.job_name
    rng = random_stream(state.loop_settings.seed, "gold" if of_round else "gold ahead", state.round)
    drawn = rng.permutation(len(known))[:wanted]
    for number in sorted(drawn.tolist()):
        record, label = known[number]
        yield Asked(number, record.get("source"), record.get("source-ref"), "gold", label)


def _to_label_again(
    state: RunState, labeling: Labeling, earlier: EarlierBatches, questions: Sequence[Correction]
) -> Iterator[Asked]:
    """First what a reviewer wants others to be asked about; then what the model contradicts."""
    loop = load_loop(state)
    ledger = loop.ledger
    predictions = _unlearned_predictions(state, ledger)
    wanted = [one.object_id for one in questions if ledger.state_of(one.object_id) == State.HUMAN]
    model_labels: dict[int, int | None] = dict.fromkeys(wanted)
    for number, label in _said_by_models(predictions, wanted):
        model_labels[number] = label
    share = state.settings.workbench.relabel_share
    most = min(_answers_left(loop, labeling) - len(wanted), resolve_size(share, labeling.selected))
    reviewed = np.union1d(earlier.reviewed, np.array(wanted, np.int64))
    candidates = label_error_candidates(predictions, ledger, reviewed)[: max(0, most)]
    model_labels |= dict(zip(candidates["id"].tolist(), candidates["label"].tolist(), strict=True))
    for line in s3.read_lines(state.manifest_s3_uri):
        number = object_id(line)
        if number in model_labels:
            record = parse_record(line)
            yield Asked(
                number,
                record.get("source"),
                record.get("source-ref"),
                purpose="relabel",
                known_label=int(ledger.labels[number]),
                model_label=model_labels[number],
                answered_before=earlier.who_answered(number),
            )


def _said_by_models(
    predictions: Sequence[RecordedPredictions], wanted: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """The labels of models that had not learned from these objects, those of newer models last."""
    for recorded in predictions:
        of_wanted = recorded[np.isin(recorded["id"], wanted) & (recorded["label"] >= 0)]
        yield from zip(of_wanted["id"].tolist(), of_wanted["label"].tolist(), strict=True)


def _unlearned_predictions(state: RunState, ledger: Ledger) -> list[RecordedPredictions]:
    """What models say about objects they have not learned from.

    The newest model's cross-validation, if its container has written one; otherwise what models said about
    objects before people answered.
    """
    out_of_fold = load_out_of_fold(state, ledger)
    if out_of_fold is not None:
        return [record_predictions(out_of_fold, np.flatnonzero(out_of_fold.present), NO_IDS)]
    uris = (uri for files in state.all_files for uri in s3.list_uris(files.rounds))
    return [from_bytes(s3.read_bytes(uri)) for uri in uris if is_recorded_predictions(uri)]


def _worker_template_uri(request: LabelingRequest, categories: LabelCategories) -> str | None:
    """The template that shows tasks, if it is not the built-in page. Raises WorkerTemplateError."""
    task = request.human_task_config
    if task is None or not request.active_learning.workbench.use_worker_template:
        return None
    uri = task.ui_config.ui_template_s3_uri
    if uri is not None:
        template_in_s3(uri).check(categories.names)
    return uri


def _gold_objects(request: LabelingRequest, categories: LabelCategories) -> list[tuple[dict[str, Any], int]]:
    """Records with known answers, and the class of each; [] if the request asks for none.

    Raises RequestError if the file has none, StorageError if it is missing.
    """
    gold = request.active_learning.workbench.gold
    if gold is None:
        return []
    attribute = LabelAttribute(request.label_attribute_name)
    known = list(read_labeled(s3.read_lines(gold.manifest_s3_uri), attribute, categories))
    if not known:
        raise RequestError(
            f"ActiveLearning.Workbench.Gold: {gold.manifest_s3_uri} has no object with a label under "
            f"{request.label_attribute_name}"
        )
    return known

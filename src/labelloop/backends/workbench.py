"""The workbench: people label in labelloop's own web application, and the state machine waits for them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
from aws_lambda_powertools import Logger

from labelloop.backends.protocol import AnswersLater
from labelloop.core.arrays import from_bytes
from labelloop.core.errors import RequestError
from labelloop.core.ledger import NO_IDS, Ledger
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
from labelloop.workbench.deployment import STOPPED, opened_workbench
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.opening import Asked, Guess, asked_about, open_batch
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch
from labelloop.workbench.worker_template import template_in_s3
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_files import is_recorded_predictions, labeling_output, state_beside
from labelloop.workflow.run_state import Labeling, RunState

LONGEST_HEARTBEAT_PAUSE = 300.0


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
                earlier = _earlier(state, labeling, parts.store)
                asked = list(_asked(state, labeling, earlier))
                batch = open_batch(parts.store, _batch(state, labeling, time, earlier.people), asked)
            parts.closing.waits_with(batch, task_token, state.execution_name)
        # Made here: see workbench.deployment.
        Logger(service="labelloop").info("open", extra={"batch": batch.id, "tasks": batch.total})

    def collect(self, state: RunState) -> Labeling:
        """Close the batch; what is not labeled returns to the pool."""
        assert state.labeling is not None, "CollectLabels comes after LabelInWorkbench"
        with opened_workbench() as parts:
            batch = parts.store.batch(state.labeling.job_name)
            if batch is not None:
                parts.closing.close(batch, "its time was over")
        return state.labeling.model_copy(
            update={
                "output_s3_uri": batch.output_uri if batch else None,
                "error": STOPPED["Error"],
                "cause": STOPPED["Cause"],
            }
        )


def _batch(state: RunState, labeling: Labeling, time: str, people: tuple[str, ...]) -> Batch:
    settings = state.settings.workbench
    question = state.request.question
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
        lease_seconds=settings.lease_in_seconds,
        total=0,
        created=datetime.fromisoformat(time).timestamp(),
        selection_uri=labeling.selection_s3_uri,
        output_uri=labeling_output(labeling.output_folder_s3_uri, labeling.job_name),
        worker_template_uri=_worker_template_uri(state.request, state.label_categories),
        people=people,
        first_execution=state.first_files.prefix,
        heartbeat_every=min(LONGEST_HEARTBEAT_PAUSE, settings.heartbeat_in_seconds / 4),
        run_state_uri=state_beside(labeling.selection_s3_uri),
    )


def _asked(state: RunState, labeling: Labeling, earlier: EarlierBatches) -> Iterator[Asked]:
    settings = state.settings.workbench
    guesses = _guesses(state, labeling) if settings.show_guess else {}
    for one in asked_about(s3.read_lines(labeling.selection_s3_uri), guesses):
        yield replace(one, answered_before=earlier.who_answered(one.object_id))
    if settings.gold is not None:
        yield from _gold(state, settings.gold.share, labeling.selected)
    if settings.relabel_share:
        yield from _to_label_again(state, labeling, earlier)


def _earlier(state: RunState, labeling: Labeling, store: TaskStore) -> EarlierBatches:
    """Called only if people may be asked again, because it reads all their tasks."""
    if labeling.drawn or state.settings.workbench.relabel_share:
        return EarlierBatches.of_run(store, [files.prefix for files in state.all_files])
    return EarlierBatches()


def _most_reviews(loop: Loop, labeling: Labeling, share: float) -> int:
    """A review takes an answer from the run's budget, like any other answer."""
    left = loop.human_labels_left() - labeling.selected
    return max(0, min(left, resolve_size(share, labeling.selected)))


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


def _gold(state: RunState, share: float, selected: int) -> Iterator[Asked]:
    known = _gold_objects(state.request, state.label_categories)
    wanted = min(len(known), resolve_size(share, selected))
    drawn = random_stream(state.loop_settings.seed, "gold", state.round).permutation(len(known))[:wanted]
    for number in sorted(drawn.tolist()):
        record, label = known[number]
        yield Asked(number, record.get("source"), record.get("source-ref"), "gold", label)


def _to_label_again(state: RunState, labeling: Labeling, earlier: EarlierBatches) -> Iterator[Asked]:
    loop = load_loop(state)
    most, ledger = _most_reviews(loop, labeling, state.settings.workbench.relabel_share), loop.ledger
    predictions = _unlearned_predictions(state, ledger)
    candidates = label_error_candidates(predictions, ledger, earlier.reviewed)[:most]
    model_labels = dict(zip(candidates["id"].tolist(), candidates["label"].tolist(), strict=True))
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

"""MergeLabels: merge people's answers and the model's labels into the manifest."""

from typing import Any

from labelloop.core.certificate.inverse_probability import inclusion_chances_of
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.core.manifest.merging import merge_fields, replace_labels
from labelloop.core.records import RoundRecord
from labelloop.model_labels.asking_again import decided
from labelloop.steps.step_handler import step
from labelloop.storage import labeling_files, s3
from labelloop.storage.array_files import write_array
from labelloop.storage.label_fields import label_fields
from labelloop.storage.loop_files import load_loop, save_disputed, save_test
from labelloop.storage.snapshots import save_snapshot
from labelloop.workflow.run_state import LastLabeling, RunState


def merge_labels(state: RunState, time: str) -> dict[str, Any]:
    loop = load_loop(state)
    outcome = loop.hear_people(
        labeling_files.answers(state),
        reviews=labeling_files.reviews(state),
        not_shown=labeling_files.not_shown(state.labeling),
    )
    _write_manifest(state, loop, outcome, time)
    record = _save_record(state, outcome)
    merged = _save_loop(state, loop, record, time)
    save_snapshot(merged, state.round_files.merged_state)
    return merged.as_document()


def _write_manifest(state: RunState, loop: Loop, outcome: RoundOutcome, time: str) -> None:
    lines = replace_labels(s3.read_lines(state.manifest_s3_uri), outcome.review.changed)
    additions = label_fields(state, loop.ledger, outcome, time)
    s3.write_lines(state.round_files.merged_manifest, merge_fields(lines, additions))


def _save_record(state: RunState, outcome: RoundOutcome) -> RoundRecord:
    """The record, with the addresses of the files that the report reads."""
    files, changes = state.round_files, dict[str, str]()
    if state.training is not None and state.model is not None:
        changes["predictions_s3_uri"] = state.model.predictions_s3_uri
        changes["ledger_s3_uri"] = state.training.ledger_s3_uri
    if outcome.ended_test is not None:
        changes["chances_s3_uri"] = files.inclusion_chances
        write_array(files.inclusion_chances, inclusion_chances_of(outcome.ended_test))
    record = outcome.record.model_copy(update=changes)
    s3.write_json(files.record, record.as_file())
    return record


def _save_loop(state: RunState, loop: Loop, record: RoundRecord, time: str) -> RunState:
    files = state.round_files
    s3.write_bytes(files.merged_ledger, loop.ledger.to_bytes())
    merged = state.with_loop(
        loop,
        manifest_s3_uri=files.merged_manifest,
        ledger_s3_uri=files.merged_ledger,
        audit=save_test(state, loop.test, files.merged_candidates),
        spot_checks_s3_uri=save_disputed(loop, files.disputed_spot_checks),
        test=record.test,
        last_labeling=_last_labeling(state, record, time),
        labeling_failure=labeling_files.failure(state.labeling),
        training=None,
        model=None,
        labeling=None,
        ahead=state.labeling.ahead if state.labeling else None,
    )
    return decided(merged, loop)


def _last_labeling(state: RunState, record: RoundRecord, time: str) -> LastLabeling | None:
    began = state.labeling.selected_at if state.labeling else None
    return LastLabeling(labels=record.labeled_by_people, began=began, ended=time) if began else None


handler = step(merge_labels)

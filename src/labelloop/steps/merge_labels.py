"""MergeLabels: people's answers and the labels the model gave become part of the manifest."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelloop.core.arrays import from_bytes
from labelloop.core.expectations import learn_from
from labelloop.core.human_labels import NO_ANSWER, HumanLabels, unanswerable
from labelloop.core.labeling_output import Answer, read_answers
from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.looks import Looks
from labelloop.core.manifest import failure_metadata, object_id
from labelloop.core.merging import Addition, merge_fields
from labelloop.core.run_state import RunState
from labelloop.core.stopping import Decision, decide
from labelloop.steps.auto_labels import auto_label_fields, auto_labels
from labelloop.steps.snapshot import save_snapshot
from labelloop.steps.step_handler import label_attribute, label_categories, load_ledger, step
from labelloop.storage import s3
from labelloop.storage.sorted_additions import SortedAdditions


@dataclass(frozen=True)
class _Outcome:
    """What a round came to."""

    ledger: Ledger
    looks: Looks
    decision: Decision
    human_labels: int
    ignored_answers: int
    auto_labels: int  # committed
    idle_rounds: int
    labeling_failure: str | None


def merge_labels(state: RunState, time: str) -> dict[str, Any]:
    folder = f"{state.round_folder}merged/"
    manifest_uri, ledger_uri = f"{folder}manifest.jsonl", f"{folder}ledger.npy"
    with SortedAdditions() as additions:
        outcome = _conclude_round(state, time, additions)
        s3.write_lines(manifest_uri, merge_fields(s3.read_lines(state.manifest_s3_uri), additions))
    s3.write_bytes(ledger_uri, outcome.ledger.to_bytes())
    s3.write_json(f"{folder}round.json", _round_record(state, outcome))
    merged = _next_round(state, outcome, manifest_uri, ledger_uri)
    save_snapshot(merged, folder)
    return merged.as_document()


def _conclude_round(state: RunState, time: str, additions: SortedAdditions) -> _Outcome:
    ledger = load_ledger(state)
    people = HumanLabels(ledger)
    additions.add(people.additions(_answers(state)))
    people.record(state.round)
    _keep_for_validation(ledger, state)
    if state.labeling and state.labeling.error:
        ledger.withdraw(_ids_in(state.labeling.selection_s3_uri))
    else:
        additions.add(_give_up(ledger, state, time))
    looks = _looks(ledger, state)
    additions.add(auto_label_fields(state))
    labeled = auto_labels(state)
    ledger.label(labeled["id"], labeled["label"], State.AUTO, state.round)
    idle_rounds = 0 if len(people.labeled) or len(labeled) else state.idle_rounds + 1
    concluded = state.with_ledger(ledger, state.ledger_s3_uri).model_copy(
        update={"idle_rounds": idle_rounds, "certificate": _certificate(state)}
    )
    progress = concluded.progress(rounds_done=state.round, new_human_labels=len(people.labeled))
    return _Outcome(
        ledger=ledger,
        looks=looks,
        decision=decide(progress, concluded.limits),
        human_labels=len(people.labeled),
        ignored_answers=people.ignored,
        auto_labels=len(labeled),
        idle_rounds=idle_rounds,
        labeling_failure=_labeling_failure(state),
    )


def _keep_for_validation(ledger: Ledger, state: RunState) -> None:
    if state.labeling and state.labeling.for_validation_s3_uri:
        asked = from_bytes(s3.read_bytes(state.labeling.for_validation_s3_uri))
        ledger.keep_for_validation(asked[ledger.mask(State.HUMAN)[asked]])


def _looks(ledger: Ledger, state: RunState) -> Looks:
    if state.labeling is None or state.labeling.expectations_s3_uri is None:
        return state.looks
    return learn_from(state.looks, from_bytes(s3.read_bytes(state.labeling.expectations_s3_uri)), ledger)


def _certificate(state: RunState) -> dict[str, Any] | None:
    return (state.model and state.model.certificate) or state.certificate


def _answers(state: RunState) -> Iterator[Answer]:
    output = state.labeling.output_s3_uri if state.labeling else None
    if output is None or not s3.exists(output):
        return iter(())
    return read_answers(s3.read_lines(output), label_attribute(state), label_categories(state))


def _labeling_failure(state: RunState) -> str | None:
    """Why the labeling job failed; a job that was stopped on purpose did not fail."""
    if state.labeling is None or state.labeling.error is None:
        return None
    cause = state.labeling.cause or state.labeling.error
    try:
        job = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(job, dict):
        return cause
    if job.get("LabelingJobStatus") in ("Stopped", "Stopping"):
        return None
    return str(job.get("FailureReason") or cause)


def _ids_in(manifest_uri: str) -> Ids:
    return np.fromiter((object_id(line) for line in s3.read_lines(manifest_uri)), np.int64)


def _give_up(ledger: Ledger, state: RunState, time: str) -> Iterator[Addition]:
    """Take objects that people could not label, asked again, out of the pool, with the reason."""
    given_up = unanswerable(ledger)
    ledger.fail(given_up, state.round)
    reasons = _reasons(state, set(given_up.tolist()))
    attribute = label_attribute(state)
    for failed_id in given_up.tolist():
        reason = reasons.get(failed_id, NO_ANSWER)
        yield (
            failed_id,
            {attribute.metadata: failure_metadata(reason=reason, time=time, job_name=_job(state))},
        )


def _reasons(state: RunState, given_up: set[int]) -> dict[int, str]:
    if not given_up:
        return {}
    return {
        answer.object_id: answer.failure
        for answer in _answers(state)
        if answer.failure and answer.object_id in given_up
    }


def _job(state: RunState) -> str:
    return state.labeling.job_name if state.labeling else state.round_name


def _round_record(state: RunState, outcome: _Outcome) -> dict[str, Any]:
    model, labeling = state.model, state.labeling
    return {
        "round": state.round,
        "trained": model is not None,
        "validation_accuracy": model.validation_accuracy if model else None,
        "threshold": model.threshold if model else None,
        "certificate": model.certificate if model else None,
        "tested": model.tested if model else False,
        "expected_error": model.expected_error if model else None,
        "allowed_error": model.allowed_error if model else None,
        "auto_labeled": model.auto_labels if model else 0,
        "auto_labels_committed": outcome.auto_labels,
        "unreadable_by_model": model.unreadable if model else 0,
        "first_unreadable": model.first_unreadable if model else None,
        "sent_to_people": labeling.selected if labeling else 0,
        "labeled_by_people": outcome.human_labels,
        "ignored_answers": outcome.ignored_answers,
        "counts": outcome.ledger.counts().as_dict(),
        "next": outcome.decision.next,
        **_what_the_model_saw(state),
    }


def _what_the_model_saw(state: RunState) -> dict[str, str]:
    """Where the round's predictions are, and the ledger they were made for: the report reads them again."""
    if state.training is None or state.model is None:
        return {}
    return {
        "predictions_s3_uri": state.training.predictions_s3_uri,
        "ledger_s3_uri": state.training.ledger_s3_uri,
    }


def _next_round(state: RunState, outcome: _Outcome, manifest_uri: str, ledger_uri: str) -> RunState:
    return state.with_ledger(outcome.ledger, ledger_uri).model_copy(
        update={
            "manifest_s3_uri": manifest_uri,
            "round": state.round + 1,
            "idle_rounds": outcome.idle_rounds,
            "next": outcome.decision.next,
            "stopped_because": outcome.decision.stopped_because,
            "labeling_failure": outcome.labeling_failure,
            "certificate": _certificate(state),
            "looks": outcome.looks,
            "training": None,
            "model": None,
            "labeling": None,
        }
    )


handler = step(merge_labels)

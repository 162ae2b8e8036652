"""MergeLabels: people's answers and the labels the model gave become part of the manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from labelloop.core.arrays import from_bytes, to_bytes
from labelloop.core.certificate.audit import Audit, Verdict
from labelloop.core.certificate.audit_schedule import AuditSchedule
from labelloop.core.certificate.inverse_probability import inclusion_chances_of
from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.manifest.labeling_output import Answer, read_answers
from labelloop.core.manifest.lines import ONE_PERSON_CONFIDENCE, failure_metadata, label_metadata, object_id
from labelloop.core.manifest.merging import Addition, merge_fields, replace_labels
from labelloop.core.people.human_labels import NO_ANSWER, HumanLabels, unanswerable
from labelloop.core.people.label_review import LabelReview, apply_reviews, reviews_beside
from labelloop.core.people.second_opinions import Rows
from labelloop.core.people.spot_checks import SpotChecks
from labelloop.core.rounds import AuditConclusion, conclude_test, take_votes
from labelloop.core.stopping import Decision, decide
from labelloop.steps.audit_under_way import load_audit, save_audit
from labelloop.steps.auto_labels import auto_label_fields, auto_label_ids, class_indices
from labelloop.steps.disputed_spot_checks import load_disputed_spot_checks, save_disputed_spot_checks
from labelloop.steps.labeling_parts import ended_early, failure, output_uris
from labelloop.steps.snapshot import save_snapshot
from labelloop.steps.step_handler import label_attribute, label_categories, load_ledger, step
from labelloop.storage import s3
from labelloop.storage.sorted_additions import SortedAdditions
from labelloop.workflow.run_state import RunState, certificate_document


@dataclass(frozen=True)
class _Outcome:
    """What a round came to."""

    ledger: Ledger
    schedule: AuditSchedule
    decision: Decision
    human_labels: int
    ignored_answers: int
    repeated_answers: int
    auto_labels: int  # committed
    idle_rounds: int
    labeling_failure: str | None
    test: AuditConclusion | None
    audit: Audit | None  # that goes on
    disputed_spot_checks: Rows
    concluded: Audit | None
    certificate: dict[str, Any] | None
    review: LabelReview


def merge_labels(state: RunState, time: str) -> dict[str, Any]:
    folder = f"{state.round_folder}merged/"
    manifest_uri, ledger_uri = f"{folder}manifest.jsonl", f"{folder}ledger.npy"
    with SortedAdditions() as additions:
        outcome = _conclude_round(state, time, additions)
        lines = replace_labels(s3.read_lines(state.manifest_s3_uri), outcome.review.changed)
        s3.write_lines(manifest_uri, merge_fields(lines, additions))
    s3.write_bytes(ledger_uri, outcome.ledger.to_bytes())
    record = _round_record(state, outcome)
    if outcome.concluded is not None:
        record["chances_s3_uri"] = f"{folder}chances.npy"
        s3.write_bytes(record["chances_s3_uri"], to_bytes(inclusion_chances_of(outcome.concluded)))
    s3.write_json(f"{folder}round.json", record)
    merged = _next_round(state, outcome, folder, manifest_uri, ledger_uri)
    save_snapshot(merged, folder)
    return merged.as_document()


def _conclude_round(state: RunState, time: str, additions: SortedAdditions) -> _Outcome:
    ledger, audit, spot_checks = load_ledger(state), load_audit(state), _spot_checks(state)
    awaited = [drawn.awaited() for drawn in (spot_checks, audit) if drawn is not None]
    people = HumanLabels(ledger, np.concatenate(awaited))
    additions.add(people.additions(_answers(state)))
    people.record(state.round)
    review = apply_reviews(ledger, _reviews(state), state.request.label_attribute_name)
    taken = take_votes(state, ledger, spot_checks, audit, people, reviews=review.answered)
    additions.add(_settled_fields(state, ledger, people, taken.settled, time))
    human_labels = len(people.labeled) + len(taken.settled)
    for selection_uri in ended_early(state.labeling) if state.labeling else ():
        ledger.withdraw(_ids_in(selection_uri))
    disputed = np.concatenate([drawn.disputed() for drawn in (spot_checks, audit) if drawn is not None])
    additions.add(_give_up(ledger, state, disputed, time))
    heard = taken.state.with_ledger(ledger, state.ledger_s3_uri)
    test = conclude_test(heard, ledger, audit, goes_on=taken.goes_on) if audit else None
    committed = _commit(heard, ledger, test, additions)
    testing = test is not None and test.verdict == Verdict.OPEN
    concluded = heard.with_ledger(ledger, state.ledger_s3_uri).model_copy(
        update={
            "idle_rounds": 0 if human_labels or taken.repeated or committed else state.idle_rounds + 1,
            "certificate": (certificate_document(test.certificate) if test else None) or state.certificate,
            "audit": state.audit if testing else None,
        }
    )
    progress = concluded.progress(rounds_done=state.round, new_human_labels=human_labels)
    return _Outcome(
        ledger=ledger,
        schedule=test.schedule if test else heard.schedule,
        decision=decide(progress, concluded.limits),
        human_labels=human_labels,
        ignored_answers=people.ignored,
        repeated_answers=taken.repeated,
        auto_labels=committed,
        idle_rounds=concluded.idle_rounds,
        labeling_failure=failure(state.labeling) if state.labeling else None,
        test=test,
        audit=audit if testing else None,
        disputed_spot_checks=spot_checks.still_disputed(),
        concluded=None if testing else audit,
        certificate=concluded.certificate,
        review=review,
    )


def _settled_fields(
    state: RunState, ledger: Ledger, people: HumanLabels, settled: Ids, time: str
) -> Iterator[Addition]:
    """What the lines of drawn objects get, now that their label is settled."""
    attribute = label_attribute(state)
    for number in settled.tolist():
        fields = people.vote_fields(number)
        if fields is None:  # An earlier round's answer, which nobody contradicted.
            label = int(ledger.labels[number])
            metadata = label_metadata(
                class_name=state.class_names[label],
                confidence=ONE_PERSON_CONFIDENCE,
                human=True,
                time=time,
                job_name=_job(state),
            )
            fields = {attribute.name: label, attribute.metadata: metadata}
        yield number, fields


def _commit(state: RunState, ledger: Ledger, test: AuditConclusion | None, additions: SortedAdditions) -> int:
    """The model's labels: those a test has passed for, or that take no test. Returns how many."""
    if test is not None and state.audit is not None:
        uri, ids = state.audit.auto_labels_s3_uri, test.committed
    elif state.model is not None:
        uri = state.model.auto_labels_s3_uri
        ids = auto_label_ids(uri)
    else:
        return 0
    if len(ids):
        labels = class_indices(uri, ids, state.request.label_attribute_name)
        ledger.label(ids, labels, State.AUTO, state.round)
        additions.add(auto_label_fields(uri, set(ids.tolist())))
    return len(ids)


def _spot_checks(state: RunState) -> SpotChecks:
    """Those of this round's model, and those of earlier ones that people have not agreed on."""
    uri = state.labeling.expectations_s3_uri if state.labeling else None
    expected = from_bytes(s3.read_bytes(uri)) if uri else None
    earlier = load_disputed_spot_checks(state)
    return SpotChecks.of(expected, earlier, reviewed=state.settings.review_disagreements)


def _answers(state: RunState) -> Iterator[Answer]:
    for uri in output_uris(state.labeling) if state.labeling else ():
        if s3.exists(uri):
            yield from read_answers(s3.read_lines(uri), label_attribute(state), label_categories(state))


def _reviews(state: RunState) -> Iterator[dict[str, Any]]:
    """Of labels that people were asked about again: the workbench leaves them beside its output."""
    for uri in output_uris(state.labeling) if state.labeling else ():
        if s3.exists(reviews := reviews_beside(uri)):
            yield from map(orjson.loads, s3.read_lines(reviews))


def _ids_in(manifest_uri: str) -> Ids:
    return np.fromiter((object_id(line) for line in s3.read_lines(manifest_uri)), np.int64)


def _give_up(ledger: Ledger, state: RunState, disputed: Ids, time: str) -> Iterator[Addition]:
    """Take objects that people could not label, asked again, out of the pool, with the reason."""
    given_up = unanswerable(ledger, disputed)
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
    model, labeling, test = state.model, state.labeling, outcome.test
    return {
        "round": state.round,
        "trained": model is not None,
        "validation_accuracy": model.validation_accuracy if model else None,
        "threshold": model.threshold if model else None,
        "expected_error": model.expected_error if model else None,
        "left_to_people": model.left_to_people if model else None,
        "expected_draws": model.expected_draws if model else None,
        "drawn_for_test": labeling.drawn if labeling else 0,
        "test": _test_record(test),
        "certificate": certificate_document(test.certificate) if test else None,
        "auto_labels_committed": outcome.auto_labels,
        "unreadable_by_model": model.unreadable if model else 0,
        "first_unreadable": model.first_unreadable if model else None,
        "sent_to_people": labeling.selected if labeling else 0,
        "labeled_by_people": outcome.human_labels,
        "ignored_answers": outcome.ignored_answers,
        "repeated_answers": outcome.repeated_answers,
        "label_review": outcome.review.counts,
        "counts": outcome.ledger.counts().as_dict(),
        "next": outcome.decision.next,
        **_what_the_model_saw(state),
    }


def _test_record(test: AuditConclusion | None) -> dict[str, Any] | None:
    """How the test stood at the end of the round."""
    if test is None:
        return None
    return {
        "verdict": test.verdict.value,
        "drawn": test.drawn,
        "wrong": test.wrong,
        "withdrawn": test.withdrawn,
        "error_estimate": test.error_estimate,
        "error_bound": test.error_bound,
    }


def _what_the_model_saw(state: RunState) -> dict[str, str]:
    """Where the round's predictions are, and the ledger they were made for: the report reads them again."""
    if state.training is None or state.model is None:
        return {}
    return {
        "predictions_s3_uri": state.training.predictions_s3_uri,
        "ledger_s3_uri": state.training.ledger_s3_uri,
    }


def _next_round(
    state: RunState, outcome: _Outcome, folder: str, manifest_uri: str, ledger_uri: str
) -> RunState:
    audit = save_audit(state, outcome.audit, folder) if outcome.audit else None
    return state.with_ledger(outcome.ledger, ledger_uri).model_copy(
        update={
            "manifest_s3_uri": manifest_uri,
            "round": state.round + 1,
            "idle_rounds": outcome.idle_rounds,
            "next": outcome.decision.next,
            "stopped_because": outcome.decision.stopped_because,
            "labeling_failure": outcome.labeling_failure,
            "certificate": outcome.certificate,
            "schedule": outcome.schedule,
            "audit": audit,
            "spot_checks_s3_uri": save_disputed_spot_checks(outcome.disputed_spot_checks, folder),
            "test": _test_record(outcome.test),
            "repeated_answers": (state.repeated_answers + outcome.repeated_answers + outcome.review.answered),
            "training": None,
            "model": None,
            "labeling": None,
        }
    )


handler = step(merge_labels)

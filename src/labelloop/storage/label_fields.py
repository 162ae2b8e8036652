"""What the manifest's lines get at the end of a round: labels with metadata, or the reason for no label."""

from collections.abc import Iterator
from operator import itemgetter

import orjson

from labelloop.core.ledger import Ids, Ledger
from labelloop.core.loop import RoundOutcome
from labelloop.core.manifest.lines import ONE_PERSON_CONFIDENCE, failure_metadata, label_metadata
from labelloop.core.manifest.merging import Addition, first_of_each
from labelloop.core.people.human_labels import NO_ANSWER
from labelloop.storage.auto_label_files import auto_label_fields
from labelloop.storage.labeling_files import answers
from labelloop.workflow.run_state import RunState


def label_fields(state: RunState, ledger: Ledger, outcome: RoundOutcome, time: str) -> Iterator[Addition]:
    """Each object that left the pool in this round, with its fields; ascending by id."""
    by_people = [
        (number, orjson.dumps(fields)) for number, fields in _peoples_fields(state, ledger, outcome, time)
    ]
    by_people.sort(key=itemgetter(0))
    # The model's labels are sorted already, and may be millions.
    return first_of_each(by_people, _auto_label_fields(state, outcome.auto_labels, len(ledger)))


def _peoples_fields(
    state: RunState, ledger: Ledger, outcome: RoundOutcome, time: str
) -> Iterator[tuple[int, dict[str, object]]]:
    """The answers of this round that gave a label or a reason for no label."""
    wanted = {*outcome.labeled.tolist(), *outcome.settled.tolist()}
    given_up = dict.fromkeys(outcome.given_up.tolist(), NO_ANSWER)
    for answer in answers(state):
        if answer.failure and answer.object_id in given_up:
            given_up[answer.object_id] = answer.failure
        elif answer.object_id in wanted and answer.label == int(ledger.labels[answer.object_id]):
            wanted.remove(answer.object_id)
            yield answer.object_id, answer.fields
    for number in sorted(wanted):
        yield number, _fields_of_earlier_answer(state, int(ledger.labels[number]), time)
    for number, reason in given_up.items():
        metadata = failure_metadata(reason=reason, time=time, job_name=_job(state))
        yield number, {state.label_attribute.metadata: metadata}


def _fields_of_earlier_answer(state: RunState, label: int, time: str) -> dict[str, object]:
    """The fields of a label from an earlier round: nobody contradicted it, or too few people did."""
    metadata = label_metadata(
        class_name=state.class_names[label],
        confidence=ONE_PERSON_CONFIDENCE,
        human=True,
        time=time,
        job_name=_job(state),
    )
    return {state.label_attribute.name: label, state.label_attribute.metadata: metadata}


def _auto_label_fields(state: RunState, committed: Ids, size: int) -> Iterator[Addition]:
    written_by = state.audit or state.model
    if len(committed) and written_by is not None:
        yield from auto_label_fields(written_by.auto_labels_s3_uri, committed, size)


def _job(state: RunState) -> str:
    return state.labeling.job_name if state.labeling else state.round_name

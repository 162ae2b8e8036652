"""A batch's output manifest, in Ground Truth's format."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from labelloop.core.manifest.lines import (
    ID_KEY,
    ONE_PERSON_CONFIDENCE,
    LabelAttribute,
    append_fields,
    failure_metadata,
    label_metadata,
    object_id,
)
from labelloop.core.people.label_review import Outcome, review_outcome
from labelloop.workbench.agreement import consensus_of
from labelloop.workbench.tasks import Batch, Correction, Task, iso

# Marks a label that an owner chose where people disagreed.
ADJUDICATED = {"adjudicated": "yes"}
# Marks a label that a reviewer gave after its batch was closed.
CORRECTED = {"corrected": "yes"}


def output_lines(batch: Batch, tasks: Sequence[Task], selection: Iterable[bytes]) -> Iterator[bytes]:
    """The selection's lines with people's labels. A line that lacks an answer or skip stays unchanged.

    That holds however the batch ends: a run that asks several people about each object never uses the answer
    of only one. Such answers still help to estimate how accurate each person is.

    One person's label has the confidence that Ground Truth gives it, and so has an owner's decision. If any
    object has several answers, other labels and their confidence come from Dawid and Skene's method.
    """
    attribute = LabelAttribute(batch.label_attribute)
    asked = {task.object_id: task for task in tasks if task.purpose == "label"}
    agreed = consensus_of(batch, tasks)
    for line in selection:
        task = asked.get(object_id(line))
        if task is None or not task.counts_with(batch.people_per_object):
            yield line
        elif task.decided is not None:
            decided = task.decided.label
            metadata = _metadata_of_people(batch, task, decided, ONE_PERSON_CONFIDENCE) | ADJUDICATED
            yield append_fields(line, {attribute.name: decided, attribute.metadata: metadata})
        elif task.answers:
            label, confidence = agreed[task.id] if agreed else _only_answer(task)
            metadata = _metadata_of_people(batch, task, label, confidence)
            yield append_fields(line, {attribute.name: label, attribute.metadata: metadata})
        else:
            reason = "; ".join(f"skipped: {reason}" for reason in task.skips.values())
            metadata = failure_metadata(reason=reason, time=_time(task), job_name=batch.id, of=batch.kind)
            yield append_fields(line, {attribute.metadata: metadata})


def review_lines(batch: Batch, tasks: Sequence[Task]) -> Iterator[bytes]:
    """For each reviewed label: the model's and people's answers, the outcome, and the changed fields."""
    agreed = consensus_of(batch, tasks)
    for task in tasks:
        outcome = outcome_of_review(task)
        if outcome is None or not task.counts_with(batch.people_per_object):
            continue
        review: dict[str, object] = {
            ID_KEY: task.object_id,
            "label": task.known_label,
            "model-label": task.model_label,
            "answers": sorted(task.answers.values()),
            "outcome": outcome,
        }
        if outcome == "changed":
            label = next(iter(task.answers.values()))
            confidence = agreed[task.id][1] if agreed else ONE_PERSON_CONFIDENCE
            assert task.known_label is not None
            review["fields"] = adjusted_fields(
                batch, label, task.known_label, confidence, time=_time(task), job_name=batch.id
            )
        yield orjson.dumps(review)


def correction_lines(batch: Batch, corrections: Sequence[Correction]) -> Iterator[bytes]:
    """As reviews are written. The batch has the run's classes."""
    attribute = LabelAttribute(batch.label_attribute)
    for one in corrections:
        assert one.label is not None, "who asks others gives no label"
        fields = adjusted_fields(
            batch, one.label, one.before, ONE_PERSON_CONFIDENCE, time=iso(one.at), job_name=one.batch_id
        )
        fields[attribute.metadata] = {**fields[attribute.metadata], **CORRECTED}
        yield orjson.dumps(
            {
                ID_KEY: one.object_id,
                "label": one.before,
                "answers": [one.label],
                "outcome": "corrected",
                "fields": fields,
            }
        )


def labels_of(batch: Batch, tasks: Sequence[Task]) -> dict[str, int]:
    """The label that each answered task of a closed batch has in its output, by task id."""
    agreed = consensus_of(batch, tasks)
    return {
        task.id: task.decided.label
        if task.decided
        else (agreed[task.id] if agreed else _only_answer(task))[0]
        for task in tasks
        if task.answers
    }


def outcome_of_review(task: Task) -> Outcome | None:
    """None for a task that is not a review, or that nobody has answered."""
    if task.purpose != "relabel" or task.known_label is None or not task.answers:
        return None
    return review_outcome(task.known_label, task.model_label, task.answers.values())


def adjusted_fields(
    batch: Batch, label: int, before: int, confidence: float, *, time: str, job_name: str
) -> dict[str, Any]:
    """What takes the place of a label: Ground Truth's word for that, and the label it had."""
    attribute = LabelAttribute(batch.label_attribute)
    metadata = label_metadata(
        class_name=batch.classes[label],
        confidence=confidence,
        human=True,
        time=time,
        job_name=job_name,
        of=batch.kind,
    )
    adjusted = {"adjustment-status": "adjusted", "adjusted-from": batch.classes[before]}
    return {attribute.name: label, attribute.metadata: {**metadata, **adjusted}}


def _metadata_of_people(batch: Batch, task: Task, label: int, confidence: float) -> dict[str, object]:
    return label_metadata(
        class_name=batch.classes[label],
        confidence=confidence,
        human=True,
        time=_time(task),
        job_name=batch.id,
        of=batch.kind,
    )


def _only_answer(task: Task) -> tuple[int, float]:
    (label,) = task.answers.values()
    return label, ONE_PERSON_CONFIDENCE


def _time(task: Task) -> str:
    last = max(entry.at for entry in task.entries.values() if entry.kind != "lease")
    last = max(last, task.decided.at) if task.decided else last
    return iso(last)

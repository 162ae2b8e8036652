"""What MergeLabels writes into the manifest's lines agrees with the ledger."""

import numpy as np
import orjson
import pytest

from labelloop.core.ledger import NO_IDS, Ledger, State
from labelloop.core.loop import RoundOutcome
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.people.human_labels import NO_ANSWER
from labelloop.core.people.label_review import LabelReview
from labelloop.core.records import ReviewCounts, RoundRecord
from labelloop.storage import label_fields
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_state import Labeling, RunState

STATE = RunState.model_construct(
    request=LabelingRequest.model_construct(label_attribute_name="category"),
    class_names=["a", "b", "c"],
    labeling=Labeling(
        selection_s3_uri="s3://bucket/x",
        selected=4,
        job_name="job-r003",
        output_folder_s3_uri="s3://bucket/y",
    ),
    audit=None,
    model=None,
)


def fields_of(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, answers: list[Answer], **left_the_pool: list[int]
) -> dict[int, dict[str, object]]:
    monkeypatch.setattr(label_fields, "answers", lambda _state: iter(answers))
    ids = {
        name: np.array(left_the_pool.get(name, []), np.int64) for name in ("labeled", "settled", "given_up")
    }
    outcome = RoundOutcome(
        **ids,
        auto_labels=NO_IDS,
        review=LabelReview(ReviewCounts(), {}),
        ended_test=None,
        record=RoundRecord(round=3, trained=False, counts=ledger.counts()),
    )
    written = list(label_fields.label_fields(STATE, ledger, outcome, "2026-11-28T00:00:00"))
    numbers = [number for number, _ in written]
    assert numbers == sorted(set(numbers)), "as the lines come, and no line gets fields twice"
    return {number: orjson.loads(fields) for number, fields in written}


def answered(number: int, label: int, who: str = "ann") -> Answer:
    return Answer(number, label, {"category": label, "category-metadata": {"worker": who}})


def test_a_dispute_that_ends_by_the_first_answer_is_not_told_by_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When nobody can be asked again, the first answer stands: an earlier round's, not this one's."""
    ledger = Ledger.of_size(3)
    ledger.label(np.array([0, 1]), [1, 2], State.HUMAN, 3)
    answers = [answered(0, 2), answered(1, 2)]
    fields = fields_of(monkeypatch, ledger, answers, settled=[0, 1])
    assert fields[0]["category"] == 1 == ledger.labels[0]
    assert fields[0]["category-metadata"]["class-name"] == "b"  # type: ignore[index]
    assert fields[1] == answers[1].fields, "this round's answer, with its metadata"


def test_the_first_answer_with_a_label_counts_and_reasons_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger.of_size(5)
    ledger.label(np.array([0]), [1], State.HUMAN, 3)
    ledger.fail(np.array([3, 4]), 3)
    answers = [
        Answer(0, None, {}, "blank page"),
        answered(0, 1, "ann"),
        answered(0, 1, "ben"),
        answered(2, 1),
        Answer(3, None, {}, "skipped: torn"),
    ]
    fields = fields_of(monkeypatch, ledger, answers, labeled=[0], given_up=[3, 4])
    assert set(fields) == {0, 3, 4}, "an object nobody was asked about gets nothing"
    assert fields[0] == answered(0, 1, "ann").fields
    assert fields[3]["category-metadata"]["failure-reason"] == "skipped: torn"  # type: ignore[index]
    assert fields[4]["category-metadata"]["failure-reason"] == NO_ANSWER  # type: ignore[index]

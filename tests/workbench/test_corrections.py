"""Labels that a reviewer corrects after their batch was closed."""

from typing import Any

import numpy as np
import orjson
import pytest

from labelloop.core.ledger import Ledger, State
from labelloop.core.people.label_review import apply_reviews, read_reviews
from labelloop.workbench.answer_export import exported
from labelloop.workbench.corrections import Corrections
from labelloop.workbench.errors import ConflictError, RefusedError
from labelloop.workbench.opening import Asked
from labelloop.workbench.tasks import Correction

from .conftest import Desk, SignIn

OF_A_RUN: dict[str, Any] = {"run_state_uri": "s3://bucket/state.json", "decidable": True}


def labeled(desk: Desk, labels: list[int], batch_id: str, **fields: Any) -> None:
    """A closed batch in which Ann has given the labels."""
    desk.open(map(str, labels), batch_id=batch_id, **{**OF_A_RUN, **fields})
    by_object = {task.object_id: task for task in desk.store.tasks(batch_id)}
    desk.workbench.next_tasks("ann", 20)
    for number, label in enumerate(labels):
        desk.workbench.answer(batch_id, by_object[number].id, "ann", label)


def correct(desk: Desk, batch_id: str, number: int, label: int) -> None:
    (task,) = (task for task in desk.store.tasks(batch_id) if task.object_id == number)
    Corrections(desk.store, clock=desk.clock).correct(batch_id, task.id, "rita", label)


def taken(desk: Desk, batch_id: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in desk.memory.files.get(f"{batch_id}/relabeled.jsonl", [])]


def test_a_correction_goes_into_the_run_with_the_next_batch_and_once(desk: Desk) -> None:
    labeled(desk, [0, 1, 2], "first")
    labeled(desk, [0], "elsewhere", run="another")
    correct(desk, "first", 1, 2)
    assert taken(desk, "first") == []
    labeled(desk, [1], "second")
    (line,) = taken(desk, "second")
    assert (line["labelloop-id"], line["label"], line["outcome"]) == (1, 1, "corrected")
    fields = line["fields"]
    assert isinstance(fields, dict)
    assert fields["category"] == 2
    metadata = fields["category-metadata"]
    assert (metadata["class-name"], metadata["adjusted-from"]) == ("river", "metal")
    assert (metadata["corrected"], metadata["human-annotated"]) == ("yes", "yes")
    labeled(desk, [1], "third")
    assert taken(desk, "third") == []
    desk.closing.close(desk.workbench.batch("second"), "again")
    assert taken(desk, "second") == [line], "closing it again writes the same"


def test_the_ledger_takes_a_correction_and_counts_it(sqlite_desk: Desk) -> None:
    labeled(sqlite_desk, [0, 1, 2], "first")
    correct(sqlite_desk, "first", 1, 2)
    labeled(sqlite_desk, [1], "second")
    ledger = Ledger.of_size(3)
    ledger.label(np.arange(3), np.arange(3, dtype=np.int16), State.HUMAN, 1)
    reviews = list(read_reviews(sqlite_desk.memory.files["second/relabeled.jsonl"], "category"))
    review = apply_reviews(ledger, reviews)
    assert ledger.labels.tolist() == [0, 2, 2]
    assert (review.counts.corrected, review.counts.answered) == (1, 0), "nobody was asked about it"
    assert apply_reviews(ledger, reviews).counts.corrected == 0, "it has the label by now"


def test_a_correction_may_be_changed_and_withdrawn_until_a_batch_takes_it(sqlite_desk: Desk) -> None:
    labeled(sqlite_desk, [0, 1], "first")
    correct(sqlite_desk, "first", 0, 1)
    correct(sqlite_desk, "first", 0, 2)
    correct(sqlite_desk, "first", 1, 0)
    correct(sqlite_desk, "first", 1, 1)  # as it was
    with pytest.raises(RefusedError, match="the label is metal already"):
        correct(sqlite_desk, "first", 1, 1)
    labeled(sqlite_desk, [1], "second")
    assert [
        (line["labelloop-id"], line["label"], line["answers"]) for line in taken(sqlite_desk, "second")
    ] == [(0, 0, [2])]
    # Then it is the label, and correcting it once more begins there.
    correct(sqlite_desk, "first", 0, 0)
    labeled(sqlite_desk, [1], "third")
    assert [(line["label"], line["answers"]) for line in taken(sqlite_desk, "third")] == [(2, [0])]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"decidable": False}, "drawn for a test"),
        ({"run_state_uri": None}, "no run goes on"),
    ],
)
def test_where_a_certificate_rests_on_what_was_said_nothing_is_corrected(
    sqlite_desk: Desk, fields: dict[str, Any], reason: str
) -> None:
    labeled(sqlite_desk, [0, 1], "first", **fields)
    with pytest.raises(RefusedError, match=reason):
        correct(sqlite_desk, "first", 0, 1)


def test_an_open_batch_and_an_object_without_a_label_have_nothing_to_correct(sqlite_desk: Desk) -> None:
    sqlite_desk.open(["a", "b"], batch_id="first", **OF_A_RUN)
    with pytest.raises(RefusedError, match="not closed yet"):
        correct(sqlite_desk, "first", 0, 1)
    sqlite_desk.workbench.close("first")
    with pytest.raises(RefusedError, match="got no label"):
        correct(sqlite_desk, "first", 0, 1)


def test_two_reviewers_at_once_do_not_overwrite_each_other(desk: Desk) -> None:
    one = Correction(
        run="run-1", object_id=3, batch_id="b", task_id="t", by="rita", at=1.0, before=0, label=1
    )
    desk.store.save_correction(one)
    with pytest.raises(ConflictError):
        desk.store.save_correction(one.model_copy(update={"label": 2}))
    assert desk.store.corrections("run-1") == [one.model_copy(update={"version": 1})]
    assert (desk.store.correction("run", 3), desk.store.corrections("run")) == (None, [])


def ask_others(desk: Desk, batch_id: str, number: int) -> None:
    (task,) = (task for task in desk.store.tasks(batch_id) if task.object_id == number)
    Corrections(desk.store, clock=desk.clock).ask_others(batch_id, task.id, "rita")


def test_others_are_asked_by_the_next_batch_as_far_as_it_may_and_by_one_alone(desk: Desk) -> None:
    labeled(desk, [0, 1, 2], "first")
    for number in (0, 2):
        ask_others(desk, "first", number)
    with pytest.raises(RefusedError, match="others are asked about this object already"):
        ask_others(desk, "first", 2)
    corrections = Corrections(desk.store)
    (asked,) = corrections.to_ask_others("run-1", "second", 1)
    corrections.asked_by("second", [asked])
    assert (
        corrections.to_ask_others("run-1", "second", 1) == corrections.to_ask_others("run-1", "second", 5)[:1]
    )
    assert [one.object_id for one in corrections.to_ask_others("run-1", "third", 5)] == [2]
    assert [one.object_id for one in corrections.to_ask_others("another", "fourth", 5)] == []
    labeled(desk, [1], "second")
    assert taken(desk, "second") == [], "a wish is no label"


def test_a_wish_is_taken_back_or_replaced_by_a_label(sqlite_desk: Desk) -> None:
    labeled(sqlite_desk, [0, 1], "first")
    ask_others(sqlite_desk, "first", 0)
    correct(sqlite_desk, "first", 0, 0)  # as it was
    ask_others(sqlite_desk, "first", 1)
    correct(sqlite_desk, "first", 1, 2)
    assert Corrections(sqlite_desk.store).to_ask_others("run-1", "second", 5) == []
    labeled(sqlite_desk, [1], "second")
    assert [(line["label"], line["answers"]) for line in taken(sqlite_desk, "second")] == [(1, [2])]


@pytest.mark.parametrize(("answers", "label"), [([2], 2), ([0], 0)])
def test_a_correction_after_others_answered_begins_with_what_they_left(
    sqlite_desk: Desk, answers: list[int], label: int
) -> None:
    labeled(sqlite_desk, [0, 1], "first")
    ask_others(sqlite_desk, "first", 0)
    corrections = Corrections(sqlite_desk.store, clock=sqlite_desk.clock)
    corrections.asked_by("second", corrections.to_ask_others("run-1", "second", 5))
    review = Asked(0, "0", None, purpose="relabel", known_label=0, model_label=2)
    sqlite_desk.open([], batch_id="second", extra=[review], **OF_A_RUN)
    (task,) = sqlite_desk.store.tasks("second")
    sqlite_desk.workbench.next_tasks("ben", 1)
    sqlite_desk.workbench.answer("second", task.id, "ben", answers[0])
    correct(sqlite_desk, "first", 0, 1)
    assert [one.before for one in sqlite_desk.store.corrections("run-1")] == [label]


@pytest.mark.usefixtures("bucket")
def test_a_correction_is_in_the_export_and_on_the_objects_page(sqlite_desk: Desk, sign_in: SignIn) -> None:
    labeled(sqlite_desk, [0, 1], "first")
    rita = sign_in("Rita")
    (task,) = (task for task in sqlite_desk.store.tasks("first") if task.object_id == 0)
    address = f"/answers/object?batch=first&task={task.id}"
    assert "Correct the label" in rita.get(address).text
    assert rita.post(f"/api/tasks/first~{task.id}/correct", {"label": 2}).status_code == 200
    page = rita.get(address).text
    assert (
        "Rita corrected the label from fruit to river. It goes into the run when the next batch is closed."
        in page
    )
    labeled(sqlite_desk, [1], "second")
    assert "It went to the run with the batch second." in rita.get(address).text
    rows = [orjson.loads(line) for line in exported(sqlite_desk.store, "jsonl", "first")]
    assert [(row["person"], row["kind"], row["class"]) for row in rows if row["object_id"] == 0] == [
        ("ann", "answer", "fruit"),
        ("Rita", "correction", "river"),
    ]
    assert rita.post(f"/api/tasks/first~{task.id}/ask-others", {}).status_code == 200
    assert "Rita wants others to be asked again. The next batch asks them." in rita.get(address).text
    rows = [orjson.loads(line) for line in exported(sqlite_desk.store, "jsonl", "first")]
    assert ("Rita", "asks others", None) in [(row["person"], row["kind"], row["class"]) for row in rows]


def test_only_reviewers_correct(sqlite_desk: Desk, sign_in: SignIn) -> None:
    labeled(sqlite_desk, [0, 1], "first")
    ann = sign_in("Rita").shared()
    ann.post("/api/sign-in", {"name": "Ann"})
    task = next(sqlite_desk.store.tasks("first"))
    assert ann.post(f"/api/tasks/first~{task.id}/correct", {"label": 2}).status_code == 403

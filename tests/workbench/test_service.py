"""The rules of the workbench, on both stores."""

import threading
from collections import Counter

import orjson
import pytest

from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.opening import Asked
from labelloop.workbench.overview import Overview
from labelloop.workbench.service import MOST_HELD
from labelloop.workbench.tasks import Batch, Task

from .conftest import LEASE_SECONDS, Desk

TEXTS = [f"text {number}" for number in range(12)]


def lease(desk: Desk, person: str, count: int = 1, holding: tuple[str, ...] = ()) -> list[Task]:
    return [task for task, _ in desk.workbench.next_tasks(person, count, holding).tasks]


def answer(desk: Desk, task: Task, person: str, label: int) -> None:
    desk.workbench.answer(task.batch_id, task.id, person, label, seconds=2.0)


def output(desk: Desk, batch: Batch) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in desk.memory.files[batch.output_uri]]


# Leases ----------------------------------------------------------------------------------------------------


def test_two_people_never_hold_the_same_task(desk: Desk) -> None:
    desk.open(TEXTS)
    ann, bob = lease(desk, "ann", 6), lease(desk, "bob", 6)
    assert len({task.id for task in (*ann, *bob)}) == 12
    assert desk.workbench.next_tasks("cy", 5).state == "held"


def test_a_page_that_was_loaded_anew_gets_what_its_person_holds(desk: Desk) -> None:
    desk.open(TEXTS)
    first = lease(desk, "ann", 3)
    again = lease(desk, "ann", 3)
    assert [task.id for task in again] == [task.id for task in first]
    more = lease(desk, "ann", 3, holding=tuple(task.id for task in first))
    assert len({task.id for task in (*first, *more)}) == 6


def test_an_abandoned_lease_returns_and_whoever_had_it_is_told(desk: Desk) -> None:
    desk.open(["only"])
    (task,) = lease(desk, "ann")
    assert lease(desk, "bob") == []
    desk.clock.now += LEASE_SECONDS + 1
    (taken,) = lease(desk, "bob")
    assert taken.id == task.id
    with pytest.raises(RefusedError, match="somebody else"):
        answer(desk, task, "ann", 1)
    answer(desk, taken, "bob", 2)
    assert output(desk, desk.workbench.batch("batch-1"))[0]["category"] == 2


def test_an_answer_after_the_lease_counts_where_nobody_else_took_the_task(desk: Desk) -> None:
    desk.open(TEXTS)
    (task,) = lease(desk, "ann")
    desk.clock.now += 10 * LEASE_SECONDS
    answer(desk, task, "ann", 1)
    assert desk.store.task("batch-1", task.id).answers == {"ann": 1}  # type: ignore[union-attr]


def test_leases_that_the_page_still_holds_are_renewed(desk: Desk) -> None:
    desk.open(["only"])
    (task,) = lease(desk, "ann")
    desk.clock.now += 0.8 * LEASE_SECONDS
    lease(desk, "ann", 1, holding=(task.id,))
    desk.clock.now += 0.8 * LEASE_SECONDS
    assert lease(desk, "bob") == []


def test_what_a_page_gives_back_is_there_for_others_and_still_its_own_until_they_ask(desk: Desk) -> None:
    desk.open(["a", "b"])
    first, second = lease(desk, "ann", 2)
    desk.workbench.release("batch-1", [first.id, second.id], "ann")
    answer(desk, first, "ann", 1)
    assert [task.id for task in lease(desk, "bob", 2)] == [second.id]
    with pytest.raises(RefusedError, match="somebody else"):
        answer(desk, second, "ann", 1)


def test_a_page_that_comes_back_is_told_what_it_still_holds(desk: Desk) -> None:
    desk.open(["a", "b", "c"])
    held = [task.id for task in lease(desk, "ann", 3)]
    desk.workbench.release("batch-1", held, "ann")
    (taken,) = lease(desk, "bob", 1)
    handed = desk.workbench.next_tasks("ann", 1, held)
    assert handed.held == set(held) - {taken.id}
    assert lease(desk, "cy", 3) == [], "what is still held is renewed"


def test_nobody_gives_back_what_is_somebody_elses_or_answered(desk: Desk) -> None:
    desk.open(["a", "b"])
    (first,) = lease(desk, "ann")
    (second,) = lease(desk, "bob")
    answer(desk, first, "ann", 1)
    desk.workbench.release("batch-1", [first.id, second.id, "unknown"], "ann")
    assert lease(desk, "cy", 2) == []
    assert desk.store.task("batch-1", first.id).answers == {"ann": 1}  # type: ignore[union-attr]


def test_nobody_is_told_that_all_is_done_while_others_hold_what_is_left(desk: Desk) -> None:
    desk.open(["a", "b"])
    first, second = lease(desk, "ann", 2)
    assert desk.workbench.next_tasks("bob", 1).state == "held"
    answer(desk, first, "ann", 1)
    assert desk.workbench.next_tasks("bob", 1).state == "held"
    desk.workbench.release("batch-1", [second.id], "ann")
    (task,) = lease(desk, "bob", 1)
    assert task.id == second.id


def test_a_page_prefetches_less_when_little_is_left_for_many(desk: Desk) -> None:
    desk.open(TEXTS)
    assert desk.workbench.next_tasks("ann", 1).ahead == 5, "alone"
    assert [desk.workbench.next_tasks(name, 1).ahead for name in ("bob", "cy", "di")] == [3, 2, 1]
    desk.clock.now += 2 * LEASE_SECONDS
    assert desk.workbench.next_tasks("ann", 1).ahead == 5, "the others have gone"


def test_what_a_page_gives_back_is_not_renewed(desk: Desk) -> None:
    desk.open(["a", "b"])
    kept, given_back = lease(desk, "ann", 2)
    desk.workbench.release("batch-1", [given_back.id], "ann")
    assert lease(desk, "ann", 0, holding=(kept.id,)) == []
    assert [task.id for task in lease(desk, "bob", 2)] == [given_back.id]


def test_nobody_hoards_tasks(desk: Desk) -> None:
    desk.open([f"text {number}" for number in range(60)])
    held: tuple[str, ...] = ()
    for _ in range(5):
        held += tuple(task.id for task in lease(desk, "ann", 10, holding=held))
    assert len(held) == MOST_HELD


def test_a_task_goes_to_as_many_people_as_asked_and_never_twice_to_one(desk: Desk) -> None:
    desk.open(["a", "b"], people_per_object=2)
    for person in ("ann", "bob"):
        tasks = lease(desk, person, 5)
        assert len(tasks) == 2
        for task in tasks[:1]:
            answer(desk, task, person, 0)
        assert len(lease(desk, person, 5, holding=(tasks[1].id,))) == 0
    assert lease(desk, "cy", 5) == []


# Asked again, in a later batch -----------------------------------------------------------------------------


def open_again(desk: Desk, answered_before: tuple[str, ...], people: tuple[str, ...] = ()) -> None:
    asked = Asked(0, "asked before", None, answered_before=answered_before)
    desk.open([], extra=[asked], people=people)


def test_who_answered_before_is_not_asked_again_while_there_are_others(desk: Desk) -> None:
    open_again(desk, ("ann",), people=("ann", "bob"))
    assert desk.workbench.next_tasks("ann", 5).state == "done"
    desk.clock.now += LEASE_SECONDS / 2
    assert lease(desk, "ann", 5) == []
    assert len(lease(desk, "bob", 5)) == 1


def test_a_newcomer_is_one_of_the_others(desk: Desk) -> None:
    before = [Asked(number, "again", None, answered_before=("ann",)) for number in range(2)]
    desk.open([], extra=before, people=("ann",))
    assert len(lease(desk, "cy", 1)) == 1
    assert lease(desk, "ann", 5) == []


def test_where_there_is_nobody_else_the_same_person_is_asked_again(desk: Desk) -> None:
    open_again(desk, ("ann",), people=("ann",))
    (task,) = lease(desk, "ann", 5)
    answer(desk, task, "ann", 1)
    assert desk.memory.closed, "and the batch ends"


def test_others_who_do_not_come_are_not_waited_for_longer_than_a_lease(desk: Desk) -> None:
    open_again(desk, ("ann",), people=("ann", "bob"))
    assert lease(desk, "ann", 5) == []
    desk.clock.now += LEASE_SECONDS + 1
    assert len(lease(desk, "ann", 5)) == 1


def test_all_else_comes_before_what_a_person_answered_about_already(desk: Desk) -> None:
    before = [Asked(number, "again", None, answered_before=("ann",)) for number in range(5, 9)]
    desk.open(["a", "b"], extra=before, people=("ann",))
    first = lease(desk, "ann", 2)
    assert [task.answered_before for task in first] == [(), ()]
    assert len(lease(desk, "ann", 5, holding=tuple(task.id for task in first))) == 4


# Answers ---------------------------------------------------------------------------------------------------


def test_the_same_answer_twice_counts_once_and_a_changed_one_replaces_it(desk: Desk) -> None:
    desk.open(TEXTS)
    (task,) = lease(desk, "ann")
    for label in (1, 1, 2, 2):
        progress = desk.workbench.answer("batch-1", task.id, "ann", label)
        assert (progress.done, progress.mine, progress.total) == (1, 1, 12)
    assert desk.store.task("batch-1", task.id).answers == {"ann": 2}  # type: ignore[union-attr]


def test_undo_takes_back_an_answer_or_a_skip_and_hands_the_task_out_again(desk: Desk) -> None:
    desk.open(TEXTS)
    (task,) = lease(desk, "ann")
    answer(desk, task, "ann", 1)
    again, shown = desk.workbench.undo("batch-1", task.id, "ann")
    assert (again.entries["ann"].kind, shown.text) == ("lease", f"text {task.object_id}")
    progress = desk.workbench.skip("batch-1", task.id, "ann", " too \n dark ")
    assert (progress.done, progress.mine, progress.skipped) == (1, 0, 1)
    assert desk.store.task("batch-1", task.id).skips == {"ann": "too dark"}  # type: ignore[union-attr]
    desk.workbench.undo("batch-1", task.id, "ann")
    progress = desk.workbench.answer("batch-1", task.id, "ann", 0)
    assert (progress.done, progress.mine, progress.skipped) == (1, 1, 0)


def test_only_those_who_were_handed_a_task_may_answer_and_only_with_a_class(desk: Desk) -> None:
    desk.open(TEXTS)
    (task,) = lease(desk, "ann")
    with pytest.raises(RefusedError, match="somebody else"):
        answer(desk, task, "bob", 1)
    for label in (-1, 3):
        with pytest.raises(RefusedError, match="classes 0 to 2"):
            answer(desk, task, "ann", label)
    with pytest.raises(NotFoundError):
        desk.workbench.answer("batch-1", "unknown", "ann", 1)
    with pytest.raises(NotFoundError):
        desk.workbench.answer("unknown", task.id, "ann", 1)


def test_pace_is_of_the_last_answers(desk: Desk) -> None:
    desk.open(TEXTS)
    pace = None
    for task in lease(desk, "ann", 7):
        pace = desk.workbench.answer("batch-1", task.id, "ann", 0).per_minute
        desk.clock.now += 20
    assert pace == pytest.approx(3, rel=0.01)


def test_heartbeats_are_sent_at_most_every_few_minutes(desk: Desk) -> None:
    desk.open(TEXTS, task_token="token")
    for task in lease(desk, "ann", 6):
        answer(desk, task, "ann", 0)
        desk.clock.now += 100
    assert desk.memory.heartbeats == 2


# The end of a batch ----------------------------------------------------------------------------------------


def test_the_last_answer_closes_the_batch(desk: Desk) -> None:
    desk.open(TEXTS)
    for task in lease(desk, "ann", 12):
        answer(desk, task, "ann", task.object_id % 3)
    (closed,) = desk.memory.closed
    assert (closed.state, closed.undone) == ("closed", 0)
    lines = output(desk, closed)
    assert [line["labelloop-id"] for line in lines] == list(range(12))
    assert [line["category"] for line in lines] == [number % 3 for number in range(12)]
    metadata = lines[1]["category-metadata"]
    assert isinstance(metadata, dict)
    assert metadata.pop("creation-date").startswith("2023-11-14T")
    assert metadata == {
        "class-name": "metal",
        "job-name": "labeling-job/batch-1",
        "confidence": 0.95,
        "human-annotated": "yes",
        "type": "groundtruth/text-classification",
    }
    assert desk.workbench.next_tasks("ann", 5).state == "none"


def test_a_batch_closed_early_leaves_the_rest_as_it_was(desk: Desk) -> None:
    desk.open(TEXTS)
    first, second, third = lease(desk, "ann", 3)
    answer(desk, first, "ann", 1)
    desk.workbench.skip("batch-1", second.id, "ann", "blank")
    closed = desk.workbench.close("batch-1")
    assert (closed.undone, closed.closed_because) == (10, "closed by its owner")
    lines = output(desk, closed)
    assert sum("category" in line for line in lines) == 1
    assert lines[second.object_id]["category-metadata"]["failure-reason"] == "skipped: blank"  # type: ignore[index]
    assert "category-metadata" not in lines[third.object_id]
    with pytest.raises(RefusedError, match="closed"):
        answer(desk, third, "ann", 1)
    for change in (desk.workbench.pause, desk.workbench.resume, desk.workbench.ask_again):
        with pytest.raises(RefusedError, match="closed"):
            change("batch-1")
    before = desk.memory.files[closed.output_uri]
    desk.workbench.close("batch-1")
    assert desk.memory.files[closed.output_uri] == before


@pytest.mark.slow
def test_an_answer_on_its_way_while_the_batch_closes_is_in_the_output_or_refused(desk: Desk) -> None:
    desk.open([f"text {number}" for number in range(40)])
    accepted: set[int] = set()

    def label(person: str) -> None:
        try:
            while tasks := lease(desk, person, 3):
                for task in tasks:
                    answer(desk, task, person, 1)
                    accepted.add(task.object_id)
        except RefusedError:
            pass

    people = [threading.Thread(target=label, args=(f"person {number}",)) for number in range(3)]
    for person in people:
        person.start()
    while len(accepted) < 5:
        pass
    closed = desk.workbench.close("batch-1")
    for person in people:
        person.join()
    labeled = {number for number, line in enumerate(output(desk, closed)) if "category" in line}
    assert labeled == accepted


def test_a_half_closed_batch_is_closed_by_whoever_comes_next(desk: Desk) -> None:
    batch = desk.open(TEXTS)
    (task,) = lease(desk, "ann")
    answer(desk, task, "ann", 1)
    current = desk.workbench.batch(batch.id)
    desk.store.save_batch(current.model_copy(update={"state": "closing", "closed_because": "a test"}))
    desk.closing.go_on()
    (closed,) = desk.memory.closed
    assert (closed.state, closed.closed_because, closed.undone) == ("closed", "a test", 11)


def test_a_batch_left_half_closed_is_completed_when_somebody_looks_a_minute_later(desk: Desk) -> None:
    batch = desk.open(TEXTS)
    now = desk.clock()
    desk.store.save_batch(batch.model_copy(update={"state": "closing", "closing_since": now}))
    assert desk.workbench.current_batch() is None
    assert desk.memory.closed == []
    desk.clock.now += 61
    assert desk.workbench.current_batch() is None
    assert [closed.state for closed in desk.memory.closed] == ["closed"]


def test_images_are_labeled_as_images(desk: Desk) -> None:
    desk.open(["x"], kind="image", extra=[Asked(1, None, "s3://bucket/cat.png", "relabel", 0)])
    for task in lease(desk, "ann", 2):
        answer(desk, task, "ann", 1)
    line = output(desk, desk.memory.closed[0])[0]
    assert line["category-metadata"]["type"] == "groundtruth/image-classification"  # type: ignore[index]


def test_while_paused_nothing_is_handed_out_but_answers_count(desk: Desk) -> None:
    desk.open(TEXTS)
    (task,) = lease(desk, "ann")
    assert desk.workbench.pause("batch-1").state == "paused"
    handed = desk.workbench.next_tasks("bob", 5)
    assert (handed.tasks, handed.state) == ([], "paused")
    answer(desk, task, "ann", 1)
    desk.workbench.resume("batch-1")
    assert len(lease(desk, "bob", 5)) == 5


def test_open_batches_come_before_paused_ones_and_older_before_newer(desk: Desk) -> None:
    for name in ("first", "second"):
        desk.open(TEXTS, batch_id=name)
    assert desk.workbench.current_batch().id == "first"  # type: ignore[union-attr]
    desk.workbench.pause("first")
    assert desk.workbench.current_batch().id == "second"  # type: ignore[union-attr]
    desk.workbench.close("second")
    assert desk.workbench.current_batch().id == "first"  # type: ignore[union-attr]


# Several people --------------------------------------------------------------------------------------------


def test_a_disagreement_goes_to_one_more_person(desk: Desk) -> None:
    desk.open(["a", "b", "c"], people_per_object=2)
    for person, labels in (("ann", (0, 0, 0)), ("bob", (0, 1, 1))):
        for task in lease(desk, person, 2 if person == "bob" else 3):
            answer(desk, task, person, labels[task.object_id])
    disputed = [task for task in desk.store.tasks("batch-1") if task.disputed]
    assert desk.workbench.ask_again("batch-1") == len(disputed) > 0
    assert desk.workbench.ask_again("batch-1") == 0, "they are no longer complete"
    progress = desk.workbench.progress(desk.workbench.batch("batch-1"), "ann")
    assert progress.done == 2 - len(disputed)
    tasks = lease(desk, "cy", 5)
    assert {task.id for task in disputed} <= {task.id for task in tasks}
    assert lease(desk, "ann", 5) == []
    for task in tasks:
        answer(desk, task, "cy", 1)
    for task in lease(desk, "bob", 5):
        answer(desk, task, "bob", 1)
    (closed,) = desk.memory.closed
    assert closed.undone == 0


@pytest.mark.parametrize("because", ["closed by its owner", "its time was over"])
def test_what_one_of_two_people_answered_returns_to_the_pool(desk: Desk, because: str) -> None:
    batch = desk.open(["a", "b", "c", "d"], people_per_object=2)
    for task in lease(desk, "ann", 4):
        if task.object_id == 3:
            desk.workbench.skip("batch-1", task.id, "ann", "blank")
        else:
            answer(desk, task, "ann", 1)
    for task in lease(desk, "bob", 4):
        if task.object_id == 0:
            answer(desk, task, "bob", 1)
    closed = desk.closing.close(batch, because)
    labeled, *others = output(desk, closed)
    assert (labeled["category"], closed.undone) == (1, 3)
    assert [set(line) for line in others] == [{"source", "labelloop-id"}] * 3


def test_a_dispute_that_nobody_came_to_settle_counts_by_the_answers_it_has(desk: Desk) -> None:
    desk.open(["a"], people_per_object=2, extra=[Asked(1, "b", None, "gold", 0)])
    for person, label in (("ann", 0), ("bob", 1)):
        for task in lease(desk, person, 2):
            if task.purpose == "label":
                answer(desk, task, person, label)
    assert desk.workbench.ask_again("batch-1") == 1
    closed = desk.workbench.close("batch-1")
    assert "category" in output(desk, closed)[0]
    assert closed.undone == 0


def test_a_review_that_lacks_an_answer_changes_nothing(desk: Desk) -> None:
    again = Asked(0, "a", None, "relabel", known_label=0, model_label=1)
    desk.open([], people_per_object=2, extra=[again])
    (task,) = lease(desk, "ann")
    answer(desk, task, "ann", 1)
    desk.workbench.close("batch-1")
    assert not [uri for uri in desk.memory.files if uri.endswith("relabeled.jsonl")]


@pytest.mark.slow
def test_a_race_for_every_task_loses_nothing_and_doubles_nothing(desk: Desk) -> None:
    desk.open([f"text {number}" for number in range(60)], people_per_object=2)
    accepted: Counter[int] = Counter()
    lock = threading.Lock()
    errors: list[Exception] = []

    def label(person: str) -> None:
        try:
            while tasks := lease(desk, person, 4):
                for task in tasks:
                    answer(desk, task, person, task.object_id % 3)
                    with lock:
                        accepted[task.object_id] += 1
        except Exception as error:
            errors.append(error)

    people = [threading.Thread(target=label, args=(f"person {number}",)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    for task in [*lease(desk, "late 1", 20), *lease(desk, "late 2", 20)]:
        pytest.fail(f"{task} is left")
    assert not errors, errors
    assert accepted == Counter(dict.fromkeys(range(60), 2))
    closed = desk.memory.closed[0]  # Whoever sees that all is done closes it: two may at once.
    assert [line["category"] for line in output(desk, closed)] == [number % 3 for number in range(60)]
    assert sum(one.answers for one in desk.store.annotators("batch-1")) == 120


def test_gold_and_labels_asked_about_again_are_reported_and_kept_out_of_the_output(desk: Desk) -> None:
    extra = [
        Asked(0, "gold", None, "gold", 2),
        Asked(7, "labeled before", None, "relabel", 1),
        Asked(8, "labeled before", None, "relabel", 0, model_label=2),
        Asked(9, "labeled before", None, "relabel", 0, model_label=1),
    ]
    desk.open(["a", "b"], extra=extra)
    tasks = lease(desk, "ann", 10)
    assert len(tasks) == 6
    told = {task.purpose: task for task in tasks}
    answer(desk, told["gold"], "ann", 1)
    for task in tasks:
        if task.purpose == "relabel":
            answer(desk, task, "ann", 1)
    overview = Overview(desk.store, clock=desk.clock)()
    assert overview["gold"] == {"objects": 1, "answers": 1, "accuracy": 0.0}
    assert overview["relabeled"] == {
        "objects": 3,
        "answered": 3,
        "confirmed": 1,
        "changed": 1,
        "undecided": 1,
    }
    assert overview["annotators"][0]["gold_accuracy"] == 0.0
    closed = desk.workbench.close("batch-1")
    assert [line["labelloop-id"] for line in output(desk, closed)] == [0, 1]
    again = [orjson.loads(line) for line in desk.memory.files["batch-1/relabeled.jsonl"]]
    confirmed, undecided, changed = sorted(again, key=lambda line: line["labelloop-id"])
    assert confirmed == {**confirmed, "labelloop-id": 7, "label": 1, "answers": [1], "outcome": "confirmed"}
    assert undecided == {**undecided, "labelloop-id": 8, "model-label": 2, "outcome": "undecided"}
    assert changed == {**changed, "labelloop-id": 9, "model-label": 1, "outcome": "changed"}
    assert [set(review) >= {"fields"} for review in (confirmed, undecided, changed)] == [False, False, True]
    assert changed["fields"]["category"] == 1
    metadata = changed["fields"]["category-metadata"]
    assert metadata == {
        **metadata,
        "class-name": "metal",
        "human-annotated": "yes",
        "job-name": "labeling-job/batch-1",
        "confidence": 0.95,
        "adjustment-status": "adjusted",
        "adjusted-from": "fruit",
    }


def test_the_owner_sees_who_did_what_and_when_it_will_end(desk: Desk) -> None:
    desk.open(["a", "b", "c", "d"], people_per_object=2)
    for person, labels in (("ann", (0, 0, 1, 1)), ("bob", (0, 0, 1, 2))):
        for task in lease(desk, person, 3):
            desk.clock.now += 30
            answer(desk, task, person, labels[task.object_id])
    (task,) = lease(desk, "ann")
    desk.workbench.skip("batch-1", task.id, "ann", "torn")
    overview = Overview(desk.store, clock=desk.clock)()
    assert overview["skipped"] == [{"line": task.object_id + 1, "reason": "torn", "by": "ann"}]
    assert [(one["name"], one["answers"], one["skips"]) for one in overview["annotators"]] == [
        ("ann", 3, 1),
        ("bob", 3, 0),
    ]
    assert all(0 < one["accuracy_estimate"] <= 1 for one in overview["annotators"])
    assert overview["expected_end"].startswith("2023-11-14T")
    assert overview["agreement"] is not None


def test_what_an_owner_does_is_seen_at_once_and_what_people_do_within_seconds(desk: Desk) -> None:
    desk.open(TEXTS, people_per_object=2)
    overview = Overview(desk.store, clock=desk.clock)
    overview()
    (task,) = lease(desk, "ann")
    answer(desk, task, "ann", 0)
    assert overview()["annotators"] == [], "looking at all tasks takes a moment: it is done now and then"
    desk.workbench.pause("batch-1")
    assert overview()["batch"]["state"] == "paused"
    desk.workbench.resume("batch-1")
    while (found := lease(desk, "bob")) and found[0].id != task.id:
        answer(desk, found[0], "bob", 1)
    answer(desk, task, "bob", 1)
    desk.clock.now += 10
    assert overview()["disagreements"] == 1
    desk.workbench.ask_again("batch-1")
    assert overview()["progress"]["done"] == 0
    desk.workbench.close("batch-1")
    assert overview()["batch"]["state"] == "closed"


# Runs side by side -----------------------------------------------------------------------------------------


def test_a_batch_whose_run_is_over_waits_until_the_live_ones_are_done(desk: Desk) -> None:
    desk.open(["dead", "too"], batch_id="old", run="dead", task_token="dead")
    desk.open(["live"], batch_id="new", run="live", task_token="live")
    desk.memory.over.add("dead")
    desk.open(["more"], batch_id="newest", run="live", task_token="live")
    (task,) = lease(desk, "ann")
    assert task.batch_id == "old", "nobody knows yet"
    answer(desk, task, "ann", 1)
    assert [task.batch_id for task in lease(desk, "bob")] == ["new"]
    desk.workbench.pause("new")
    desk.workbench.pause("newest")
    assert desk.workbench.next_tasks("cy", 1).state == "paused", "not the dead one's, while live ones wait"


def test_a_run_that_goes_on_with_its_batch_is_alive_again(desk: Desk) -> None:
    batch = desk.open(["a"], task_token="dead", orphaned=True)
    desk.closing.waits_with(batch, "live", "run-2")
    resumed = desk.workbench.batch(batch.id)
    assert (resumed.orphaned, resumed.run, resumed.task_token) == (False, "run-2", "live")


def test_the_end_of_a_run_closes_its_batches_and_no_other(desk: Desk) -> None:
    desk.open(TEXTS[:3], batch_id="dead", run="dead")
    desk.workbench.pause("dead")
    desk.open(TEXTS[:2], batch_id="live", run="live")
    (closed,) = desk.closing.close_run("dead", "its run was stopped")
    assert (closed.id, closed.state, closed.closed_because) == ("dead", "closed", "its run was stopped")
    assert len(desk.memory.files[closed.output_uri]) == 3
    assert desk.closing.close_run("dead", "again") == []
    assert desk.workbench.current_batch() == desk.workbench.batch("live")


def test_the_run_is_shown_that_people_label_for_unless_another_is_chosen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.workbench.overview.run_so_far", lambda _uri: None)
    desk.open(TEXTS[:3], batch_id="a-1", run="a", run_state_uri="s3://no/where")
    desk.open(TEXTS[:2], batch_id="b-1", run="b", run_state_uri="s3://no/where")
    desk.workbench.pause("a-1")
    overview = Overview(desk.store, clock=desk.clock)
    shown = overview()
    assert (shown["batch"]["id"], shown["batch"]["run"]) == ("b-1", "b")
    assert [(one["id"], one["run"], one["state"]) for one in shown["running"]] == [
        ("b-1", "b", "open"),
        ("a-1", "a", "paused"),
    ]
    assert overview("a-1")["batch"]["run"] == "a"
    assert overview("a-1")["progress"]["total"] == 3
    desk.closing.close(desk.workbench.batch("a-1"), "a test")
    assert overview("a-1")["batch"]["state"] == "closed"
    desk.open(TEXTS[:1], batch_id="a-2", run="a", round=2)
    assert overview("a-1")["batch"]["id"] == "a-2", "the page follows its run"
    assert overview("unknown")["batch"]["id"] == "b-1"


def test_what_was_asked_again_counts_in_the_progress_of_a_closed_batch_as_in_its_output(desk: Desk) -> None:
    batch = desk.open(TEXTS[:4], people_per_object=2)
    for person in ("ann", "bob"):
        for task in lease(desk, person, 4):
            if task.object_id < 3:
                answer(desk, task, person, int(person == "ann"))
    assert desk.workbench.ask_again(batch.id) == 3
    overview = Overview(desk.store, clock=desk.clock)
    assert overview()["progress"]["done"] == 0
    closed = desk.workbench.close(batch.id)
    assert overview()["progress"] == {"total": 4, "done": 3, "skipped": 0}
    assert closed.undone == 1

"""What every task store must do: one suite, run against SQLite and DynamoDB."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from labelloop.workbench.errors import ConflictError
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Annotator, DataObject, Entry, GuidelinesVersion, Member, Task, Totals

from .conftest import Desk

NOW = 1_700_000_000.0


def tasks_of(desk: Desk, **fields: Any) -> list[Task]:
    desk.open([f"text {number}" for number in range(30)], **fields)
    return list(desk.store.tasks("batch-1"))


def test_a_batch_comes_back_as_it_went_in(desk: Desk) -> None:
    batch = desk.open(["a", "b"], show_guess=True, task_token="token")
    assert desk.store.batch("batch-1") == batch
    assert desk.store.batches() == [batch]
    assert desk.store.batch("another") is None


def test_a_batch_that_is_there_is_left_alone(desk: Desk) -> None:
    before = tasks_of(desk)
    answered = before[0].with_entries({"ann": Entry(kind="answer", at=NOW, label=1)})
    desk.store.write([answered])
    desk.open(["other"], title="Another?")
    assert desk.store.batch("batch-1").title == "Which class?"  # type: ignore[union-attr]
    after = list(desk.store.tasks("batch-1"))
    assert len(after) == 30
    assert after[0].answers == {"ann": 1}


def test_batches_come_oldest_first(desk: Desk) -> None:
    for name in ("c", "a", "b"):
        desk.open(["x"], batch_id=name)
    assert [batch.id for batch in desk.store.batches()] == ["c", "a", "b"]


def test_unfinished_are_the_batches_that_are_not_closed_and_the_newest_is_the_last_opened(desk: Desk) -> None:
    assert (desk.store.unfinished(), desk.store.newest()) == ([], None)
    for name in ("c", "a", "b"):
        desk.open(["x"], batch_id=name)
    desk.workbench.pause("a")
    desk.closing.close(desk.workbench.batch("c"), "a test")
    assert [(batch.id, batch.state) for batch in desk.store.unfinished()] == [("a", "paused"), ("b", "open")]
    for name in ("b", "a"):
        desk.closing.close(desk.workbench.batch(name), "a test")
    assert desk.store.unfinished() == []
    assert desk.store.newest() == desk.workbench.batch("b")


def test_a_closed_batch_that_is_let_go_is_still_there_to_read(desk: Desk) -> None:
    batch = desk.open(["a", "b"])
    closed = desk.closing.close(batch, "a test")
    desk.store.let_go(batch.id, NOW)
    kept = desk.workbench.batch(batch.id)
    assert kept.model_copy(update={"version": closed.version}) == closed
    tasks = list(desk.store.tasks(batch.id))
    assert [task.sealed for task in tasks] == [True, True]
    assert len(desk.store.data_objects(batch.id, [task.id for task in tasks])) == 2


def test_a_batch_is_written_only_over_the_version_it_was_read_in(desk: Desk) -> None:
    read = desk.open(["a"])
    paused = desk.store.save_batch(read.model_copy(update={"state": "paused"}))
    assert paused == desk.store.batch("batch-1")
    with pytest.raises(ConflictError):
        desk.store.save_batch(read.model_copy(update={"state": "closed"}))
    assert desk.store.batch("batch-1") == paused


def test_hostile_and_huge_texts_come_back_as_they_went_in(desk: Desk) -> None:
    texts = [
        "<script>alert(1)</script>",
        "\u202egnp.exe",
        "a\u200bb\x00c",
        "\U0001f600" * 99_000,
        "'; DROP TABLE tasks --",
    ]
    desk.open(texts)
    tasks = {task.object_id: task for task in desk.store.tasks("batch-1")}
    shown = desk.store.data_objects("batch-1", [task.id for task in tasks.values()])
    assert [shown[tasks[number].id].text for number in range(len(texts))] == texts


def test_data_objects_of_many_tasks(desk: Desk) -> None:
    desk.open([f"text {number}" for number in range(620)])
    tasks = list(desk.store.tasks("batch-1"))
    assert len(tasks) == 620
    shown = desk.store.data_objects("batch-1", [task.id for task in tasks])
    assert {task.id: f"text {task.object_id}" for task in tasks} == {
        task_id: data_object.text for task_id, data_object in shown.items()
    }
    assert desk.store.data_objects("batch-1", ["unknown"]) == {}


def test_tasks_and_account_are_written_together_or_not_at_all(desk: Desk) -> None:
    first, second, *_ = tasks_of(desk)
    ann = desk.store.annotator("batch-1", "ann")
    desk.store.write([second.leased_to("bob", NOW, 10)])
    with pytest.raises(ConflictError):
        desk.store.write([first.leased_to("ann", NOW, 10), second.leased_to("ann", NOW, 10)], ann)
    assert desk.store.task("batch-1", first.id) == first
    assert desk.store.annotators("batch-1") == []
    desk.store.write([first.leased_to("ann", NOW, 10)], ann.counted(holding=(first.id,)))
    with pytest.raises(ConflictError, match="faster"):
        desk.store.write([], ann.counted(answers=7))
    assert desk.store.annotator("batch-1", "ann").holding == (first.id,)
    assert [one.name for one in desk.store.annotators("batch-1")] == ["ann"]


def test_totals_are_what_all_accounts_come_to(desk: Desk) -> None:
    desk.open(["a"])
    assert desk.store.totals("batch-1") == Totals(completed=0, skips=0)
    for name, completed, skips in (("ann", 3, 1), ("bob", 2, 0), ("", -1, 0)):
        account = Annotator(batch_id="batch-1", name=name, completed=completed, skips=skips)
        desk.store.write([], account)
    desk.store.write([], Annotator(batch_id="batch-2", name="ann", completed=7))
    assert desk.store.totals("batch-1") == Totals(completed=4, skips=1)


def test_an_account_of_nobody_and_names_with_odd_characters(desk: Desk) -> None:
    desk.open(["a"])
    for name in ("", "Ann # ~ ' \u00e4", "name:x"):
        desk.store.write([], Annotator(batch_id="batch-1", name=name, answers=len(name)))
    assert {one.name: one.answers for one in desk.store.annotators("batch-1")} == {
        "": 0,
        "Ann # ~ ' \u00e4": 11,
        "name:x": 6,
    }


def test_a_person_is_known_by_the_first_name_given(desk: Desk) -> None:
    assert desk.store.known_as("ann", "Ann") == "Ann"
    assert desk.store.known_as("ann", "ANN") == "Ann"
    assert desk.store.known_as("bob", "bob") == "bob"
    assert desk.store.people() == {"ann": "Ann", "bob": "bob"}


def test_what_is_settled_about_people_is_written_only_over_the_version_it_was_read_in(desk: Desk) -> None:
    assert (desk.store.members(), desk.store.member("ann")) == ([], Member(id="ann"))
    for name in ("bob", "", "Ann # ~ ' \u00e4"):
        desk.store.save_member(Member(id=name, role="reviewer", key_hash="0123456789abcdef!", invited=NOW))
    read = desk.store.member("bob")
    assert (read.role, read.link, read.invited) == ("reviewer", "0123456789abcdef", NOW)
    desk.store.save_member(read.model_copy(update={"key_hash": None, "withdrawn": True}))
    for stale in (read, Member(id="bob", role="owner")):
        with pytest.raises(ConflictError):
            desk.store.save_member(stale)
    assert desk.store.member("bob").link is None
    assert [one.id for one in desk.store.members()] == ["", "Ann # ~ ' \u00e4", "bob"]
    assert desk.store.people() == {}, "names are kept elsewhere"


def test_available_are_tasks_with_room_that_a_person_has_nothing_to_do_with(desk: Desk) -> None:
    tasks = tasks_of(desk)
    answer = {"ann": Entry(kind="answer", at=NOW, label=0)}
    desk.store.write([tasks[0].with_entries(answer), tasks[1].leased_to("ann", NOW, 50)])

    def found(person: str, now: float, **options: object) -> list[str]:
        given = desk.store.available("batch-1", person, now=now, most=100, **options)  # type: ignore[arg-type]
        return [task.id for task in given]

    ids = [task.id for task in tasks]
    assert sorted(found("bob", NOW + 49)) == ids[2:]
    assert sorted(found("bob", NOW + 51)) == ids[1:], "a lease that has run out makes room"
    assert sorted(found("ann", NOW + 51)) == ids[2:]
    assert found("bob", NOW, after=ids[10]) == [*ids[11:], *ids[2:11]]
    assert len(desk.store.available("batch-1", "bob", now=NOW, most=4)) == 4


def test_available_with_two_people_an_object(desk: Desk) -> None:
    task, *_ = tasks_of(desk, people_per_object=2)
    desk.store.write([task.leased_to("ann", NOW, 50)])
    there = desk.store.available("batch-1", "bob", now=NOW, most=100)
    assert task.id in {one.id for one in there}
    current = desk.store.task("batch-1", task.id)
    assert current is not None
    desk.store.write([current.leased_to("bob", NOW + 5, 50)])
    assert task.id not in {one.id for one in desk.store.available("batch-1", "cy", now=NOW + 49, most=100)}
    assert task.id in {one.id for one in desk.store.available("batch-1", "cy", now=NOW + 51, most=100)}


def test_sealed_tasks_are_not_available(desk: Desk) -> None:
    tasks = tasks_of(desk)
    desk.store.write([task.model_copy(update={"sealed": True}) for task in tasks])
    assert desk.store.available("batch-1", "ann", now=NOW, most=100) == []


def test_of_many_who_write_at_once_exactly_one_wins(desk: Desk) -> None:
    task, *_ = tasks_of(desk)
    won: list[int] = []
    lost: list[int] = []

    def take(number: int) -> None:
        try:
            desk.store.write([task.leased_to(f"person {number}", NOW, 10)])
            won.append(number)
        except ConflictError:
            lost.append(number)

    _at_once(take, 16)
    assert (len(won), len(lost)) == (1, 15)
    stored = desk.store.task("batch-1", task.id)
    assert stored is not None
    assert list(stored.entries) == [f"person {won[0]}"]


def test_a_batch_that_is_opened_twice_at_once_is_there_once(desk: Desk, store: TaskStore) -> None:
    _at_once(lambda _number: desk.open(["a", "b", "c"]), 8)
    assert len(store.batches()) == 1
    assert [task.version for task in store.tasks("batch-1")] == [0, 0, 0]


def test_a_shown_object_has_its_guess(desk: Desk, store: TaskStore) -> None:
    shown = DataObject(task_id="t", text="a", guess=(2, 0.75))
    task = Task(batch_id="other", id="t", object_id=0)
    batch = desk.open(["x"]).model_copy(update={"id": "other", "version": 0})
    store.add_batch(batch, [(task, shown)])
    assert store.data_objects("other", ["t"]) == {"t": shown}


def _at_once(work: Callable[[int], object], count: int) -> None:
    start = threading.Barrier(count)
    errors: list[Exception] = []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def answered(task: Task, at: float, **people: int) -> Task:
    return task.with_entries(
        {name: Entry(kind="answer", at=at, label=label) for name, label in people.items()}
    )


def done(desk: Desk, most: int, **options: Any) -> list[int]:
    return [task.object_id for task in desk.store.done("batch-1", most, **options)]


def test_done_tasks_come_in_the_order_of_their_last_answers(desk: Desk) -> None:
    desk.open(["a", "b", "c", "d"], people_per_object=2)
    tasks = {task.object_id: task for task in desk.store.tasks("batch-1")}
    for number, at in ((2, NOW), (0, NOW + 0.5), (3, NOW - 1e6)):
        desk.store.write([answered(tasks[number], at, ann=1, bob=2)])
    desk.store.write([answered(tasks[1], NOW, ann=1)])
    assert done(desk, 9) == [0, 2, 3], "bob is still asked about 1"
    assert done(desk, 2) == [0, 2]
    assert done(desk, 9, newest_first=False) == [3, 2, 0]


def test_done_tasks_are_read_on_from_any_place(desk: Desk) -> None:
    desk.open([str(number) for number in range(7)])
    desk.open(["x"], batch_id="another")
    for task in desk.store.tasks("batch-1"):
        # Some at the same moment.
        desk.store.write([answered(task, NOW + task.object_id // 3, ann=0)])
    for newest_first in (True, False):
        found: list[Task] = []
        while some := desk.store.done(
            "batch-1", 2, newest_first=newest_first, beyond=found[-1].place if found else None
        ):
            found += some
        assert [task.place for task in found] == sorted(
            (task.place for task in desk.store.tasks("batch-1") if task.place), reverse=newest_first
        )


def test_a_task_is_no_longer_done_once_its_answer_is_taken_back(desk: Desk) -> None:
    desk.open(["a"])
    desk.open(["b"], batch_id="batch-2")
    (task, _), *_ = desk.workbench.next_tasks("ann", 1).tasks
    assert desk.store.done("batch-1", 9) == []
    [leased] = desk.store.tasks("batch-1")
    desk.store.write([answered(leased, NOW, ann=1)])
    assert len(desk.store.done("batch-1", 9)) == 1
    desk.workbench.undo("batch-1", task.id, "ann")
    assert desk.store.done("batch-1", 9) == []


def test_what_people_answered_of_a_closed_batch_is_done(desk: Desk) -> None:
    batch = desk.open(["a", "b"], people_per_object=2)
    first, _ = desk.store.tasks("batch-1")
    desk.store.write([answered(first, NOW, ann=1)])
    desk.closing.close(batch, "a test")
    assert done(desk, 9) == [first.object_id]


def test_some_batches_come_in_either_order_and_go_on_from_any(desk: Desk) -> None:
    batches = [desk.open(["x"], batch_id=name) for name in ("c", "a", "b")]
    desk.closing.close(batches[1], "a test")
    ids = [batch.id for batch in desk.store.some_batches(9)]
    assert ids == ["b", "a", "c"]
    assert [batch.id for batch in desk.store.some_batches(1, beyond=batches[2])] == ["a"]
    assert [batch.id for batch in desk.store.some_batches(9, newest_first=False)] == ["c", "a", "b"]
    assert [batch.id for batch in desk.store.some_batches(9, newest_first=False, beyond=batches[0])] == [
        "a",
        "b",
    ]
    assert desk.store.some_batches(9, beyond=batches[0]) == []


def version(number: int, run: str = "run-1", text: str = "") -> GuidelinesVersion:
    return GuidelinesVersion(
        run=run, number=number, at=NOW, by="olga", short="s", text=text, classes=("", "metal", "")
    )


def test_guidelines_are_kept_by_run_and_number_and_never_replaced(store: TaskStore) -> None:
    assert (store.guidelines("run-1", 2), store.newest_guidelines("run-1", 5)) == (None, [])
    for number in (2, 3, 10, 11):
        store.add_guidelines(version(number))
    store.add_guidelines(version(2, "s3://bucket/run-1/"))
    with pytest.raises(ConflictError):
        store.add_guidelines(version(3, text="another"))
    assert store.guidelines("run-1", 3) == version(3)
    assert [one.number for one in store.newest_guidelines("run-1", 3)] == [11, 10, 3]
    assert store.newest_guidelines("s3://bucket/run-1/", 5) == [version(2, "s3://bucket/run-1/")]
    assert store.newest_guidelines("run", 5) == []


def test_a_picture_comes_back_as_it_was_added(store: TaskStore) -> None:
    content = bytes(range(256)) * 175
    assert store.picture("a") is None
    for _ in ("first", "again"):
        store.add_picture("a", content)
    store.add_picture("b", b"another")
    assert (store.picture("a"), store.picture("b")) == (content, b"another")


def test_long_guidelines_come_back_whole(store: TaskStore) -> None:
    for number in range(2, 12):
        store.add_guidelines(version(number, text="\u4e2d" * 50_000))
    found = store.newest_guidelines("run-1", 10)
    assert [one.number for one in found] == list(range(11, 1, -1))
    assert {len(one.text) for one in found} == {50_000}

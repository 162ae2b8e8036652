"""What an owner sees of people, and does about them: pauses, and answers that are discarded."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from labelloop.workbench.answer_export import exported
from labelloop.workbench.answer_search import AnswerSearch, Search
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.opening import Asked
from labelloop.workbench.overview import Overview
from labelloop.workbench.people_report import PersonReport, report_on_people, seconds_to_read
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Annotator, DataObject, Task, Totals

from .conftest import LEASE_SECONDS, Browser, Desk, SignIn
from .test_service import answer, lease

TEXTS = [f"text {number}" for number in range(6)]


def answer_some(desk: Desk, person: str, number: int, label: int = 1, seconds: float | None = 2.0) -> None:
    for task in lease(desk, person, number):
        desk.workbench.answer(task.batch_id, task.id, person, label, seconds)


def say(desk: Desk, person: str, labels: dict[int, int]) -> None:
    """Answer these objects, and give the others back."""
    tasks = lease(desk, person, 20)
    for task in tasks:
        if task.object_id in labels:
            answer(desk, task, person, labels[task.object_id])
    desk.workbench.release("batch-1", [task.id for task in tasks], person)


def said(desk: Desk, person: str) -> int:
    return sum(person in task.answers for task in desk.store.tasks("batch-1"))


def is_consistent(desk: Desk) -> bool:
    """Whether the accounts say what the tasks say."""
    tasks = list(desk.store.tasks("batch-1"))
    totals = Totals(sum(task.complete for task in tasks), sum(len(task.skips) for task in tasks))
    answers = {one.name: (one.answers, one.skips) for one in desk.store.annotators("batch-1")}
    counted = {
        name: (sum(name in task.answers for task in tasks), sum(name in task.skips for task in tasks))
        for name in answers
    }
    return desk.store.totals("batch-1") == totals and counted == answers


# Pauses ----------------------------------------------------------------------------------------------------


def test_a_paused_person_gets_nothing_and_what_they_hold_goes_to_others(desk: Desk) -> None:
    desk.open(TEXTS)
    held = lease(desk, "ann", 6)
    answer(desk, held[0], "ann", 1)
    assert lease(desk, "bob", 6) == []
    desk.workbench.pause_person("ann")
    handed = desk.workbench.next_tasks("ann", 5, [task.id for task in held[1:]])
    assert (handed.tasks, handed.held, handed.state) == ([], frozenset(), "suspended")
    assert len(lease(desk, "bob", 6)) == 5
    assert said(desk, "ann") == 1, "what was answered stays"
    desk.workbench.resume_person("ann")
    assert desk.workbench.next_tasks("ann", 5).state == "held"
    assert is_consistent(desk)


def test_what_a_paused_person_sends_is_refused(desk: Desk) -> None:
    desk.open(TEXTS)
    first, second, third = lease(desk, "ann", 3)
    answer(desk, first, "ann", 1)
    desk.workbench.pause_person("ann")
    workbench = desk.workbench
    for send in (
        lambda: answer(desk, second, "ann", 1),
        lambda: answer(desk, first, "ann", 2),
        lambda: workbench.skip("batch-1", third.id, "ann", "no"),
        lambda: workbench.undo("batch-1", first.id, "ann"),
    ):
        with pytest.raises(RefusedError, match="paused your work"):
            send()
    assert desk.store.task("batch-1", first.id).answers == {"ann": 1}  # type: ignore[union-attr]
    workbench.resume_person("ann")
    with pytest.raises(RefusedError, match="somebody else"):
        answer(desk, second, "ann", 1)


def test_nobody_waits_for_a_paused_person(desk: Desk) -> None:
    """Of several people at work, others are asked before one who has answered already."""
    desk.open(
        [], extra=[Asked(number, "asked before", None, answered_before=("bob",)) for number in range(2)]
    )
    lease(desk, "ann", 1)
    assert lease(desk, "bob", 2) == []
    desk.workbench.pause_person("ann")
    assert len(lease(desk, "bob", 2)) == 2


def test_a_pause_while_somebody_asks_for_objects(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open(TEXTS)
    lease(desk, "ann", 1)
    interrupted(desk.store, monkeypatch, lambda: desk.workbench.pause_person("ann"))
    assert desk.workbench.next_tasks("ann", 5).state == "suspended"
    assert len(lease(desk, "bob", 6)) == 6


def test_who_is_paused_before_coming_is_paused(desk: Desk) -> None:
    desk.workbench.pause_person("ann")
    desk.open(TEXTS)
    assert desk.workbench.next_tasks("ann", 5).state == "suspended"
    assert desk.store.annotators("batch-1") == []


def test_a_pause_survives_a_new_link_and_a_link_a_pause(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(TEXTS)
    olga = sign_in("Olga")
    made = olga.post("/api/people/invite", {"name": "Ann", "role": "annotator"}).json()
    ann = olga.opens(made["link"].removeprefix("http://testserver"))
    assert olga.post("/api/people/pause", {"person": "Ann"}).json() == {"paused": True}
    assert ann.post("/api/tasks/next", {"count": 1}).json()["state"] == "suspended"
    again = olga.post("/api/people/invite", {"name": "Ann", "role": "annotator", "again": True}).json()
    ann = olga.opens(again["link"].removeprefix("http://testserver"))
    assert ann.post("/api/tasks/next", {"count": 1}).json()["state"] == "suspended"
    assert olga.post("/api/people/resume", {"person": "Ann"}).json() == {"paused": False}
    assert len(ann.post("/api/tasks/next", {"count": 1}).json()["tasks"]) == 1


# Discarded answers -----------------------------------------------------------------------------------------


def test_others_are_asked_about_what_is_discarded(desk: Desk) -> None:
    desk.open(TEXTS, decidable=True)
    answer_some(desk, "ann", 3)
    (skipped,) = lease(desk, "ann", 1)
    desk.workbench.skip("batch-1", skipped.id, "ann", "blurred")
    answer_some(desk, "bob", 1)
    assert desk.workbench.discard("batch-1", "ann", "olga") == 4
    assert (said(desk, "ann"), said(desk, "bob"), is_consistent(desk)) == (0, 1, True)
    assert desk.workbench.discard("batch-1", "ann", "olga") == 0
    assert len(lease(desk, "ann", 6)) == 1, "others come first"
    answer_some(desk, "bob", 6, label=2)
    assert said(desk, "bob") == 5


def test_where_nobody_else_is_at_work_the_same_person_is_asked_again(desk: Desk) -> None:
    desk.open(["a", "b"], decidable=True)
    answer_some(desk, "ann", 1)
    desk.workbench.discard("batch-1", "ann", "olga")
    answer_some(desk, "ann", 1)
    answer_some(desk, "ann", 1, label=2)
    closed = desk.workbench.batch("batch-1")
    assert (closed.state, closed.undone) == ("closed", 0)
    labels = [orjson.loads(line)["category"] for line in desk.memory.files[closed.output_uri]]
    assert sorted(labels) == [1, 2]


def test_what_is_discarded_is_kept_and_counts_nowhere(desk: Desk) -> None:
    batch = desk.open(["a", "b"], people_per_object=2, decidable=True)
    say(desk, "ann", {0: 0})
    say(desk, "bob", {0: 1, 1: 1})
    desk.workbench.discard("batch-1", "ann", "olga")
    say(desk, "cleo", {0: 1})
    tasks = {task.object_id: task for task in desk.store.tasks("batch-1")}
    assert (tasks[0].answers, tasks[0].disputed) == ({"bob": 1, "cleo": 1}, False)
    (gone,) = tasks[0].discarded
    assert (gone.person, gone.entry.label, gone.by) == ("ann", 0, "olga")
    rows = [orjson.loads(line) for line in exported(desk.store, "jsonl")]
    [row] = [row for row in rows if row["kind"] == "discarded"]
    assert (row["person"], row["class"], row["object_id"]) == ("ann", "fruit", 0)
    assert [row["person"] for row in rows if row["kind"] == "answer"].count("ann") == 0
    search = AnswerSearch(desk.store, {})
    for found in (search.find(Search(kind="discarded")), search.find(Search(person="ann"))):
        assert [one.task.object_id for one in found.hits] == [0]
    assert search.find(Search(label="fruit")).hits == []
    desk.workbench.close("batch-1")
    assert orjson.loads(desk.memory.files[batch.output_uri][0])["category"] == 1


def test_a_decision_goes_with_an_answer_that_is_discarded(desk: Desk) -> None:
    desk.open(["a", "b"], people_per_object=2, decidable=True, adjudicate=True)
    say(desk, "ann", {0: 0})
    say(desk, "bob", {0: 1})
    [task] = [task for task in desk.store.tasks("batch-1") if task.disputed]
    desk.workbench.decide("batch-1", task.id, "olga", 2)
    desk.workbench.discard("batch-1", "bob", "olga")
    current = desk.store.task("batch-1", task.id)
    assert current is not None
    assert (current.decided, current.answers) == (None, {"ann": 0})
    assert Overview(desk.store, clock=desk.clock)()["progress"]["done"] == 0


def test_in_a_test_nothing_is_discarded(desk: Desk) -> None:
    desk.open(TEXTS)
    answer_some(desk, "ann", 2)
    with pytest.raises(RefusedError, match="drawn for a test of the certificate"):
        desk.workbench.discard("batch-1", "ann", "olga")
    assert said(desk, "ann") == 2


def test_nothing_of_a_closed_batch_is_discarded(desk: Desk) -> None:
    desk.open(TEXTS, decidable=True)
    answer_some(desk, "ann", 2)
    desk.workbench.close("batch-1")
    before = list(desk.store.tasks("batch-1"))
    with pytest.raises(RefusedError, match="closed already"):
        desk.workbench.discard("batch-1", "ann", "olga")
    assert list(desk.store.tasks("batch-1")) == before
    with pytest.raises(NotFoundError):
        desk.workbench.discard("no batch", "ann", "olga")


def interrupted(store: TaskStore, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Something happens between the first reading and the first writing that follows."""
    write, happened = store.write, list[bool]()

    def writing(tasks: list[Task], annotator: Annotator | None = None) -> None:
        if not happened:
            happened.append(True)
            meanwhile()
        write(tasks, annotator)

    monkeypatch.setattr(store, "write", writing)


def test_an_answer_given_while_answers_are_discarded_is_neither_lost_nor_doubled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(TEXTS, decidable=True)
    answer_some(desk, "ann", 3)
    (late,) = lease(desk, "ann", 1)
    interrupted(desk.store, monkeypatch, lambda: answer(desk, late, "ann", 2))
    assert desk.workbench.discard("batch-1", "ann", "olga") == 3
    assert (said(desk, "ann"), is_consistent(desk)) == (1, True)


def test_a_batch_that_closes_while_answers_are_discarded_keeps_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = desk.open(TEXTS, decidable=True)
    answer_some(desk, "ann", 3)
    interrupted(desk.store, monkeypatch, lambda: desk.closing.close(batch, "a test"))
    assert desk.workbench.discard("batch-1", "ann", "olga") == 0
    assert (said(desk, "ann"), is_consistent(desk)) == (3, True)


def test_many_answers_are_discarded_some_at_a_time(sqlite_desk: Desk) -> None:
    sqlite_desk.open([str(number) for number in range(130)], decidable=True)
    for _ in range(6):
        answer_some(sqlite_desk, "ann", 20)
    assert sqlite_desk.workbench.discard("batch-1", "ann", "olga") == 120
    assert is_consistent(sqlite_desk)


def test_a_later_batch_knows_whose_answers_were_discarded(desk: Desk) -> None:
    desk.open(["a", "b"], decidable=True)
    say(desk, "ann", {0: 1})
    desk.workbench.discard("batch-1", "ann", "olga")
    desk.workbench.close("batch-1")
    earlier = EarlierBatches.of_run(desk.store, ["batch-1"])
    assert earlier.who_answered(0) == ("ann",)


# The report ------------------------------------------------------------------------------------------------


def test_a_report_counts_what_each_person_said(desk: Desk) -> None:
    gold = [Asked(number, f"gold {number}", None, "gold", known_label=1) for number in range(2)]
    desk.open(TEXTS[:3], extra=gold, people_per_object=2, batch_id="first")
    for person, labels in (("ann", (1, 1, 1)), ("bob", (1, 0, 1))):
        while tasks := lease(desk, person, 10):
            for task in tasks:
                label = labels[task.object_id] if task.purpose == "label" else int(person == "ann")
                desk.workbench.answer("first", task.id, person, label, 2.0 + task.object_id)
    batch = desk.open(["late", "skipped"], batch_id="second", decidable=True)
    (task, other) = lease(desk, "ann", 2)
    desk.workbench.answer("second", task.id, "ann", 1)
    desk.workbench.skip("second", other.id, "ann", "no")
    desk.open(["x"], batch_id="another", run="run-2")
    report = report_on_people(desk.store, desk.workbench.batch(batch.id))
    assert (report.batches, report.is_whole, set(report.people)) == (2, True, {"ann", "bob"})
    ann, bob = report.people["ann"], report.people["bob"]
    assert (ann.answers, ann.skips, ann.in_newest, bob.answers, bob.in_newest) == (6, 1, 2, 5, 0)
    assert (ann.gold, ann.gold_right, bob.gold_right) == (2, 2, 0)
    # Of 3 objects and 2 gold objects. Object 0 or 1 of the second batch is the same object as in the first.
    assert ann.compared == bob.compared == 5
    assert (ann.median_seconds, len(ann.seconds)) == (3.0, 5), "one duration is not known"
    assert ann.seen > bob.seen > desk.clock.now - LEASE_SECONDS
    only = report_on_people(desk.store, desk.workbench.batch("first"))
    assert (only.people["ann"].answers, only.people["ann"].agreed) == (5, 2)


def test_a_report_says_what_was_discarded_and_counts_it_no_more(desk: Desk) -> None:
    batch = desk.open(TEXTS, decidable=True)
    answer_some(desk, "ann", 3)
    desk.workbench.discard("batch-1", "ann", "olga")
    ann = report_on_people(desk.store, batch).people["ann"]
    assert (ann.answers, ann.discarded, ann.in_newest, ann.median_seconds) == (0, 3, 0, None)


@pytest.mark.parametrize(
    ("shown", "least"),
    [
        (DataObject(task_id="t", text=""), 0.3),
        (DataObject(task_id="t", text="x" * 120), 1.3),
        (DataObject(task_id="t", text="x" * 50_000), 2.3),
        (DataObject(task_id="t", source_ref="s3://bucket/" + "x" * 500), 0.3),
    ],
)
def test_nobody_reads_faster_than_so(shown: DataObject, least: float) -> None:
    assert seconds_to_read(shown) == pytest.approx(least)


@pytest.mark.parametrize(
    ("too_fast", "of", "warned"),
    [(4, 4, False), (5, 5, True), (5, 50, True), (5, 51, False), (0, 0, False), (30, 100, True)],
)
def test_a_few_fast_answers_are_no_warning(too_fast: int, of: int, *, warned: bool) -> None:
    report = PersonReport("ann", seconds=[1.0] * of, too_fast=too_fast)
    assert report.is_too_fast is warned


# Over HTTP -------------------------------------------------------------------------------------------------


@pytest.fixture
def olga(sqlite_desk: Desk, sign_in: SignIn) -> Browser:
    """The owner, at a batch in which Ben has answered, too fast."""
    sqlite_desk.open([text * 30 for text in TEXTS], people_per_object=2, decidable=True)
    olga = sign_in("Olga")
    sign_in("Ben")
    answer_some(sqlite_desk, "Ben", 5, seconds=0.1)
    answer_some(sqlite_desk, "Ben", 1, seconds=9.0)
    return olga


def test_the_page_tells_how_people_work(sqlite_desk: Desk, olga: Browser) -> None:
    sqlite_desk.store.known_as("<b>eve</b>", "<b>Eve</b>")
    answer_some(sqlite_desk, "<b>Eve</b>", 2)
    text = olga.get("/people").text
    for told in (
        "5 of 6 answers came faster than anybody can read",
        "120 letters of the text",
        "&lt;b&gt;Eve&lt;/b&gt;",
        'href="/answers?person=Ben"',
        "Ask others again",
        "Answers of closed batches are not touched",
        "100%",
        "of 2 comparisons",
    ):
        assert told in text, told
    assert "<b>Eve" not in text


def test_the_page_says_where_nothing_is_discarded(sqlite_desk: Desk, olga: Browser) -> None:
    sqlite_desk.workbench.close("batch-1")
    text = olga.get("/people").text
    assert "Answers of closed batches are not touched" in text
    assert "Ask others again" not in text
    sqlite_desk.open(["a", "b"], batch_id="tested")
    answer_some(sqlite_desk, "Ben", 1)
    text = olga.get("/people").text
    assert "drawn for a test of the certificate" in text
    assert "Ask others again" not in text
    assert olga.get("/people?batch=none").status_code == 404


def test_an_owner_pauses_and_discards(sqlite_desk: Desk, olga: Browser) -> None:
    assert olga.post("/api/people/pause", {"person": "Ben"}).json() == {"paused": True}
    assert "Paused" in olga.get("/people").text
    assert olga.post("/api/batch/batch-1/discard", {"person": "Ben"}).json() == {"discarded": 6}
    assert "6 discarded" in olga.get("/people").text
    task = next(iter(sqlite_desk.store.tasks("batch-1")))
    assert "discarded:" in olga.get(f"/answers/object?batch=batch-1&task={task.id}").text


@pytest.mark.parametrize("path", ["people/pause", "people/resume", "batch/batch-1/discard"])
def test_nobody_else_does(sqlite_desk: Desk, olga: Browser, path: str) -> None:
    eve = olga.shared()
    eve.post("/api/sign-in", {"name": "Eve"})
    body: dict[str, Any] = {"person": "Ben"}
    assert eve.post(f"/api/{path}", body).status_code == 403
    assert olga.client.post(f"/api/{path}", json=body).status_code == 403, "not from our page"
    assert (said(sqlite_desk, "Ben"), sqlite_desk.store.members()) == (6, [])


def test_what_cannot_be_paused(sqlite_desk: Desk, olga: Browser) -> None:
    assert olga.post("/api/people/pause", {"person": "Olga"}).status_code == 409
    for action in ("pause", "resume"):
        assert olga.post(f"/api/people/{action}", {"person": "nobody"}).status_code == 404
    assert sqlite_desk.store.members() == []


def test_without_a_batch_there_is_nobody(sign_in: SignIn) -> None:
    assert "Nobody has labeled yet" in sign_in("Olga").get("/people").text

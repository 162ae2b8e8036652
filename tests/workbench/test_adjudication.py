"""An owner decides what people disagree about, in both stores; and what of that is refused."""

import re
from html import unescape

import orjson
import pytest
from fastapi.testclient import TestClient

from labelloop.workbench.agreement import agreement_of
from labelloop.workbench.answer_export import exported
from labelloop.workbench.application import create_app
from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.opening import Asked
from labelloop.workbench.overview import Overview
from labelloop.workbench.sessions import ANNOTATOR, ROLES
from labelloop.workbench.tasks import Batch, Task

from .conftest import Desk, SignIn
from .test_answer_search import answer_all
from .test_answers_pages import Signed, client_of


def disputed(desk: Desk, *, adjudicate: bool = True, decidable: bool = True) -> Batch:
    """Two people have answered three objects, and disagree about the first two."""
    batch = desk.open(
        ["first", "second", "third"],
        people_per_object=2,
        adjudicate=adjudicate,
        decidable=decidable,
    )
    answer_all(desk, "ann", 0, 1, 2)
    answer_all(desk, "bob", 1, 2, 2)
    return desk.workbench.batch(batch.id)


def task_of(desk: Desk, number: int) -> Task:
    [task] = [task for task in desk.store.tasks("batch-1") if task.object_id == number]
    return task


def decide(desk: Desk, number: int, label: int) -> None:
    desk.workbench.decide("batch-1", task_of(desk, number).id, "olga", label)


def labels(desk: Desk) -> list[tuple[int, object]]:
    lines = [orjson.loads(line) for line in desk.memory.files["batch-1/output.manifest"]]
    return [(line["category"], line["category-metadata"].get("adjudicated")) for line in lines]


def test_the_batch_stays_open_until_all_is_decided(desk: Desk) -> None:
    assert disputed(desk).state == "open"
    assert desk.workbench.next_tasks("cleo", 5).state == "done"
    decide(desk, 0, 2)
    assert desk.workbench.batch("batch-1").state == "open"
    decide(desk, 1, 1)
    closed = desk.workbench.batch("batch-1")
    assert (closed.state, closed.undone) == ("closed", 0)
    assert labels(desk) == [(2, "yes"), (1, "yes"), (2, None)]
    metadata = orjson.loads(desk.memory.files["batch-1/output.manifest"][0])["category-metadata"]
    assert (metadata["class-name"], metadata["confidence"]) == ("river", 0.95)
    assert metadata["human-annotated"] == "yes"


def test_a_batch_that_does_not_wait_closes_with_the_last_answer(desk: Desk) -> None:
    assert disputed(desk, adjudicate=False).state == "closed"
    with pytest.raises(RefusedError, match="closed"):
        decide(desk, 0, 1)


def test_what_is_decided_before_the_end_counts_however_the_batch_ends(desk: Desk) -> None:
    disputed(desk)
    decide(desk, 0, 2)
    decide(desk, 0, 0)
    desk.workbench.close("batch-1")
    assert labels(desk)[0] == (0, "yes")
    assert labels(desk)[1][1] is None


def test_in_a_test_nobody_decides(desk: Desk) -> None:
    desk.open(["a", "b"], people_per_object=2)
    answer_all(desk, "ann", 0, 1)
    with pytest.raises(RefusedError, match="test of the certificate"):
        decide(desk, 0, 1)


def test_only_what_people_disagree_about_is_decided(desk: Desk) -> None:
    disputed(desk)
    with pytest.raises(RefusedError, match="nothing to decide"):
        decide(desk, 2, 1)
    with pytest.raises(RefusedError, match="not a class"):
        decide(desk, 0, 3)
    with pytest.raises(NotFoundError):
        desk.workbench.decide("batch-1", "no task", "olga", 1)
    assert not any(task.decided for task in desk.store.tasks("batch-1"))


def test_gold_objects_and_reviews_are_not_decided_and_nobody_waits_for_them(desk: Desk) -> None:
    extra = [Asked(0, "known", None, "gold", 1), Asked(1, "doubtful", None, "relabel", 1, model_label=2)]
    desk.open(["x"], extra=extra, people_per_object=2, decidable=True, adjudicate=True)
    tasks = {task.purpose: task for task in desk.store.tasks("batch-1")}
    for person, label in (("ann", 0), ("bob", 1)):
        for task, _ in desk.workbench.next_tasks(person, 5).tasks:
            desk.workbench.answer("batch-1", task.id, person, label)
    for purpose in ("gold", "relabel"):
        with pytest.raises(RefusedError, match="nothing to decide"):
            desk.workbench.decide("batch-1", tasks[purpose].id, "olga", 1)
    decide_task = next(task for task in desk.store.tasks("batch-1") if task.purpose == "label")
    desk.workbench.decide("batch-1", decide_task.id, "olga", 1)
    assert desk.workbench.batch("batch-1").state == "closed"


def test_a_decision_goes_with_the_answers_it_was_about(desk: Desk) -> None:
    disputed(desk)
    decide(desk, 0, 2)
    desk.workbench.answer("batch-1", task_of(desk, 0).id, "bob", 0)
    task = task_of(desk, 0)
    assert (task.decided, task.disputed) == (None, False)
    decide(desk, 1, 1)
    assert labels(desk)[0] == (0, None)


def test_nobody_else_is_asked_about_what_is_decided(desk: Desk) -> None:
    batch = disputed(desk)
    decide(desk, 0, 2)
    assert agreement_of(batch, list(desk.store.tasks("batch-1"))).disputed == 1
    assert Overview(desk.store, clock=desk.clock)()["disagreements"] == 1
    assert desk.workbench.ask_again("batch-1") == 1
    with pytest.raises(RefusedError, match="nothing to decide"):
        decide(desk, 1, 1)
    assert desk.workbench.batch("batch-1").state == "open"


def test_the_owner_s_page_shows_a_decision_at_once(desk: Desk) -> None:
    disputed(desk)
    overview = Overview(desk.store, clock=desk.clock)
    assert overview()["disagreements"] == 2
    decide(desk, 0, 2)
    assert overview()["disagreements"] == 1


def test_a_decision_is_a_row_of_its_own(desk: Desk) -> None:
    disputed(desk)
    decide(desk, 0, 2)
    rows = [orjson.loads(line) for line in exported(desk.store, "jsonl")]
    [row] = [row for row in rows if row["kind"] == "decision"]
    assert (row["object_id"], row["person"], row["class"], row["seconds"]) == (0, "olga", "river", None)
    assert len(rows) == 7


def test_only_owners_decide_and_only_from_our_pages(sqlite_desk: Desk, sign_in: SignIn) -> None:
    disputed(sqlite_desk)
    path = f"/api/tasks/batch-1~{task_of(sqlite_desk, 0).id}/decide"
    annotator = client_of(sqlite_desk, frozenset({ANNOTATOR}))
    assert annotator.post(path, json={"label": 1}, headers={"X-CSRF-Token": "token"}).status_code == 403
    assert annotator.get("/disagreements").status_code == 403
    olga = sign_in("Olga")
    assert olga.client.post(path, json={"label": 1}).status_code == 403
    assert task_of(sqlite_desk, 0).decided is None
    assert olga.post(path, {"label": 1}).json() == {"accepted": True}
    assert task_of(sqlite_desk, 0).decided.by == "Olga"  # type: ignore[union-attr]
    refused = olga.post(path, {"label": 7})
    assert (refused.status_code, "not a class" in refused.json()["error"]) == (409, True)


def test_the_page_hides_names_and_the_model_s_label(sqlite_desk: Desk) -> None:
    extra = [Asked(number, f"<b>text</b> {number}", None, guess=(1, 0.83)) for number in range(2)]
    hostile = ("<i>fruit</i>", "metal", "river")
    sqlite_desk.open(
        [],
        extra=extra,
        people_per_object=2,
        adjudicate=True,
        decidable=True,
        show_guess=True,
        classes=hostile,
    )
    answer_all(sqlite_desk, "ann-the-first", 0, 1)
    answer_all(sqlite_desk, "bob-the-second", 2, 2)
    client = TestClient(create_app(sqlite_desk.workbench, Signed(ROLES)))
    text = client.get("/disagreements").text
    for told in (
        "2 objects to decide.",
        "&lt;b&gt;text&lt;/b&gt; 0",
        "Person 1",
        "Person 2",
        "&lt;i&gt;fruit",
    ):
        assert told in text
    for hidden in ("ann-the-first", "bob-the-second", "83", "<b>text", "<i>fruit"):
        assert hidden not in text
    later = unescape(re.findall(r'id="later" href="([^"]*)"', text)[0])
    assert "1 object to decide." in client.get(later).text
    after_both = unescape(re.findall(r'id="later" href="([^"]*)"', client.get(later).text)[0])
    assert "That was the last one." in client.get(after_both).text


def test_the_page_says_why_there_is_nothing_to_decide(sqlite_desk: Desk) -> None:
    client = client_of(sqlite_desk, ROLES)
    assert "No batch is open" in client.get("/disagreements").text
    sqlite_desk.open(["a"], batch_id="tested")
    assert "drawn for a test of the certificate" in client.get("/disagreements").text
    sqlite_desk.closing.close(sqlite_desk.workbench.batch("tested"), "a test")
    sqlite_desk.open(["a"], decidable=True, adjudicate=True)
    assert "The batch stays open until you have decided." in client.get("/disagreements").text
    assert client.get("/disagreements?after=x~y~z").status_code == 409
    assert client.get("/disagreements?after=tested~1.0~z").status_code == 200


def test_of_several_runs_the_run_s_page_leads_to_its_own_batch(sqlite_desk: Desk) -> None:
    client = client_of(sqlite_desk, ROLES)
    sqlite_desk.open(["a"], batch_id="older", decidable=True)
    sqlite_desk.workbench.pause("older")
    disputed(sqlite_desk)
    sqlite_desk.workbench.resume("older")
    assert "nothing to decide now" in client.get("/disagreements").text
    assert "2 objects to decide." in client.get("/disagreements?batch=batch-1").text
    assert client.get("/disagreements?batch=none").status_code == 404
    overview = Overview(sqlite_desk.store, clock=sqlite_desk.clock)
    app = create_app(sqlite_desk.workbench, Signed(ROLES), run_overview=overview)
    run = TestClient(app).get("/run?batch=batch-1").text
    assert 'href="/disagreements?batch=batch-1">Decide 2 disagreements</a>' in run
    assert "to-decide" not in TestClient(app).get("/run?batch=older").text
    sqlite_desk.workbench.close("batch-1")
    assert "closed" in client.get("/disagreements?batch=batch-1").text

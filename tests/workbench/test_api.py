"""The JSON API, as pages and attackers use it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from labelloop.workbench.application import create_app
from labelloop.workbench.opening import Asked
from labelloop.workbench.sessions import ANNOTATOR, LaptopSessions, Session, cleaned_name

from .conftest import Desk, SignIn


def test_a_batch_from_the_first_task_to_the_last(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a", "b", "c"])
    ann = sign_in("Ann")
    shown = ann.get("/api/batch").json()
    assert shown["batch"]["classes"][2] == {"index": 2, "name": "river", "key": "3"}
    assert shown["progress"] == {"total": 3, "done": 0, "mine": 0, "per_minute": None, "skipped": 0}
    handed = ann.post("/api/tasks/next", {"count": 2}).json()
    assert handed["state"] == "open"
    first, second = handed["tasks"]
    assert set(first) == {"id", "text", "lease_seconds"}, "nothing tells why it is asked"
    answered = ann.post(f"/api/tasks/{first['id']}/answer", {"label": 2, "seconds": 3.1}).json()
    assert answered["accepted"]
    assert answered["progress"]["done"] == 1
    undone = ann.post(f"/api/tasks/{first['id']}/undo", {}).json()
    assert undone["task"]["text"] == first["text"]
    assert undone["earlier"] == {"label": 2}
    assert undone["progress"]["done"] == 0
    for task in (first, second):
        ann.post(f"/api/tasks/{task['id']}/answer", {"label": 1})
    (third,) = ann.post("/api/tasks/next", {"count": 5, "holding": []}).json()["tasks"]
    skipped = ann.post(f"/api/tasks/{third['id']}/skip", {"reason": "blurred"}).json()
    assert skipped["progress"] == {**skipped["progress"], "done": 3, "skipped": 1}
    assert ann.get("/api/batch").json() == {"batch": None}
    assert ann.post("/api/tasks/next", {}).json() == {
        "tasks": [],
        "held": [],
        "state": "ended",
        "batch": None,
        "guidelines": None,
        "ahead": 1,
        "progress": None,
        "wait": None,
    }
    late = ann.post(f"/api/tasks/{first['id']}/answer", {"label": 0})
    assert (late.status_code, "closed" in late.json()["error"]) == (409, True)


def test_a_page_gives_back_what_nobody_looks_at(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a", "b"])
    ann, bob = sign_in("Ann"), sign_in("Bob")
    held = [task["id"] for task in ann.post("/api/tasks/next", {"count": 2}).json()["tasks"]]
    assert ann.post("/api/tasks/next", {"count": 1, "holding": held}).json()["held"] == held
    assert ann.post("/api/tasks/release", {"tasks": held}).json() == {"released": True}
    (taken,) = bob.post("/api/tasks/next", {"count": 1}).json()["tasks"]
    assert taken["id"] in held
    still = ann.post("/api/tasks/next", {"count": 1, "holding": held}).json()["held"]
    assert still == [task_id for task_id in held if task_id != taken["id"]]


def test_the_guess_is_hidden_unless_asked_for(sqlite_desk: Desk, sign_in: SignIn) -> None:
    guessed = Asked(5, "text", None, guess=(2, 0.87654))
    sqlite_desk.open([], extra=[guessed], batch_id="hidden")
    ann = sign_in("Ann")
    (task,) = ann.post("/api/tasks/next", {}).json()["tasks"]
    assert "guess" not in task
    sqlite_desk.workbench.close("hidden")
    sqlite_desk.open([], extra=[guessed], batch_id="shown", show_guess=True)
    (task,) = ann.post("/api/tasks/next", {}).json()["tasks"]
    assert task["guess"] == {"label": 2, "confidence": 0.8765}


def test_an_owner_pauses_resumes_and_closes(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    ann = sign_in("Ann")
    assert ann.post("/api/batch/batch-1/pause", {}).json() == {"state": "paused"}
    assert ann.post("/api/tasks/next", {}).json()["state"] == "paused"
    assert ann.post("/api/batch/batch-1/resume", {}).json() == {"state": "open"}
    assert ann.post("/api/batch/batch-1/ask-again", {}).json() == {"state": "open", "sent": 0}
    assert ann.post("/api/batch/batch-1/close", {}).json() == {"state": "closed"}
    assert ann.post("/api/batch/unknown/close", {}).status_code == 404
    seen = ann.get("/api/run").json()
    assert (seen["batch"]["state"], seen["batch"]["closed_because"]) == ("closed", "closed by Ann")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"label": "fruit"}, "label"),
        ({}, "label"),
        ({"label": 1, "seconds": -1}, "seconds"),
        ([], "body"),
    ],
)
def test_a_malformed_answer_is_explained(sqlite_desk: Desk, sign_in: SignIn, body: object, says: str) -> None:
    sqlite_desk.open(["a"])
    ann = sign_in("Ann")
    (task,) = ann.post("/api/tasks/next", {}).json()["tasks"]
    refused = ann.post(f"/api/tasks/{task['id']}/answer", body)
    assert refused.status_code == 400
    assert says in refused.json()["error"]


def test_who_has_not_come_in_sees_and_does_nothing(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    stranger = TestClient(sign_in("Ann").client.app, follow_redirects=False)
    for path in ("/api/batch", "/api/run"):
        assert stranger.get(path).status_code == 403
    assert stranger.get("/enter?key=wrong").status_code == 403
    assert stranger.get("/enter").status_code == 403
    for path in ("/api/tasks/next", "/api/tasks/release", "/api/batch/batch-1/close", "/api/sign-in"):
        assert stranger.post(path, json={"name": "Mallory"}).status_code == 403
    stranger.cookies.set(LaptopSessions(sqlite_desk.store, "key").cookie, "owner..Mallory.0123")
    assert stranger.get("/api/batch").status_code == 403


def test_a_person_who_is_led_nowhere_reads_why_on_a_page(sign_in: SignIn) -> None:
    browser = sign_in("Ann").client
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path, status, title in (
        ("/enter?key=wrong", 403, "You cannot enter here"),
        ("/nowhere/<b>", 404, "There is no such page"),
        ("/static/nothing.js", 404, "There is no such page"),
    ):
        told = browser.get(path, headers=page)
        assert (told.status_code, told.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert f"<h1>{title}</h1>" in told.text
    assert "use the one that the workbench printed" in browser.get("/enter?key=wrong", headers=page).text
    assert browser.get("/api/nothing", headers=page).json() == {
        "error": "the workbench has nothing at this address"
    }
    assert "error" in browser.get("/nowhere").json()


def test_a_write_without_the_pages_token_is_refused(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    ann, bob = sign_in("Ann"), sign_in("Bob")
    for token in ("", "x", bob.session.csrf_token, "\u00e4"):
        headers = {"X-CSRF-Token": token.encode()}
        refused = ann.client.post("/api/batch/batch-1/close", headers=headers, json={})  # type: ignore[arg-type]
        assert refused.status_code == 403
    assert sqlite_desk.workbench.batch("batch-1").state == "open"


def test_an_annotator_is_no_owner(sqlite_desk: Desk) -> None:
    sqlite_desk.open(["a"])

    class OnlyAnnotators:
        def session(self, _request: object) -> Session:
            return Session("ann", frozenset({ANNOTATOR}), "token")

    client = TestClient(create_app(sqlite_desk.workbench, OnlyAnnotators()))
    assert client.get("/api/batch").status_code == 200
    assert client.get("/api/run").status_code == 403
    for action in ("pause", "resume", "close", "ask-again"):
        refused = client.post(f"/api/batch/batch-1/{action}", headers={"X-CSRF-Token": "token"}, json={})
        assert refused.status_code == 403
        assert "owners" in refused.json()["error"]


def test_every_answer_has_the_security_headers(sign_in: SignIn) -> None:
    ann = sign_in("Ann")
    for path in ("/api/batch", "/nowhere", "/enter?key=wrong"):
        headers = ann.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
    cookie = ann.client.get("/enter?key=key").headers.get("set-cookie")
    assert cookie is None, "who is signed in stays so"
    fresh = TestClient(ann.client.app, follow_redirects=False).get("/enter?key=key").headers["set-cookie"]
    assert "HttpOnly" in fresh
    assert "SameSite=strict" in fresh


def test_hostile_names_and_ids_are_harmless(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    ann = sign_in("Ann")
    name = "<script>\u202e\x00 ' OR 1=1 --"
    given = ann.post("/api/sign-in", {"name": name}).json()["name"]
    assert given == cleaned_name(name) == "<script> ' OR 1=1 --"
    assert ann.session.name == given
    for task_id in ("nothing", "batch-1~x' OR 1=1", "~", "..%2f..", "a" * 5000):
        assert ann.post(f"/api/tasks/{task_id}/answer", {"label": 0}).status_code in (404, 405)
    for empty in ("", "  ", "\u200b\u202e"):
        assert ann.post("/api/sign-in", {"name": empty}).status_code == 409


def test_a_name_written_in_another_way_is_the_same_person(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"], people_per_object=2)
    ann = sign_in("J\u00f6rg Ann")
    (task,) = ann.post("/api/tasks/next", {}).json()["tasks"]
    ann.post(f"/api/tasks/{task['id']}/answer", {"label": 1})
    for written in ("j\u00f6rg ann", " J\u00d6RG   ANN ", "Jo\u0308rg Ann"):
        other = sign_in("Somebody")
        given = other.post("/api/sign-in", {"name": written}).json()
        assert given == {"name": "J\u00f6rg Ann"}
        assert other.post("/api/tasks/next", {}).json()["tasks"] == [], "one person answers once"
    assert sqlite_desk.workbench.batch("batch-1").state == "open"


def test_two_workbenches_on_one_host_have_cookies_of_their_own(sqlite_desk: Desk) -> None:
    one, again, two = (LaptopSessions(sqlite_desk.store, key).cookie for key in ("one", "one", "two"))
    assert one == again != two
    assert "one" not in one


def test_a_page_whose_name_changed_in_another_tab_is_told_so(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    ann = sign_in("\u00c4nn")
    old = {"X-CSRF-Token": ann.session.csrf_token, "X-Visitor": "%C3%84nn"}
    ann.post("/api/sign-in", {"name": "Bob"})
    refused = ann.client.post("/api/tasks/next", json={}, headers=old)
    assert (refused.status_code, "Bob has signed in" in refused.json()["error"]) == (403, True)
    ann.post("/api/sign-out", {})
    refused = ann.client.post("/api/tasks/next", json={}, headers=old)
    assert "you signed out in another tab" in refused.json()["error"]
    stale = {"X-CSRF-Token": "x"}
    assert "out of date" in ann.client.post("/api/tasks/next", json={}, headers=stale).json()["error"]


def test_a_long_body_is_not_read_whoever_sends_it(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    ann = sign_in("Ann")
    stranger = TestClient(ann.client.app, follow_redirects=False)
    long = {"reason": "x" * 100_000}
    for path in ("/api/tasks/next", "/api/sign-in", "/nowhere"):
        refused = stranger.post(path, json=long)
        assert (refused.status_code, "too long" in refused.json()["error"]) == (413, True)
        assert "default-src 'none'" in refused.headers["Content-Security-Policy"]
    sent: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield b"x" * 1000

    refused = ann.client.post(
        "/api/tasks/next", content=chunks(), headers={"X-CSRF-Token": ann.session.csrf_token}
    )
    assert refused.status_code == 413
    longest = [f"{'b' * 300}~{number:020d}" for number in range(40)]
    assert ann.post("/api/tasks/next", {"holding": longest}).status_code == 200


def test_a_cookie_with_other_letters_is_no_session(sqlite_desk: Desk, sign_in: SignIn) -> None:
    stranger = TestClient(sign_in("Ann").client.app, follow_redirects=False)
    for value in ("\u00e4", "\u00e4.\u00f6", "Ann.\u00e4"):
        headers = {"Cookie": f"{LaptopSessions(sqlite_desk.store, 'key').cookie}={value}".encode("latin-1")}
        assert stranger.get("/api/batch", headers=headers).status_code == 403  # type: ignore[arg-type]
        assert stranger.get("/", headers=headers).status_code == 303  # type: ignore[arg-type]

"""Roles on a laptop: who may do what, the links that give them, and attacks on both."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from labelloop.workbench.application import create_app
from labelloop.workbench.errors import RefusedError
from labelloop.workbench.invitations import Invitations
from labelloop.workbench.sessions import LaptopSessions

from .conftest import Browser, Desk, SignIn
from .test_answer_search import answer_all

OWNERS_PAGES = ("/run", "/run/parts", "/people", "/api/run")
REVIEWERS_PAGES = (
    "/answers",
    "/answers/object?batch=batch-1&task={task}",
    "/disagreements",
    "/api/answers.csv",
    "/api/answers.jsonl",
)
OWNERS_ACTIONS: dict[str, dict[str, Any]] = {
    "/api/batch/batch-1/pause": {},
    "/api/batch/batch-1/resume": {},
    "/api/batch/batch-1/ask-again": {},
    "/api/people/invite": {"name": "Eve", "role": "owner"},
    "/api/people/withdraw": {"person": "Ann"},
    "/api/people/shared": {"closed": True},
    "/api/batch/batch-1/close": {},
}


@pytest.fixture
def olga(sqlite_desk: Desk, sign_in: SignIn) -> Browser:
    """The owner, at a batch that two people have answered."""
    sqlite_desk.open(["a", "b"], people_per_object=2, decidable=True, adjudicate=True)
    for person, labels in (("ben", (0, 1)), ("cleo", (1, 1))):
        answer_all(sqlite_desk, person, *labels)
    return sign_in("Olga")


def link(olga: Browser, name: str, role: str = "annotator", **more: Any) -> str:
    made = olga.post("/api/people/invite", {"name": name, "role": role, **more})
    assert made.status_code == 200, made.json()
    address: str = made.json()["link"]
    return address.removeprefix("http://testserver")


def invited(olga: Browser, name: str, role: str = "annotator") -> Browser:
    return olga.opens(link(olga, name, role))


def test_a_link_signs_in_as_its_person_at_once(olga: Browser) -> None:
    ann = invited(olga, "Ann", "reviewer")
    assert ann.session.identity == "Ann"
    assert ann.get("/").status_code == 200
    assert ann.get("/sign-in").headers["location"] == "/"
    refused = ann.post("/api/sign-in", {"name": "Olga"})
    assert (refused.status_code, "your link is for Ann" in refused.json()["error"]) == (409, True)
    assert ann.post("/api/sign-out", {}).json() == {"name": None}
    assert ann.client.cookies == {}


def paths(desk: Desk, addresses: tuple[str, ...]) -> list[str]:
    task = next(iter(desk.store.tasks("batch-1"))).id
    return [address.format(task=task) for address in addresses]


def test_each_role_opens_its_pages_and_no_others(sqlite_desk: Desk, olga: Browser) -> None:
    shared = olga.shared()
    assert shared.post("/api/sign-in", {"name": "Dora"}).status_code == 200
    people = {
        "annotator": invited(olga, "Ann"),
        "shared": shared,
        "reviewer": invited(olga, "Rita", "reviewer"),
        "owner": invited(olga, "Otto", "owner"),
    }
    for role, browser in people.items():
        assert browser.get("/").status_code == 200
        for path in paths(sqlite_desk, REVIEWERS_PAGES):
            assert browser.get(path).status_code == (200 if role in ("reviewer", "owner") else 403), path
        for path in OWNERS_PAGES:
            assert browser.get(path).status_code == (200 if role == "owner" else 403), path
    told = people["annotator"].get("/answers").text
    assert "This page is for reviewers and owners" in told
    assert "cleo" not in told
    assert "This page is for owners" in people["reviewer"].get("/people").text


def test_pages_lead_only_to_what_a_person_may_open(olga: Browser) -> None:
    def links(browser: Browser, page: str) -> list[str]:
        nav = re.findall(r"<nav aria-label=\"Pages\">.*?</nav>", browser.get(page).text, re.DOTALL)[0]
        return re.findall(r'href="([^"]*)"', nav)

    assert links(invited(olga, "Ann"), "/") == []
    assert links(invited(olga, "Ben"), "/answers") == ["/"]
    assert links(invited(olga, "Rita", "reviewer"), "/answers") == ["/", "/disagreements"]
    assert links(olga, "/people") == ["/", "/run", "/answers", "/disagreements", "/guidelines"]


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_nobody_but_an_owner_acts(sqlite_desk: Desk, olga: Browser, role: str) -> None:
    eve = invited(olga, "Eve", role)
    for path, body in OWNERS_ACTIONS.items():
        refused = eve.post(path, body)
        assert (refused.status_code, "only owners" in refused.json()["error"]) == (403, True), path
        without_token = olga.client.post(path, json=body)
        assert without_token.status_code == 403, "from a page that is not ours"
    batch = sqlite_desk.workbench.batch("batch-1")
    assert batch.state == "open"
    assert [one.id for one in sqlite_desk.store.members()] == ["Eve"]


def test_a_reviewer_decides_and_an_annotator_does_not(sqlite_desk: Desk, olga: Browser) -> None:
    [task] = [task for task in sqlite_desk.store.tasks("batch-1") if task.disputed]
    path = f"/api/tasks/batch-1~{task.id}/decide"
    assert invited(olga, "Ann").post(path, {"label": 1}).status_code == 403
    assert invited(olga, "Rita", "reviewer").post(path, {"label": 1}).status_code == 200
    decided = sqlite_desk.store.task("batch-1", task.id)
    assert decided is not None
    assert decided.decided is not None
    assert decided.decided.by == "Rita"


ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


def test_who_comes_from_another_site_is_let_in_at_the_second_load(olga: Browser) -> None:
    """A strict cookie is not sent with the first. A browser that never sends it is not sent in circles."""
    ann, stranger = invited(olga, "Ann"), TestClient(olga.client.app, follow_redirects=False)
    first = stranger.get("/sign-in", headers=ELSEWHERE).text
    assert '<meta http-equiv="refresh" content="0; url=/sign-in?again=">' in first
    for address, headers in (("/sign-in?again=", ELSEWHERE), ("/sign-in", {})):
        told = stranger.get(address, headers=headers)
        assert (told.status_code, "refresh" in told.text) == (403, False)
    for browser in (ann, olga):
        assert browser.get("/sign-in?again=").headers["location"] == "/"
    assert "Who is labeling?" in olga.shared().get("/sign-in?again=").text


def test_a_link_on_another_site_does_not_sign_in_who_may_be_somebody_else(olga: Browser) -> None:
    """The request lacks the cookie of who is signed in, so it must not set another one."""
    address = link(olga, "Eve")
    stranger = TestClient(olga.client.app, follow_redirects=False)
    for tried in (address, f"{address}&again=", "/enter?key=key", "/enter?key=key&again="):
        assert "set-cookie" not in stranger.get(tried, headers=ELSEWHERE).headers
    first = stranger.get(address, headers=ELSEWHERE).text
    second = unescape(re.findall(r'content="0; url=([^"]*)"', first)[0])
    assert second == f"{address}&again="
    assert olga.get(second).status_code == 403, "she is signed in"
    assert stranger.get(second).status_code == 303
    hostile = stranger.get('/enter?key="><script>alert(1)</script>', headers=ELSEWHERE).text
    assert "<script>alert" not in hostile


def test_a_withdrawn_link_signs_out_at_once_and_never_works_again(olga: Browser) -> None:
    address = link(olga, "Ann", "reviewer")
    ann = olga.opens(address)
    cookie, token = ann.cookie, ann.session.csrf_token
    assert ann.get("/answers").status_code == 200
    assert olga.post("/api/people/withdraw", {"person": "Ann"}).status_code == 200
    assert ann.get("/answers").status_code == 303
    assert ann.get("/api/batch").status_code == 403
    headers = {"X-CSRF-Token": token}
    assert ann.client.post("/api/tasks/next", json={}, headers=headers).status_code == 403
    assert ann.get(address).status_code == 403
    again = olga.opens(link(olga, "Ann"))
    assert again.get("/").status_code == 200
    again.cookie = cookie
    assert again.get("/").status_code == 303, "the cookie was that of the link before"
    assert again.get(address).status_code == 403


def test_what_a_person_held_whose_link_is_withdrawn_goes_to_others(sqlite_desk: Desk, olga: Browser) -> None:
    sqlite_desk.workbench.close("batch-1")
    sqlite_desk.open(["x", "y"], batch_id="batch-2")
    ann, ben = invited(olga, "Ann"), invited(olga, "Ben")
    assert len(ann.post("/api/tasks/next", {"count": 2}).json()["tasks"]) == 2
    assert ben.post("/api/tasks/next", {"count": 2}).json()["state"] == "held"
    olga.post("/api/people/withdraw", {"person": "Ann"})
    assert len(ben.post("/api/tasks/next", {"count": 2}).json()["tasks"]) == 2


def test_a_new_link_ends_the_one_before(olga: Browser) -> None:
    first = link(olga, "Ann", "owner")
    ann = olga.opens(first)
    refused = olga.post("/api/people/invite", {"name": " ANN ", "role": "annotator"})
    assert (refused.status_code, "Ann has a link already" in refused.json()["error"]) == (409, True)
    assert ann.get("/run").status_code == 200
    second = olga.opens(link(olga, "ann", again=True))
    assert second.session.identity == "Ann"
    assert ann.get("/").status_code == 303
    assert ann.get(first).status_code == 403


def test_the_store_cannot_tell_a_link(olga: Browser, tmp_path: Path) -> None:
    key = link(olga, "Ann").partition("key=")[2]
    assert len(key) >= 22, "128 bits"
    for file in tmp_path.iterdir():
        assert key.encode() not in file.read_bytes()
    assert key not in olga.get("/people").text, "it was shown once"
    assert not key.startswith(tuple(invited(olga, "Ben").cookie.split(".")[1:2]))


def test_forged_and_changed_cookies_are_no_sessions(olga: Browser) -> None:
    ann = invited(olga, "Ann")
    way, of_link, number, name, signature = ann.cookie.split(".")
    assert (way, name) == ("link", "Ann")
    other = LaptopSessions(ann.client.app.state.workbench.store, "another key")  # type: ignore[attr-defined]
    for forged in (
        f"owner.{of_link}.{number}.{name}.{signature}",
        f"owner..{number}.{name}.{signature}",
        f"shared..{number}.{name}.{signature}",
        f"link.{of_link}.{number}.Olga.{signature}",
        f"link.{of_link}.0123456789abcdef.{name}.{signature}",
        f"link.{of_link}.{number}.{name}.{other._sign('a session', f'link.{of_link}.{number}.{name}')}",
        f"link.{of_link}.{number}.{name}.",
        f"{name}.{signature}",
        signature,
        "...",
        "",
    ):
        eve = olga.opens(link(olga, "Eve", again=True))
        eve.cookie = forged
        assert eve.get("/").status_code == 303, forged
        assert eve.get("/api/run").status_code == 403, forged


def test_a_cookie_of_an_earlier_version_is_no_session(olga: Browser) -> None:
    """Everybody was an owner then."""
    sessions = olga.client.app.state.sessions  # type: ignore[attr-defined]
    for name in ("Ann", "", "owner..Ann"):
        olga.cookie = f"{name}.{sessions._sign('session', name)}"
        assert olga.get("/").status_code == 303
    olga.cookie = f"owner..Olga.{sessions._sign('way in', 'owner..Olga')}"
    assert olga.get("/").status_code == 303


def test_a_copy_of_a_cookie_is_worth_nothing_once_its_person_has_signed_out(olga: Browser) -> None:
    address = link(olga, "Ann")
    ann, ann_elsewhere, ben = olga.opens(address), olga.opens(address), olga.shared()
    assert ben.post("/api/sign-in", {"name": "Ben"}).status_code == 200
    for person in (ann, ben):
        copied = olga.shared()
        copied.cookie = person.cookie
        assert copied.get("/").status_code == 200
        assert person.post("/api/sign-out", {}).json() == {"name": None}
        assert copied.get("/").status_code == 303
        assert copied.get("/api/batch").status_code == 403
    assert ann_elsewhere.get("/").status_code == 200, "another session of the same person goes on"
    assert ben.post("/api/sign-in", {"name": "Ben"}).status_code == 200, "who knows the address may"
    assert olga.opens(address).get("/").status_code == 200


def test_a_signature_of_one_purpose_is_none_of_another(olga: Browser) -> None:
    """The shared address's key and tokens are signatures too: they must not sign a cookie."""
    ann = invited(olga, "Ann")
    for signature in (ann.session.csrf_token, ann.client.app.state.sessions.shared_key):  # type: ignore[attr-defined]
        ann.cookie = f"owner..0123456789abcdef.Ann.{signature}"
        assert ann.get("/").status_code == 303


def test_the_shared_address_makes_annotators_and_leaves_invited_names_alone(olga: Browser) -> None:
    ben, cleo = olga.shared(), olga.shared()
    for browser, name in ((ben, "Ben"), (cleo, "Cleo")):
        assert browser.post("/api/sign-in", {"name": name}).status_code == 200
    link(olga, "ben", "reviewer")
    assert ben.session.name is None, "the name is somebody's own now"
    assert ben.get("/answers").status_code == 303
    refused = ben.post("/api/sign-in", {"name": " BEN"})
    assert (refused.status_code, "a link of their own" in refused.json()["error"]) == (409, True)
    olga.post("/api/people/withdraw", {"person": "Ben"})
    assert ben.post("/api/sign-in", {"name": "Ben"}).status_code == 409, "nor after the link is withdrawn"
    assert cleo.get("/").status_code == 200


def test_the_shared_address_is_closed_and_opened_again(olga: Browser) -> None:
    ben, ann = olga.shared(), invited(olga, "Ann")
    ben.post("/api/sign-in", {"name": "Ben"})
    assert "shared-link" in olga.get("/people").text
    olga.post("/api/people/shared", {"closed": True})
    assert ben.get("/").status_code == 303
    assert ben.get("/api/batch").status_code == 403
    with pytest.raises(AssertionError):
        olga.shared()
    assert "shared-link" not in olga.get("/people").text
    assert (ann.get("/").status_code, olga.get("/").status_code) == (200, 200)
    olga.post("/api/people/shared", {"closed": False})
    assert ben.get("/").status_code == 200


def test_the_owner_s_address_makes_an_owner_and_no_other_takes_that_away(olga: Browser) -> None:
    ben = olga.shared()
    ben.post("/api/sign-in", {"name": "Ben"})
    assert ben.get("/run").status_code == 403
    ben.get("/enter?key=key")
    assert (ben.get("/run").status_code, ben.session.name) == (200, "Ben")
    ben.get(f"/enter?key={ben.client.app.state.sessions.shared_key}")  # type: ignore[attr-defined]
    assert ben.get("/run").status_code == 200
    ann = invited(olga, "Ann")
    ann.get("/enter?key=key")
    assert ann.session.name is None, "a link's name is the link's"
    assert ann.post("/api/sign-in", {"name": "Ann"}).status_code == 409


def test_nobody_is_signed_in_as_another_by_a_link_that_somebody_sent(olga: Browser) -> None:
    address = link(olga, "Ann")
    told = olga.client.get(address, headers={"Accept": "text/html"})
    assert (told.status_code, "You are signed in here as Olga" in told.text) == (403, True)
    assert olga.session.name == "Olga"
    assert olga.opens(address).get(address).status_code == 303, "one's own link may be opened again"


@pytest.mark.parametrize("name", ["", "  ", "\u200b\u202e", "Olga", " olga "])
def test_who_cannot_be_invited(olga: Browser, name: str) -> None:
    refused = olga.post("/api/people/invite", {"name": name, "role": "owner"})
    assert refused.status_code == 409, refused.json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("invite", {"name": "Ann", "role": "emperor"}),
        ("invite", {"name": "x" * 300, "role": "owner"}),
        ("withdraw", {"person": ""}),
        ("shared", {"closed": "perhaps"}),
    ],
)
def test_malformed_requests_are_explained(olga: Browser, path: str, body: dict[str, Any]) -> None:
    assert olga.post(f"/api/people/{path}", body).status_code == 400


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("people/invite", "name"),
        ("people/withdraw", "person"),
        ("people/pause", "person"),
        ("batch/batch-1/discard", "person"),
        ("tasks/batch-1~x/flag", "comment"),
    ],
)
def test_half_a_character_is_no_text(olga: Browser, path: str, field: str) -> None:
    """JSON can say it, and no store can keep it."""
    body = f'{{"{field}": "\\ud800", "role": "owner"}}'
    headers = {"X-CSRF-Token": olga.session.csrf_token, "Content-Type": "application/json"}
    assert olga.client.post(f"/api/{path}", content=body, headers=headers).status_code in (400, 404, 409)


def test_who_has_no_link_loses_none(sqlite_desk: Desk, olga: Browser) -> None:
    for person in ("ben", "nobody"):
        assert olga.post("/api/people/withdraw", {"person": person}).status_code == 409
    assert sqlite_desk.store.members() == []


def test_hostile_names_are_shown_and_not_run(olga: Browser) -> None:
    hostile = '<script>alert(1)</script>" onclick=x '
    ann = invited(olga, hostile)
    for text in (olga.get("/people").text, ann.get("/").text, ann.get("/answers").text):
        assert "<script>alert" not in text
        assert '" onclick=x' not in text
    assert "&lt;script&gt;alert(1)" in olga.get("/people").text


def test_links_lead_to_where_others_reach_the_workbench(sqlite_desk: Desk) -> None:
    sessions = LaptopSessions(sqlite_desk.store, "key")
    app = create_app(sqlite_desk.workbench, sessions, address="http://192.0.2.2:8765")
    olga = Browser(TestClient(app, follow_redirects=False), sessions)
    olga.get("/enter?key=key")
    olga.post("/api/sign-in", {"name": "Olga"})
    made = olga.post("/api/people/invite", {"name": "Ann", "role": "annotator"}).json()
    assert made["link"].startswith("http://192.0.2.2:8765/enter?key=")
    assert "http://192.0.2.2:8765/enter?key=" in olga.get("/people").text


def test_two_owners_who_change_the_same_at_once_do_not_undo_each_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitations = Invitations(desk.store)
    invitations.invite("Ann", "annotator", by="Olga")
    before = desk.store.member("Ann")
    invitations.withdraw("Ann")
    monkeypatch.setattr(desk.store, "member", lambda _name: before)
    with pytest.raises(RefusedError, match="another owner"):
        invitations.invite("Ann", "owner", by="Olga", again=True)

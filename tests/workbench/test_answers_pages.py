"""The owner's pages of what people answered, and the downloads: who gets them, and what they show."""

import re
from html import unescape

import orjson
import pytest
from fastapi.testclient import TestClient

from labelloop.workbench.application import create_app
from labelloop.workbench.opening import Asked
from labelloop.workbench.sessions import ANNOTATOR, OWNER, ROLES, LaptopSessions, Session

from .conftest import Desk, SignIn
from .test_answer_search import answer_all

PATHS = ("/answers", "/answers/object?batch=batch-1&task=x", "/api/answers.csv", "/api/answers.jsonl")
HOSTILE = "<script>alert(1)</script>\u202e"


class Signed:
    """A person who is signed in with these roles."""

    def __init__(self, roles: frozenset[str]) -> None:
        self._session = Session("ann", roles, "token")

    def session(self, _request: object) -> Session:
        return self._session


def client_of(desk: Desk, roles: frozenset[str], largest: int | None = None) -> TestClient:
    return TestClient(
        create_app(desk.workbench, Signed(roles), largest_download=largest), follow_redirects=False
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("roles", [frozenset({ANNOTATOR}), frozenset({"other"}), frozenset[str]()])
def test_only_owners_see_answers(sqlite_desk: Desk, path: str, roles: frozenset[str]) -> None:
    sqlite_desk.open(["secret text"])
    answer_all(sqlite_desk, "bob", 1)
    refused = client_of(sqlite_desk, roles).get(path)
    assert refused.status_code == 403
    assert "secret" not in refused.text
    assert "bob" not in refused.text


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_answers_without_signing_in(sqlite_desk: Desk, path: str) -> None:
    sqlite_desk.open(["secret text"])
    app = create_app(sqlite_desk.workbench, LaptopSessions(sqlite_desk.store, "key"))
    refused = TestClient(app, follow_redirects=False).get(path)
    assert refused.status_code in (303, 403)
    assert "secret" not in refused.text


def test_who_signs_in_first_comes_back(sign_in: SignIn) -> None:
    ann = sign_in("Ann")
    assert 'data-next="/answers"' in ann.get("/sign-in?next=/answers").text
    assert 'data-next="/"' in ann.get("/sign-in?next=https://example.com/answers").text


def test_hostile_texts_and_names_are_shown_and_not_run(sqlite_desk: Desk) -> None:
    sqlite_desk.open([HOSTILE, HOSTILE], classes=(HOSTILE, "b"), title=HOSTILE, run=HOSTILE)
    answer_all(sqlite_desk, HOSTILE, 0, None)
    client = client_of(sqlite_desk, ROLES)
    found = client.get("/answers").text
    [address, _] = re.findall(r'href="(/answers/object[^"]*)"', found)
    for text in (found, client.get(unescape(address)).text):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]" in text
        assert "<script>alert" not in text
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", text)


def test_each_page_leads_to_the_next(sqlite_desk: Desk) -> None:
    sqlite_desk.open([f"text {number}" for number in range(60)])
    for _ in range(3):
        answer_all(sqlite_desk, "ann", *[number % 3 for number in range(60)])
    client = client_of(sqlite_desk, ROLES)
    seen: list[str] = []
    address = "/answers?text=text&order=oldest&class=&person=&batch=&kind=&confidence="
    while address:
        page = client.get(address)
        assert page.status_code == 200
        seen += re.findall(r"<bdi>(text \d+)</bdi></a>", page.text)
        more = re.search(r'rel="next" href="([^"]*)"', page.text)
        address = unescape(more[1]) if more else ""
    assert len(seen) == len(set(seen)) == 60


def test_an_empty_workbench_says_so(sqlite_desk: Desk) -> None:
    assert "Nothing is answered yet." in client_of(sqlite_desk, ROLES).get("/answers").text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("kind=other", 400),
        ("confidence=abc", 400),
        ("order=random", 400),
        ("after=x~y~z", 409),
        ("after=gone~1.0~z", 409),
        ("batch=gone", 200),
        (f"batch={'x' * 300}", 400),
        ("text=%00%ff", 200),
        ("person=nobody&class=none", 200),
    ],
)
def test_what_an_address_asks_is_checked(desk: Desk, query: str, status: int) -> None:
    desk.open(["a"])
    answer_all(desk, "ann", 1)
    client = client_of(desk, ROLES)
    assert client.get(f"/answers?{query}", headers={"Accept": "text/html"}).status_code == status


@pytest.mark.parametrize("query", ["", "?batch=&task=", "?batch=batch-1&task=none", "?batch=none&task=none"])
def test_an_object_that_is_not_there_is_told(desk: Desk, query: str) -> None:
    desk.open(["a"])
    status = client_of(desk, ROLES).get(f"/answers/object{query}").status_code
    assert status == (404 if "none" in query else 400)


def test_the_model_s_label_is_shown_only_if_people_saw_it(sqlite_desk: Desk) -> None:
    for show in (True, False):
        guessed = [Asked(0, "a", None, guess=(1, 0.8))]
        sqlite_desk.open([], batch_id=f"batch-{show}", extra=guessed, show_guess=show)
        answer_all(sqlite_desk, "ann", 2)
    text = client_of(sqlite_desk, ROLES).get("/answers").text
    assert text.count("The model</span>") == 1
    assert "metal, 80% sure" in text


def test_every_answer_is_downloaded_by_batch_or_altogether(sqlite_desk: Desk, sign_in: SignIn) -> None:
    for batch_id in ("one", "two"):
        sqlite_desk.open(["a", "b"], batch_id=batch_id)
        answer_all(sqlite_desk, "ann", 0, 1)
    owner = sign_in("Olga")
    whole = owner.get("/api/answers.jsonl")
    assert whole.headers["Content-Disposition"] == 'attachment; filename="answers.jsonl"'
    assert len([orjson.loads(line) for line in whole.content.splitlines()]) == 4
    one = [orjson.loads(line) for line in owner.get("/api/answers.jsonl?batch=one").content.splitlines()]
    assert {row["batch"] for row in one} == {"one"}
    table = owner.get("/api/answers.csv?batch=two")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(table.text.splitlines()) == 3


def test_a_download_that_is_too_long_is_refused_before_it_begins(sqlite_desk: Desk) -> None:
    sqlite_desk.open(["a", "b"])
    answer_all(sqlite_desk, "ann", 0, 1)
    length = len(client_of(sqlite_desk, ROLES).get("/api/answers.csv").content)
    assert client_of(sqlite_desk, ROLES, largest=length).get("/api/answers.csv").status_code == 200
    refused = client_of(sqlite_desk, ROLES, largest=length - 1).get("/api/answers.csv")
    assert refused.status_code == 409
    assert "choose a batch" in refused.json()["error"]


def test_only_owners_get_the_link(sqlite_desk: Desk) -> None:
    assert 'href="/answers"' in client_of(sqlite_desk, frozenset({OWNER})).get("/").text
    assert 'href="/answers"' not in client_of(sqlite_desk, frozenset({ANNOTATOR})).get("/").text

"""One sender cannot keep a laptop's workbench from others."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Scope

from labelloop.workbench.rate_limit import A_SECOND, BURST, RateLimit
from labelloop.workbench.sessions import LaptopSessions

from .conftest import Desk, SignIn


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def limited(sender: Callable[[Scope], str], clock: Clock) -> TestClient:
    app = Starlette(routes=[Route("/", lambda _request: PlainTextResponse("here"))])
    return TestClient(RateLimit(app, sender, clock=clock))


def by_header(scope: Scope) -> str:
    return str(dict(scope["headers"]).get(b"who", b""))


def admitted(client: TestClient, who: str, times: int) -> int:
    return sum(client.get("/", headers={"who": who}).status_code == 200 for _ in range(times))


def test_a_flood_is_refused_and_others_are_served() -> None:
    clock = Clock()
    client = limited(by_header, clock)
    assert admitted(client, "flood", BURST + 100) == BURST
    refused = client.get("/", headers={"who": "flood"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert "wait a moment" in refused.json()["error"]
    assert admitted(client, "ada", 10) == 10
    clock.now += 2
    assert admitted(client, "flood", BURST) == 2 * A_SECOND
    clock.now += 3_600
    assert admitted(client, "flood", BURST + 1) == BURST, "rest is not saved up"


def test_few_senders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelloop.workbench.rate_limit._MOST_SENDERS", 3)
    client = limited(by_header, Clock())
    assert admitted(client, "a", BURST) == BURST
    for who in "bcd":
        admitted(client, who, 1)
    assert admitted(client, "a", 1) == 1, "forgotten: who sends least is not who floods"


def scope_of(sessions: LaptopSessions, cookie: str, address: str) -> dict[str, Any]:
    headers = [(b"cookie", f"{sessions.cookie}={cookie}".encode())]
    return {"type": "http", "headers": headers, "client": (address, 1)}


def test_a_forged_cookie_is_no_sender_of_its_own(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sessions = LaptopSessions(sqlite_desk.store)
    olga = sign_in("Olga")
    forged = [
        sessions.sender(scope_of(sessions, f"owner..{number}.Olga.{number}", "10.0.0.9")) for number in "12"
    ]
    assert forged == ["address 10.0.0.9"] * 2
    theirs = olga.sessions
    assert theirs.sender(scope_of(theirs, olga.cookie, "10.0.0.9")).startswith("session owner.")
    assert theirs.sender(scope_of(theirs, olga.cookie, "10.0.0.9")) == theirs.sender(
        scope_of(theirs, olga.cookie, "10.0.0.10")
    )

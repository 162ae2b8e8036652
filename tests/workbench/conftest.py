"""Both stores, a workbench on each, and people at the API."""

import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from moto import mock_aws

from labelloop.core.manifest.lines import add_id
from labelloop.local.template import Template
from labelloop.storage import s3
from labelloop.workbench.application import create_app
from labelloop.workbench.closing import Closing
from labelloop.workbench.dynamodb_store import DynamoDbTaskStore
from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.overview import Overview
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions, Session
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch

ROOT = Path(__file__).parents[2]
CLASSES = ("fruit", "metal", "river")
LEASE_SECONDS = 100


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty S3 bucket of that name, on moto."""
    for name, value in {
        "ACCESS_KEY_ID": "x",
        "SECRET_ACCESS_KEY": "x",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    s3.s3_client.cache_clear()
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield
    s3.s3_client.cache_clear()


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self._ticks = itertools.count(1)

    def __call__(self) -> float:
        # No two moments are the same, as with a real clock.
        return self.now + next(self._ticks) / 1e6


class Memory:
    """Manifests in memory, and whoever waits for a batch, noting what it hears."""

    def __init__(self) -> None:
        self.files: dict[str, list[bytes]] = {}
        self.closed: list[Batch] = []
        self.heartbeats = 0
        self.over = set[str | None]()  # tokens that nobody waits with any more
        self.lock = threading.Lock()

    def read_lines(self, uri: str) -> Iterator[bytes]:
        return iter(self.files[uri])

    def write_lines(self, uri: str, lines: Iterable[bytes]) -> int:
        self.files[uri] = list(lines)
        return len(self.files[uri])

    def batch_closed(self, batch: Batch) -> None:
        self.closed.append(batch)

    def batch_failed(self, batch: Batch, cause: str) -> None:
        raise AssertionError(cause)

    def heartbeat(self, batch: Batch) -> bool:
        self.heartbeats += 1
        return batch.task_token not in self.over


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.slow)])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TaskStore]:
    if request.param == "sqlite":
        with closing(SqliteTaskStore(tmp_path / "workbench.sqlite")) as file:
            yield file
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = _dynamodb()
        client.create_table(TableName="workbench", **declared_table())
        yield DynamoDbTaskStore("workbench", client)


@functools.cache
def _dynamodb() -> Any:
    """One client for all tests: moto forgets their tables, and making a client takes long."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    _one_call_at_a_time(client)
    return client


def _one_call_at_a_time(client: Any) -> None:
    """A canceled transaction of moto's puts back the whole table, with what others wrote meanwhile."""
    lock, call = threading.Lock(), client._make_api_call

    def locked(*arguments: Any) -> Any:
        with lock:
            return call(*arguments)

    client._make_api_call = locked


@functools.cache
def declared_table() -> dict[str, Any]:
    """The workbench's table as the template declares it, as CreateTable takes it."""
    return Template(ROOT / "template.yaml").tables()["WorkbenchTable"]


@dataclass
class Desk:
    """A workbench with what it stands on."""

    store: TaskStore
    memory: Memory = field(default_factory=Memory)
    clock: Clock = field(default_factory=Clock)

    @property
    def closing(self) -> Closing:
        return Closing(self.store, self.memory, self.memory, clock=self.clock)

    @property
    def workbench(self) -> Workbench:
        return Workbench(self.store, self.closing, clock=self.clock)

    def open(
        self, texts: Iterable[str], batch_id: str = "batch-1", extra: Iterable[Asked] = (), **fields: Any
    ) -> Batch:
        """A batch of texts, which are objects 0, 1, 2, ..., beside what is `extra`."""
        given = list(texts)
        uri = f"{batch_id}/selection"
        self.memory.files[uri] = [add_id(b'{"source":"x"}', number) for number in range(len(given))]
        batch = Batch(
            **{
                "id": batch_id,
                "run": "run-1",
                "round": 1,
                "kind": "text",
                "title": "Which class?",
                "short_instructions": "Choose.",
                "full_instructions": "Choose well.",
                "classes": CLASSES,
                "label_attribute": "category",
                "lease_seconds": LEASE_SECONDS,
                "total": 0,
                "created": self.clock(),
                "selection_uri": uri,
                "output_uri": f"{batch_id}/output.manifest",
                **fields,
            }
        )
        asked = [Asked(number, text, None) for number, text in enumerate(given)]
        return open_batch(self.store, batch, [*asked, *extra])


@pytest.fixture
def desk(store: TaskStore) -> Desk:
    return Desk(store)


@pytest.fixture
def sqlite_desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(SqliteTaskStore(tmp_path / "workbench.sqlite")) as store:
        yield Desk(store)


class Browser:
    """A person at the API, with the cookie and the token that pages have."""

    def __init__(self, client: TestClient, sessions: LaptopSessions) -> None:
        self.client = client
        self.sessions = sessions

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.post(path, json=body, headers={"X-CSRF-Token": self.session.csrf_token, **headers})

    def get(self, path: str) -> Any:
        return self.client.get(path)

    @property
    def cookie(self) -> str:
        return self.client.cookies[self.sessions.cookie]

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.client.cookies.clear()
        self.client.cookies.set(self.sessions.cookie, value)

    def opens(self, address: str) -> "Browser":
        """Another browser of the same application, in which somebody opens an address."""
        other = Browser(TestClient(self.client.app, follow_redirects=False), self.sessions)
        assert other.get(address).status_code == 303, address
        return other

    def shared(self) -> "Browser":
        """Another browser, in which somebody opens the address that people share."""
        return self.opens(f"/enter?key={self.sessions.shared_key}")

    @property
    def session(self) -> Session:
        cookies = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        headers = [(b"cookie", cookies.encode())]
        found = self.sessions.session(Request({"type": "http", "headers": headers}))
        assert found is not None
        return found


SignIn = Callable[[str], Browser]


@pytest.fixture
def sign_in(sqlite_desk: Desk) -> SignIn:
    """Makes browsers, each with a person signed in, at one application."""
    sessions = LaptopSessions(sqlite_desk.store, "key")
    overview = Overview(sqlite_desk.store, clock=sqlite_desk.clock)
    app = create_app(sqlite_desk.workbench, sessions, run_overview=overview)

    def make(name: str) -> Browser:
        browser = Browser(TestClient(app, follow_redirects=False), sessions)
        assert browser.get("/enter?key=key").status_code == 303
        assert browser.post("/api/sign-in", {"name": name}).json() == {"name": name}
        return browser

    return make

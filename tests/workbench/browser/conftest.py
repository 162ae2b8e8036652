"""People at the workbench: Debian's Chromium, and the application served in a thread beside the test."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from playwright.sync_api import Browser, BrowserContext, Error, Page

from labelloop.core.manifest.lines import add_id
from labelloop.workbench.application import create_app
from labelloop.workbench.closing import Closing
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.overview import Overview
from labelloop.workbench.server import listening, served
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch
from tests.chromium import PATIENCE

from .albums import Album

CLASSES = ("business", "entertainment", "health", "science", "technology")
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


class Nobody:
    """No state machine waits for these batches."""

    def batch_closed(self, _batch: Batch) -> None:
        """Nobody hears."""

    def batch_failed(self, _batch: Batch, cause: str) -> None:
        raise AssertionError(cause)

    def heartbeat(self, _batch: Batch) -> None:
        """Nobody hears."""


@dataclass
class Bench:
    """A served workbench, and what is in its store."""

    address: str
    key: str
    workbench: Workbench
    batch_id: str

    @property
    def entrance(self) -> str:
        return f"{self.address}/enter?key={self.key}"

    def answers(self) -> dict[int, dict[str, int]]:
        """Class index by person, by the object's line number."""
        return {task.object_id: task.answers for task in self.workbench.store.tasks(self.batch_id)}

    def answered(self) -> int:
        return sum(len(answers) for answers in self.answers().values())

    def skips(self) -> list[str]:
        return [
            reason for task in self.workbench.store.tasks(self.batch_id) for reason in task.skips.values()
        ]

    def texts(self) -> dict[str, int]:
        """The object's line number by its text."""
        tasks = {task.id: task.object_id for task in self.workbench.store.tasks(self.batch_id)}
        objects = self.workbench.store.data_objects(self.batch_id, list(tasks))
        return {shown.text or "": tasks[task_id] for task_id, shown in objects.items()}


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, context: BrowserContext, bench: Bench, name: str) -> None:
        self.context = context
        self.bench = bench
        self.errors: list[str] = []
        context.set_default_timeout(PATIENCE)
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(bench.entrance)
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Start").click()
        self.page.wait_for_url(f"{bench.address}/")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def see_object(self) -> str:
        """Wait for an object, and read it."""
        self.page.wait_for_selector("#work:not([hidden])")
        return self.page.inner_text("#object-text")

    def hold_more(self) -> None:
        """Wait until the page has fetched further objects, which it does after it has shown the first one."""
        requests = "performance.getEntriesByType('resource').map((request) => request.name)"
        self.see_in_page(f"() => {requests}.filter((name) => name.endsWith('/api/tasks/next')).length >= 2")

    def see_hint(self, text: str) -> None:
        """Wait for what is told beside the buttons: within sight, and not only for screen readers."""
        hint = self.page.locator(":not(.visually-hidden)", has_text=re.compile(f"^{re.escape(text)}$"))
        hint.wait_for()
        box, view = hint.bounding_box(), self.page.viewport_size
        assert box is not None
        assert view is not None
        assert 0 <= box["y"] <= view["height"] - box["height"], "it is in sight"

    def see_panel(self, title: str) -> None:
        self.page.get_by_role("heading", name=title).wait_for()

    def see_in_page(self, condition: str, value: str | None = None) -> None:
        """Wait until a JavaScript condition holds.

        The page's own security policy forbids Playwright's wait_for_function to look a second time.
        """
        eventually(lambda: bool(self.page.evaluate(condition, value)), f"never came true: {condition}")

    def see_all_saved(self) -> None:
        self.page.wait_for_selector('#connection[data-state="saved"]')


OpenBench = Callable[..., Bench]
NewPerson = Callable[..., Person]


def eventually(holds: Callable[[], bool], what: str, seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def stop_clock(page: Page) -> None:
    """From now on, nothing happens by itself. A busy machine may need a later moment than the next."""
    for margin in (0.01, 0.1, 1, 10):
        try:
            page.clock.pause_at(page.evaluate("Date.now()") / 1000 + margin)
        except Error as error:
            if "to the past" not in error.message:
                raise
        else:
            return
    raise AssertionError("the page's clock runs away")


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[OpenBench]:
    """Serves a batch of objects or texts; further arguments are the batch's, or the application's."""
    with ExitStack() as stack:

        def opened(
            objects: Sequence[str | Asked],
            *,
            application: dict[str, Any] | None = None,
            routers: Sequence[APIRouter] = (),
            **fields: Any,
        ) -> Bench:
            asked = [
                one if isinstance(one, Asked) else Asked(number, one, None)
                for number, one in enumerate(objects)
            ]
            bench, app = prepare(tmp_path, asked, stack, application or {}, fields)
            for router in routers:
                app.include_router(router)
            bench.address = stack.enter_context(served(app, stack.enter_context(listening(port=0))))
            return bench

        yield opened


@pytest.fixture
def album(open_bench: OpenBench) -> Iterator[Album]:
    """Opens a batch of images."""
    album = Album(open_bench)
    yield album
    album.let_through()


def prepare(
    folder: Path, asked: list[Asked], stack: ExitStack, application: dict[str, Any], fields: dict[str, Any]
) -> tuple[Bench, FastAPI]:
    files = LocalFiles()
    store = SqliteTaskStore(folder / "workbench.sqlite")
    stack.callback(store.close)
    selection = folder / "selection.manifest"
    files.write_lines(str(selection), (add_id(b'{"source":"x"}', one.object_id) for one in asked))
    batch = {
        "id": "run-round-001",
        "run": "run",
        "round": 1,
        "kind": "text",
        "title": "Which category fits this text best?",
        "short_instructions": "Read the text, then choose the one category that fits it best.",
        "full_instructions": "If two fit, take the one the text is mainly about.",
        "classes": CLASSES,
        "label_attribute": "category",
        "total": 0,
        "created": time.time(),
        "selection_uri": str(selection),
        "output_uri": str(folder / "labeled.manifest"),
        **fields,
    }
    opened = open_batch(store, Batch.model_validate(batch), asked)
    workbench = Workbench(store, Closing(store, files, Nobody()))
    sessions = LaptopSessions(store)
    app = create_app(workbench, sessions, **{"run_overview": Overview(store), **application})
    return Bench("", sessions.key, workbench, opened.id), app


@pytest.fixture
def new_person(chromium: Browser) -> Iterator[NewPerson]:
    """A person at a bench; further arguments are the browser context's.

    At the end no script may have failed.
    """
    people: list[Person] = []

    def come(bench: Bench, name: str = "Ada", **context: Any) -> Person:
        person = Person(chromium.new_context(**context), bench, name)
        people.append(person)
        return person

    yield come
    for person in people:
        person.context.close()
        assert person.errors == []

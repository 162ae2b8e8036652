"""The end of the work is told to open pages, and to no others."""

import threading
import time

from labelloop.workbench.farewell import Farewell

from .conftest import Clock, Desk, SignIn


def test_it_waits_for_the_pages_that_asked_and_for_no_longer() -> None:
    farewell = Farewell()
    assert not farewell.is_said_to("label Ada")
    assert not farewell.is_said_to("run Ada")
    waiting = threading.Thread(target=farewell.say, args=(600.0,))
    waiting.start()
    for page in ("label Ada", "run Ada"):
        assert waiting.is_alive()
        while not farewell.is_said_to(page):
            time.sleep(0.01)
    waiting.join(60)
    assert not waiting.is_alive()


def test_it_waits_for_nobody_who_left() -> None:
    clock = Clock()
    farewell = Farewell(clock=clock)
    farewell.is_said_to("label Ada")
    clock.now += 60
    waiting = threading.Thread(target=farewell.say, args=(600.0,), daemon=True)
    waiting.start()
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_page_that_does_not_ask_again_is_not_waited_for_forever() -> None:
    farewell = Farewell()
    farewell.is_said_to("label Ada")
    farewell.say(0.01)


def test_between_a_runs_batches_nobody_is_told_that_all_is_over(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"], run_state_uri="s3://bucket/state.json")
    ann = sign_in("ann")
    sqlite_desk.workbench.close("batch-1")
    assert ann.post("/api/tasks/next", {}).json()["state"] == "none"
    assert not sqlite_desk.workbench.is_over()


def test_a_batch_without_a_run_is_all_there_is(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    ann = sign_in("ann")
    assert ann.post("/api/tasks/next", {}).json()["state"] == "open"
    assert ann.get("/api/run").json()["over"] is False
    sqlite_desk.workbench.close("batch-1")
    assert ann.post("/api/tasks/next", {}).json()["state"] == "ended"
    assert ann.get("/api/run").json()["over"] is True
    assert "The work is over." in ann.get("/run").text

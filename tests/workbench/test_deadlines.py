"""Deadlines that an owner moves."""

import pytest

from labelloop.workbench.errors import RefusedError
from labelloop.workbench.overview import Overview
from labelloop.workbench.pages.run_view import run_view
from labelloop.workbench.tasks import Batch

from .conftest import Desk, SignIn

DAY = 24 * 3600


def timed(desk: Desk) -> Batch:
    now = desk.clock.now
    return desk.open(["a"], deadline=now + DAY, latest_deadline=now + 10 * DAY)


def test_a_deadline_moves_from_where_it_is_or_from_now(sqlite_desk: Desk) -> None:
    batch = timed(sqlite_desk)
    assert sqlite_desk.workbench.give_longer(batch.id, 7).ends_at == sqlite_desk.clock.now + 8 * DAY
    sqlite_desk.clock.now += 8.5 * DAY  # nobody has closed it
    assert sqlite_desk.workbench.give_longer(batch.id, 1).ends_at == pytest.approx(
        sqlite_desk.clock.now + DAY, abs=1
    )
    with pytest.raises(RefusedError, match="files of the run would be removed"):
        sqlite_desk.workbench.give_longer(batch.id, 1)


def test_a_closed_batch_and_one_without_a_deadline_have_nothing_to_move(sqlite_desk: Desk) -> None:
    batch = sqlite_desk.open(["a"])
    with pytest.raises(RefusedError, match="no deadline"):
        sqlite_desk.workbench.give_longer(batch.id, 1)
    sqlite_desk.workbench.close(batch.id)
    with pytest.raises(RefusedError, match="closed already"):
        sqlite_desk.workbench.give_longer(batch.id, 1)


def test_the_runs_page_says_the_deadline_and_moves_it(sqlite_desk: Desk, sign_in: SignIn) -> None:
    batch = timed(sqlite_desk)
    view = run_view(Overview(sqlite_desk.store, clock=sqlite_desk.clock)())
    assert view.batch is not None
    assert [tile.name for tile in view.batch.tiles][-1] == "Deadline"
    assert [action.text for action in view.batch.actions][1:3] == ["A day longer", "A week longer"]
    owner = sign_in("Olga")
    assert owner.post(f"/api/batch/{batch.id}/longer-1", {}).status_code == 200
    assert sqlite_desk.workbench.batch(batch.id).ends_at == pytest.approx(sqlite_desk.clock.now + 2 * DAY)
    assert owner.post(f"/api/batch/{batch.id}/longer-3650", {}).status_code == 409
    shared = owner.shared()
    shared.post("/api/sign-in", {"name": "Ann"})
    assert shared.post(f"/api/batch/{batch.id}/longer-1", {}).status_code == 403

"""People get like after like, where the owner turns that on."""

from itertools import pairwise

from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.tasks import Batch, Task

from .conftest import Desk


def open_alike(desk: Desk, groups: int, size: int) -> Batch:
    """Objects in groups: an object is like the others of its group, and like nothing else."""
    batch = desk.open(["x"], batch_id="one")
    desk.workbench.close("one")
    numbers = range(groups * size)
    asked = [Asked(number, f"group {number // size}", None, near=_others(number, size)) for number in numbers]
    fresh = {"id": "alike", "state": "open", "closing_since": None, "closed_because": None, "version": 0}
    return open_batch(desk.store, batch.model_copy(update=fresh), asked)


def _others(number: int, size: int) -> tuple[int, ...]:
    first = number - number % size
    return tuple(other for other in range(first, first + size) if other != number)


def groups_in_turn(desk: Desk, person: str, ahead: int, size: int) -> list[int]:
    """The groups of the objects in the order in which a page shows them to somebody who answers them all."""
    shown: list[int] = []
    page: list[Task] = []
    while True:
        handed = desk.workbench.next_tasks(person, ahead - len(page), [task.id for task in page])
        page += [task for task, _ in handed.tasks]
        if not page:
            return shown
        task = page.pop(0)
        shown.append(task.object_id // size)
        desk.workbench.answer("alike", task.id, person, 1)


def changes(groups: list[int]) -> int:
    return sum(one != other for one, other in pairwise(groups))


def test_a_person_goes_through_what_is_alike_before_what_is_not(sqlite_desk: Desk) -> None:
    open_alike(sqlite_desk, groups=4, size=6)
    groups = groups_in_turn(sqlite_desk, "ann", ahead=3, size=6)
    assert len(groups) == 24
    assert changes(groups) == 3, groups


def test_two_people_share_what_is_alike_and_nothing_is_given_twice(desk: Desk) -> None:
    open_alike(desk, groups=3, size=4)
    handed = {
        person: [task.id for task, _ in desk.workbench.next_tasks(person, 4).tasks]
        for person in ("ann", "bob")
    }
    assert not set(handed["ann"]) & set(handed["bob"])
    assert {len(ids) for ids in handed.values()} == {4}


def test_without_neighbors_the_order_is_as_before(sqlite_desk: Desk) -> None:
    sqlite_desk.open(map(str, range(9)))
    first = [task.id for task, _ in sqlite_desk.workbench.next_tasks("ann", 9).tasks]
    assert sorted(first) == [task.id for task in sqlite_desk.store.tasks("batch-1")]
    assert len(set(first)) == 9

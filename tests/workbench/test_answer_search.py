"""Looking through what people answered, in both stores."""

from typing import Any

import pytest

from labelloop.workbench import answer_search
from labelloop.workbench.answer_search import AnswerSearch, Found, Search, Spot
from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.opening import Asked
from labelloop.workbench.tasks import Batch

from .conftest import Desk


def answer_all(desk: Desk, person: str, *labels: int | None) -> None:
    """The open batch's objects, in the order of their lines; None skips one."""
    batch = desk.workbench.current_batch()
    assert batch is not None
    for task in sorted(
        (task for task, _ in desk.workbench.next_tasks(person, 20).tasks), key=lambda task: task.object_id
    ):
        label = labels[task.object_id]
        if label is None:
            desk.workbench.skip(batch.id, task.id, person, "=too blurred")
        else:
            desk.workbench.answer(batch.id, task.id, person, label, 1.5)


def find(desk: Desk, after: Spot | None = None, most: int = 50, **search: Any) -> Found:
    finder = AnswerSearch(desk.store, {"sub-ann": "Ann"})
    return finder.find(Search(**search), after, most)


def lines(found: Found) -> list[tuple[str, int]]:
    return [(hit.batch.id, hit.task.object_id) for hit in found.hits]


@pytest.fixture
def two_batches(desk: Desk) -> Desk:
    desk.open(["Apple pie", "iron bar", "the Nile"], batch_id="one", people_per_object=2)
    answer_all(desk, "sub-ann", 0, 1, 2)
    answer_all(desk, "bob", 0, 2, None)
    desk.open(["apple tree", "copper wire"], batch_id="two", round=2)
    answer_all(desk, "bob", 0, 1)
    return desk


FILTERS: list[tuple[dict[str, Any], list[tuple[str, int]]]] = [
    ({}, [("two", 1), ("two", 0), ("one", 2), ("one", 1), ("one", 0)]),
    ({"newest_first": False}, [("one", 0), ("one", 1), ("one", 2), ("two", 0), ("two", 1)]),
    ({"words": "APPLE"}, [("two", 0), ("one", 0)]),
    ({"words": "pie apple"}, [("one", 0)]),
    ({"label": "metal"}, [("two", 1), ("one", 1)]),
    ({"label": "metal", "person": "bob"}, [("two", 1)]),
    ({"person": "Ann"}, [("one", 2), ("one", 1), ("one", 0)]),
    ({"person": "sub-ann"}, []),
    ({"batch": "one", "words": "apple"}, [("one", 0)]),
    ({"batch": "none"}, []),
    ({"kind": "disagreement"}, [("one", 1)]),
    ({"kind": "skipped"}, [("one", 2)]),
    ({"kind": "skipped", "person": "Ann"}, [("one", 2)]),
    ({"kind": "gold"}, []),
    ({"label": "no class"}, []),
    ({"confidence": 0.99}, []),
]


def test_each_filter_finds_what_it_names(two_batches: Desk) -> None:
    for search, hits in FILTERS:
        assert lines(find(two_batches, **search)) == hits, search


def test_pages_follow_one_another_without_a_gap(two_batches: Desk) -> None:
    for newest_first in (True, False):
        whole = lines(find(two_batches, newest_first=newest_first))
        read: list[tuple[str, int]] = []
        after: Spot | None = None
        while True:
            page = find(two_batches, after, most=2, newest_first=newest_first)
            assert 0 < len(page.hits) <= 2
            read += lines(page)
            if page.stopped is None:
                break
            after = Spot.read(str(page.stopped))
        assert read == whole


def test_a_search_looks_at_a_bounded_number_and_goes_on(
    two_batches: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_search, "MOST_LOOKED_AT", 2)
    monkeypatch.setattr(answer_search, "_AT_ONCE", 1)
    first = find(two_batches, words="nile")
    assert (first.hits, first.looked_at) == ([], 2)
    second = find(two_batches, first.stopped, words="nile")
    assert lines(second) == [("one", 2)]


def test_it_stops_after_many_batches_without_hits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_search, "_MOST_BATCHES", 3)
    for number in range(7):
        desk.open(["x"], batch_id=f"batch-{number}")
    visited, after = 0, None
    while True:
        page = find(desk, after)
        visited += 1
        if page.stopped is None:
            break
        after = Spot.read(str(page.stopped))
    assert visited == 3


def test_by_the_confidence_that_people_saw(desk: Desk) -> None:
    guessed = [Asked(number, f"text {number}", None, guess=(1, number / 10)) for number in range(3)]
    desk.open([], extra=guessed, show_guess=True)
    answer_all(desk, "ann", 0, 1, 1)
    assert lines(find(desk, confidence=0.1, newest_first=False)) == [("batch-1", 0), ("batch-1", 1)]


def test_gold_objects_and_reviews_are_kinds_of_their_own(desk: Desk) -> None:
    extra = [
        Asked(0, "known", None, "gold", 1),
        Asked(1, "doubtful", None, "relabel", 1, model_label=2),
    ]
    desk.open([], extra=extra)
    answer_all(desk, "ann", 1, 2)
    assert lines(find(desk, kind="gold")) == [("batch-1", 0)]
    assert lines(find(desk, kind="review")) == [("batch-1", 1)]


def test_the_history_of_an_object_goes_through_the_batches_of_its_run(desk: Desk) -> None:
    def ask(batch_id: str, run: str, label: int) -> Batch:
        batch = desk.open(["a"], batch_id=batch_id, run=run)
        answer_all(desk, "ann", label)
        return batch

    for batch_id, run, label in (("one", "run-1", 0), ("else", "run-2", 2), ("two", "run-1", 1)):
        ask(batch_id, run, label)
    [(hit)] = find(desk, batch="one").hits
    history = AnswerSearch(desk.store, {}).history("one", hit.task.id)
    assert [(one.batch.id, one.task.answers) for one in history] == [("two", {"ann": 1}), ("one", {"ann": 0})]
    with pytest.raises(NotFoundError):
        AnswerSearch(desk.store, {}).history("one", "no task")


@pytest.mark.parametrize("text", ["", "~1.0~x", "one~", "one~nan~x", "one~inf~x", "one~x~y", "one~1.0"])
def test_a_place_that_was_not_given_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        Spot.read(text)


def test_a_batch_that_is_gone_is_told(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="gone"):
        find(desk, Spot.read("gone~1.0~x"))

"""Finds what people answered: a page at a time, at a cost that does not grow with the history.

A search walks through the done tasks, batch by batch, and stops after a page of hits or a bounded number of
tasks. It tells where it stopped, and the next request goes on from there. So both stores need only one order.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.service import is_for_an_owner
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, DataObject, Place, Purpose, Task, task_id

HITS_A_PAGE = 50
MOST_LOOKED_AT = 10_000
# How far back in a run an object's history is looked for.
MOST_BATCHES_OF_HISTORY = 50
_MOST_BATCHES, _LONGEST_SECONDS = 40, 2.0
_AT_ONCE = 50
_SEPARATOR = "~"
Kind = Literal[
    "", "disagreement", "undecided", "decided", "skipped", "again", "review", "gold", "discarded", "flagged"
]


@dataclass(frozen=True)
class Search:
    """What is looked for; what is empty or None does not matter. `person` is a name as it is shown.

    With a class and a person, it is this person who gave the class. `confidence` is the highest one that the
    model may have had, where people saw its label.
    """

    words: str = ""
    label: str = ""
    person: str = ""
    batch: str = ""
    kind: Kind = ""
    confidence: float | None = None
    newest_first: bool = True


@dataclass(frozen=True)
class Answered:
    """An object with what people said about it in one batch."""

    batch: Batch
    task: Task
    shown: DataObject


@dataclass(frozen=True)
class Spot:
    """Where a search stopped: at a task of a batch, or at the end of the batch."""

    batch_id: str
    place: Place | None

    def __str__(self) -> str:
        parts = (self.batch_id, *((repr(self.place.at), self.place.task_id) if self.place else ()))
        return _SEPARATOR.join(parts)

    @classmethod
    def read(cls, text: str) -> "Spot":
        """From an address. Raises RefusedError."""
        batch_id, *rest = text.split(_SEPARATOR)
        try:
            place = Place(float(rest[0]), rest[1]) if rest else None
        except (ValueError, IndexError):
            place = Place(math.nan, "")
        if not batch_id or (place is not None and not math.isfinite(place.at)):
            raise RefusedError("this address is not one that the workbench gave: begin the search again")
        return cls(batch_id, place)


@dataclass(frozen=True)
class Found:
    """The hits, how many tasks were looked at, and where to go on; None if all is looked through."""

    hits: list[Answered]
    looked_at: int
    stopped: Spot | None


class AnswerSearch:
    """Searches a store. `names` are people's names by their identity, where the two differ."""

    def __init__(
        self, store: TaskStore, names: Mapping[str, str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._names = names
        self._clock = clock

    def find(self, search: Search, after: Spot | None = None, most: int = HITS_A_PAGE) -> Found:
        hits: list[Answered] = []
        looked_at, ended, until = 0, 0, self._clock() + _LONGEST_SECONDS
        spot = last_hit = after
        for batch, tasks in self._parts(search, after):
            wanted = [task for task in tasks if self._is_wanted(search, batch, task)]
            objects = self._store.data_objects(batch.id, [task.id for task in wanted])
            for task in wanted:
                if not _shows(search, objects[task.id]):
                    continue
                if len(hits) == most:
                    return Found(hits, looked_at, last_hit)
                hits.append(Answered(batch, task, objects[task.id]))
                last_hit = Spot(batch.id, task.place)
            looked_at += len(tasks)
            ended += not tasks
            spot = Spot(batch.id, tasks[-1].place if tasks else None)
            if looked_at >= MOST_LOOKED_AT or ended >= _MOST_BATCHES or self._clock() > until:
                return Found(hits, looked_at, spot)
        return Found(hits, looked_at, None)

    def history(self, batch_id: str, own_id: str) -> list[Answered]:
        """All that people said about an object in its run, the newest first, from a task of it.

        Raises NotFoundError.
        """
        batch, task = self._store.batch(batch_id), self._store.task(batch_id, own_id)
        if batch is None or task is None:
            raise NotFoundError("there is no such object (any more): begin the search again")
        tasks = {(batch.id, task.id): (batch, task)}
        for other in self._of_run(batch) if task.purpose != "gold" else ():
            for purpose in ("label", "relabel"):
                found = self._store.task(other.id, _id_in(other, purpose, task))
                if found is not None:
                    tasks[other.id, found.id] = other, found
        answered = [self._shown(*one) for one in tasks.values()]
        return sorted(answered, key=lambda one: _last_moment(one.task), reverse=True)

    def _of_run(self, batch: Batch) -> list[Batch]:
        return [one for one in self._store.some_batches(MOST_BATCHES_OF_HISTORY) if one.run == batch.run]

    def _shown(self, batch: Batch, task: Task) -> Answered:
        return Answered(batch, task, self._store.data_objects(batch.id, [task.id])[task.id])

    def _parts(self, search: Search, after: Spot | None) -> Iterator[tuple[Batch, Sequence[Task]]]:
        """Batches with their done tasks, some at a time; a batch's end is a part without tasks."""
        for batch, place in self._batches(search, after):
            if search.label and search.label not in batch.classes:
                yield batch, ()
                continue
            yield from ((batch, tasks) for tasks in self._done(batch, search, place))
            yield batch, ()

    def _done(self, batch: Batch, search: Search, place: Place | None) -> Iterator[list[Task]]:
        while tasks := self._store.done(batch.id, _AT_ONCE, newest_first=search.newest_first, beyond=place):
            yield tasks
            place = tasks[-1].place

    def _batches(self, search: Search, after: Spot | None) -> Iterator[tuple[Batch, Place | None]]:
        named = after.batch_id if after else search.batch
        batch = self._store.batch(named) if named else None
        if after is not None and batch is None:
            raise RefusedError("the batch that the search was at is gone: begin the search again")
        if batch is not None and (after is None or after.place is not None):
            yield batch, after.place if after else None
        if search.batch:
            return
        while some := self._store.some_batches(10, newest_first=search.newest_first, beyond=batch):
            yield from ((one, None) for one in some)
            batch = some[-1]

    def _is_wanted(self, search: Search, batch: Batch, task: Task) -> bool:
        def is_meant(person: str) -> bool:
            return not search.person or self._names.get(person, person) == search.person

        said = {batch.classes[label] for person, label in task.answers.items() if is_meant(person)}
        if search.label and search.label not in said:
            return False
        others = (*task.skips, *(gone.person for gone in task.discarded))
        return bool(said or any(map(is_meant, others))) and is_of_kind(search.kind, batch, task)


def is_of_kind(kind: Kind, batch: Batch, task: Task) -> bool:
    return {
        "": True,
        "disagreement": task.disputed,
        "undecided": task.undecided and is_for_an_owner(task),
        "decided": task.decided is not None,
        "skipped": bool(task.skips),
        "again": task.needed > batch.people_per_object,
        "review": task.purpose == "relabel",
        "gold": task.purpose == "gold",
        "discarded": bool(task.discarded),
        "flagged": bool(task.flagged_by),
    }[kind]


def _shows(search: Search, shown: DataObject) -> bool:
    if search.confidence is not None and (shown.guess is None or shown.guess[1] > search.confidence):
        return False
    if not search.words:
        return True
    folded = shown.words.casefold()
    return all(word in folded for word in search.words.casefold().split())


def _id_in(batch: Batch, purpose: Purpose, task: Task) -> str:
    return task_id(batch.id, purpose, task.object_id)


def _last_moment(task: Task) -> float:
    return max((entry.at for entry in task.entries.values()), default=0.0)

"""How each person works: how much, how fast, and how far others and the gold objects agree."""

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from labelloop.workbench.answer_search import MOST_BATCHES_OF_HISTORY, MOST_LOOKED_AT
from labelloop.workbench.service import NOBODY
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, DataObject, Entry, Task

# Nobody sees an object, decides and presses a key in less.
LEAST_SECONDS = 0.3
# Twice as fast as people skim a text, 20 words a second. So much is read at least; the rest may be left out.
LETTERS_A_SECOND = 120.0
LETTERS_READ = 240
# Everybody hits a wrong key now and then.
_MANY_TOO_FAST = 5
_SHARE_TOO_FAST = 0.1


@dataclass
class PersonReport:
    """What one person did in a run. Counts are of answers, `seconds` the durations that are known."""

    identity: str
    answers: int = 0
    skips: int = 0
    discarded: int = 0
    seconds: list[float] = field(default_factory=list)
    too_fast: int = 0
    agreed: int = 0  # of the answers that others gave about the same objects, those that are the same
    compared: int = 0
    gold_right: int = 0
    gold: int = 0
    seen: float = 0.0
    in_newest: int = 0  # answers and skips in the newest batch that was looked at

    @property
    def median_seconds(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def is_too_fast(self) -> bool:
        """Whether so many answers came faster than anybody reads that it is no accident."""
        return self.too_fast >= max(_MANY_TOO_FAST, _SHARE_TOO_FAST * len(self.seconds))

    def says(self, entry: Entry, shown: DataObject) -> None:
        self.seen = max(self.seen, entry.at)
        if entry.kind == "skip":
            self.skips += 1
            return
        self.answers += 1
        if entry.seconds is not None:
            self.seconds.append(entry.seconds)
            self.too_fast += entry.seconds < seconds_to_read(shown)


@dataclass(frozen=True)
class PeopleReport:
    """A report on everybody who worked in a run, by identity, from its newest batches."""

    people: Mapping[str, PersonReport]
    batches: int
    is_whole: bool  # whether that is all of the run


def seconds_to_read(shown: DataObject) -> float:
    """The time in which nobody can have answered."""
    if shown.source_ref is not None:
        return LEAST_SECONDS
    return LEAST_SECONDS + min(len(shown.words), LETTERS_READ) / LETTERS_A_SECOND


def report_on_people(store: TaskStore, newest: Batch) -> PeopleReport:
    """On the run of a batch, from this one back, up to a bounded number of objects."""
    batches, is_whole = newest_batches(store, newest)
    looked_at = _Looker(store)
    for number, batch in enumerate(batches):
        looked_at.add(batch, is_newest=number == 0)
    return PeopleReport(looked_at.report(), len(batches), is_whole=is_whole)


def newest_batches(store: TaskStore, newest: Batch) -> tuple[list[Batch], bool]:
    """A batch and those before it of its run, with a bounded number of objects; and whether that is all."""
    earlier = store.some_batches(MOST_BATCHES_OF_HISTORY, beyond=newest)
    found, objects = [newest], newest.total
    for batch in earlier:
        if batch.run != newest.run:
            continue
        objects += batch.total
        if objects > MOST_LOOKED_AT:
            return found, False
        found.append(batch)
    return found, len(earlier) < MOST_BATCHES_OF_HISTORY


class _Looker:
    """Looks through batches, the newest first."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._people: dict[str, PersonReport] = {}
        # By object, each person's last word. A gold object's number is a line of another file.
        self._said: dict[tuple[bool, int], dict[str, str]] = defaultdict(dict)

    def add(self, batch: Batch, *, is_newest: bool) -> None:
        for account in self._store.annotators(batch.id):
            if account.name != NOBODY:
                self._of(account.name).seen = max(self._of(account.name).seen, account.seen)
        tasks = [task for task in self._store.tasks(batch.id) if task.entries or task.discarded]
        shown = self._store.data_objects(batch.id, [task.id for task in tasks])
        for task in tasks:
            self._add_task(batch, task, shown[task.id], is_newest=is_newest)

    def report(self) -> dict[str, PersonReport]:
        for answers in self._said.values():
            for person, label in answers.items():
                report = self._of(person)
                report.compared += len(answers) - 1
                report.agreed += sum(other == label for other in answers.values()) - 1
        return self._people

    def _add_task(self, batch: Batch, task: Task, shown: DataObject, *, is_newest: bool) -> None:
        for person, entry in task.entries.items():
            if entry.kind != "lease":
                self._of(person).says(entry, shown)
                self._of(person).in_newest += is_newest
        for gone in task.discarded:
            self._of(gone.person).discarded += 1
        for person, label in task.answers.items():
            self._said[task.purpose == "gold", task.object_id].setdefault(person, batch.classes[label])
            if task.purpose == "gold":
                self._of(person).gold += 1
                self._of(person).gold_right += label == task.known_label

    def _of(self, person: str) -> PersonReport:
        return self._people.setdefault(person, PersonReport(person))

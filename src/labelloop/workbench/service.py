"""What people and owners can do with a batch: lease, answer, skip, undo; pause, close, ask again."""

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labelloop.workbench.closing import INTERRUPTED_AFTER_SECONDS, Closing
from labelloop.workbench.errors import ConflictError, NotFoundError, RefusedError
from labelloop.workbench.guidelines import require_version
from labelloop.workbench.retrying import ATTEMPTS, pause, until_written
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import ANSWERS_OF_PACE, Annotator, Batch, DataObject, Decision, Entry, Task
from labelloop.workbench.waiting import Wait, Waits

# Enough for a page that prefetches. Nobody can block more tasks for others.
MOST_HELD = 20
# How many tasks a page prefetches, unless few are left.
MOST_AHEAD = 5
# And where it shows several at once (grid_view.js).
MOST_IN_GRID = 9
LONGEST_REASON = 500
_CANDIDATES = 100
# While so many tasks are left for everyone of so many people, it need not be known how many there are.
_MANY_PEOPLE = 200
NOT_DECIDABLE = (
    "nobody decides in this batch: it may have objects that were drawn for a test of the certificate, which "
    "takes answers that people give without knowing each other's"
)
NOT_DISCARDABLE = (
    "no answers are discarded in this batch: it may have objects that were drawn for a test of the "
    "certificate, and who may discard answers has seen them"
)
# How many tasks are changed in one write.
_AT_ONCE = 50
# The account of changes that no person made.
NOBODY = ""

Change: TypeAlias = Callable[[Task, Annotator, float], tuple[Task, Annotator]]


@dataclass(frozen=True)
class Progress:
    """Progress of a batch, in tasks; `mine` is one person's answers, `per_minute` that person's pace."""

    total: int
    done: int
    mine: int
    per_minute: float | None
    skipped: int


@dataclass(frozen=True)
class Handed:
    """Tasks leased to a person with what they show, and the state.

    That is open, none, paused, closed, held, done or suspended: held if nothing is left but what others have,
    done if nothing is left for this person, suspended if an owner has paused this person.
    `held` are the tasks that the page says it holds and that are still leased to the person. A page may hold
    `ahead` tasks. `wait` is how long nothing is there, where a run will open another batch.
    """

    tasks: list[tuple[Task, DataObject]]
    state: str
    batch: Batch | None
    progress: Progress | None
    held: frozenset[str] = frozenset()
    ahead: int = 1
    wait: Wait | None = None


class Workbench:
    """Rules for every store: no task goes to more people than needed, no answer is lost or doubled."""

    def __init__(self, store: TaskStore, closing: Closing, *, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._closing = closing
        self._clock = clock
        self._waits = Waits(store, clock=clock)

    def current_batch(self) -> Batch | None:
        """The oldest open batch, else the oldest paused one, else none.

        One that a state machine still waits for comes before one whose run is over.
        """
        batches = self.store.unfinished()
        if any(batch.state in ("closing", "closed") for batch in batches):
            self._closing.go_on(after_seconds=INTERRUPTED_AFTER_SECONDS)
        return next(iter(running_batches(batches)), None)

    def shown_batch(self, batch_id: str) -> Batch | None:
        """The batch with this id. Without one, that which people label now, else the newest.

        Raises NotFoundError.
        """
        return self.batch(batch_id) if batch_id else self.current_batch() or self.store.newest()

    def is_over(self) -> bool:
        """Whether the work has ended: all batches are closed, and no run will open another one."""
        if any(batch.state != "closed" for batch in self.store.unfinished()):
            return False
        last = self.store.newest()
        return last is not None and last.run_state_uri is None and not last.more_follow

    def batch(self, batch_id: str) -> Batch:
        """Raises NotFoundError."""
        batch = self.store.batch(batch_id)
        if batch is None:
            raise NotFoundError(f"there is no batch {batch_id}: load the page again")
        return batch

    def progress(self, batch: Batch, person: str) -> Progress:
        mine, all_people = self.store.annotator(batch.id, person), self.store.totals(batch.id)
        return Progress(
            total=batch.total,
            done=all_people.completed,
            mine=mine.answers,
            per_minute=mine.pace(self._clock()),
            skipped=all_people.skips,
        )

    # People -----------------------------------------------------------------------------------------------

    def next_tasks(self, person: str, count: int, holding: Sequence[str] = ()) -> Handed:
        """Up to `count` tasks for a person. The leases of the tasks that the person holds are renewed.

        If the page was reloaded, it does not hold some tasks that are leased to the person. It gets them
        again.
        """
        batch = self.current_batch()
        if batch is None:
            return Handed([], "none", None, None, wait=self._waits.now())
        tasks = self._lease(batch, person, count, set(holding)) if batch.state == "open" else []
        if tasks is None:
            return Handed([], "suspended", batch, self.progress(batch, person))
        shown = self.store.data_objects(batch.id, [task.id for task in tasks])
        held = frozenset(holding).intersection(self.store.annotator(batch.id, person).holding)
        nothing_left = batch.state == "open" and not tasks and not holding
        progress = self.progress(batch, person)
        return Handed(
            [(task, shown[task.id]) for task in tasks],
            state=self._why_nothing(batch, person) if nothing_left else batch.state,
            batch=batch,
            progress=progress,
            held=held,
            ahead=self._ahead(batch, person, progress.total - progress.done),
        )

    def _why_nothing(self, batch: Batch, person: str) -> str:
        """Whether others hold what is left, and may give it back, or nothing is left for this person."""
        all_leases_over = self._clock() + batch.lease_seconds + 1
        return "held" if self.store.available(batch.id, person, now=all_leases_over, most=1) else "done"

    def _ahead(self, batch: Batch, person: str, left: int) -> int:
        """Who prefetches many of the last tasks leaves nothing to the others at work."""
        most = MOST_IN_GRID if batch.grid else MOST_AHEAD
        if left >= most * _MANY_PEOPLE:
            return most
        people = self._at_work(batch, self._clock()) | {person}
        if len(people) == 1:
            return most
        return max(1, min(most, left // (2 * len(people))))

    def _at_work(self, batch: Batch, now: float) -> set[str]:
        since = now - batch.lease_seconds
        return {one.name for one in self.store.annotators(batch.id) if one.seen > since} - {NOBODY}

    def release(self, batch_id: str, task_ids: Sequence[str], person: str) -> None:
        """End a person's leases, because the page is not visible.

        An answer still counts until somebody else gets the task.
        """

        def write() -> None:
            now = self._clock()
            tasks = [self.store.task(batch_id, task_id) for task_id in task_ids]
            released = [task.released_by(person, now) for task in tasks if task and task.is_leased_to(person)]
            if released:
                self.store.write(released)

        until_written(write)

    def answer(
        self,
        batch_id: str,
        task_id: str,
        person: str,
        label: int,
        seconds: float | None = None,
        *,
        guidelines: int | None = None,
    ) -> Progress:
        """Store a person's answer, in place of an earlier one. The same answer again changes nothing.

        `guidelines` is the version that the person's page showed. Raises NotFoundError. Raises RefusedError
        when the batch is closed, when the task belongs to somebody else now, or when the label is no class.
        """
        batch = self.batch(batch_id)
        _require_class(batch, label)
        require_version(batch, guidelines)

        def change(task: Task, annotator: Annotator, now: float) -> tuple[Task, Annotator]:
            before = task.entries[person]
            if before.kind == "answer" and before.label == label:
                return task, annotator
            spent = None if seconds is None else min(max(seconds, 0.0), float(batch.lease_seconds))
            entry = Entry(kind="answer", at=now, label=label, seconds=spent, guidelines=guidelines)
            annotator = _without(annotator, before)
            return _replace(task, annotator, person, entry).counted_with(
                answers=annotator.answers + 1,
                seconds=annotator.seconds + (spent or 0.0),
                recent=(*annotator.recent, now)[-ANSWERS_OF_PACE:],
            )

        return self._change(batch, task_id, person, change)

    def skip(
        self, batch_id: str, task_id: str, person: str, reason: str, *, guidelines: int | None = None
    ) -> Progress:
        """Store that a person cannot answer a task. Raises the errors of `answer`."""
        batch = self.batch(batch_id)
        require_version(batch, guidelines)
        reason = " ".join(reason.split())[:LONGEST_REASON] or "no reason given"

        def change(task: Task, annotator: Annotator, now: float) -> tuple[Task, Annotator]:
            before = task.entries[person]
            if before.kind == "skip" and before.reason == reason:
                return task, annotator
            annotator = _without(annotator, before)
            entry = Entry(kind="skip", at=now, reason=reason, guidelines=guidelines)
            return _replace(task, annotator, person, entry).counted_with(skips=annotator.skips + 1)

        return self._change(batch, task_id, person, change)

    def undo(self, batch_id: str, task_id: str, person: str) -> tuple[Task, DataObject]:
        """Take a person's answer or skip back, and lease them the task again. Raises as `answer` does."""
        batch = self.batch(batch_id)

        def change(task: Task, annotator: Annotator, now: float) -> tuple[Task, Annotator]:
            annotator = _without(annotator, task.entries[person])
            entry = Entry(kind="lease", at=now, until=now + batch.lease_seconds)
            held = tuple({**dict.fromkeys(annotator.holding), task.id: None})
            return _replace(task, annotator, person, entry).counted_with(holding=held)

        self._change(batch, task_id, person, change)
        task = self.store.task(batch_id, task_id)
        assert task is not None
        return task, self.store.data_objects(batch_id, [task_id])[task_id]

    # Owners -----------------------------------------------------------------------------------------------

    def pause(self, batch_id: str) -> Batch:
        """Hand out no more tasks. Answers to tasks that people hold still count."""
        return self._set_state(batch_id, "open", "paused")

    def resume(self, batch_id: str) -> Batch:
        return self._set_state(batch_id, "paused", "open")

    def give_longer(self, batch_id: str, days: int) -> Batch:
        """Move the deadline by so many days. Until then the batch stays open, also if nobody answers.

        Raises NotFoundError. Raises RefusedError where there is no deadline, and beyond the last moment.
        """

        def write() -> Batch:
            batch = self.batch(batch_id)
            _require_running(batch)
            if batch.ends_at is None:
                raise RefusedError("this batch has no deadline: it is open until everything is done")
            until = max(batch.ends_at, self._clock()) + days * 24 * 3600
            if until > batch.latest_deadline:
                raise RefusedError(
                    "the deadline cannot be moved that far: the files of the run would be removed before it. "
                    "Close the batch: people are asked about the rest in the next one"
                )
            return self.store.save_batch(batch.model_copy(update={"open_until": until}))

        return until_written(write)

    def close(self, batch_id: str, because: str = "closed by its owner") -> Batch:
        """End a batch: its labels count, the rest returns to the pool. Closing it again changes nothing."""
        return self._closing.request(self.batch(batch_id), because)

    def ask_again(self, batch_id: str) -> int:
        """Send each complete task that people disagree about to one more person; return how many."""
        batch = self.batch(batch_id)
        _require_running(batch)
        disputed = [task for task in self.store.tasks(batch_id) if task.undecided]
        sent = 0
        for task in disputed:
            sent += self._ask_one_more(task)
        return sent

    def decide(self, batch_id: str, task_id: str, owner: str, label: int) -> None:
        """Store which class an object has that people disagree about, in place of an earlier decision.

        Raises NotFoundError. Raises RefusedError where no owner may decide.
        """
        batch = self.batch(batch_id)
        _require_running(batch)
        if not batch.decidable:
            raise RefusedError(NOT_DECIDABLE)
        _require_class(batch, label)

        def write() -> float:
            task, now = self._task_in_dispute(batch, task_id), self._clock()
            decision = Decision(by=owner, at=now, label=label)
            account = self.store.annotator(batch.id, NOBODY)
            self.store.write([task.model_copy(update={"decided": decision})], account)
            return now

        self._closing.heartbeat(batch, until_written(write))
        if self.store.totals(batch.id).completed >= batch.total:
            self._close_if_complete(batch)

    def pause_person(self, person: str) -> None:
        """Give a person no more objects. What the person holds goes to others."""
        self._set_paused(person, paused=True)
        self.take_leases(person)

    def resume_person(self, person: str) -> None:
        self._set_paused(person, paused=False)

    def take_leases(self, person: str) -> None:
        """Give what a person holds to others at once."""
        for batch in running_batches(self.store.unfinished()):
            self._take_leases(batch, person)

    def discard(self, batch_id: str, person: str, owner: str) -> int:
        """Discard what a person said in a batch, so that others are asked; return about how many objects.

        It stays in the tasks' histories. Raises NotFoundError. Raises RefusedError where nothing may be
        discarded.
        """
        batch = self.batch(batch_id)
        _require_running(batch)
        if not batch.decidable:
            raise RefusedError(NOT_DISCARDABLE)
        said = [task.id for task in self.store.tasks(batch_id) if task.is_said_by(person)]
        return sum(
            self._discard(batch, said[start : start + _AT_ONCE], person, owner)
            for start in range(0, len(said), _AT_ONCE)
        )

    # How it is done ---------------------------------------------------------------------------------------

    def _lease(self, batch: Batch, person: str, count: int, holding: set[str]) -> list[Task] | None:
        """None if an owner has paused the person."""
        start = hashlib.sha256(person.encode()).hexdigest()[:20]
        for attempt in range(ATTEMPTS):
            now = self._clock()
            annotator = self.store.annotator(batch.id, person)
            # After the account is read: a pause from now on changes the account, and the write fails.
            if self.store.member(person).paused:
                return None
            held = self._held(annotator)
            again = [task for task in held if task.id not in holding][:count]
            wanted = max(0, min(count - len(again), MOST_HELD - len(held)))
            found = self._candidates(batch, person, wanted, start, now, attempt)
            found = self._like_after_like(person, [one for one in held if one.id in holding], found, now)
            fresh = [task.leased_to(person, now, batch.lease_seconds) for task in found]
            renewed = [
                task.leased_to(person, now, batch.lease_seconds)
                for task in held
                # What a page has given back is for others, though still its own until somebody asks.
                if (task.id in holding or task in again)
                and (task.entries[person].until or 0.0) - now < batch.lease_seconds / 2
            ]
            ids = tuple(task.id for task in (*held, *fresh))
            if not fresh and not renewed and ids == annotator.holding:
                return again
            try:
                self.store.write([*fresh, *renewed], annotator.counted(holding=ids, seen=now))
            except ConflictError:
                pause(attempt)
                continue
            return [*again, *fresh]
        return []

    def _held(self, annotator: Annotator) -> list[Task]:
        """Tasks still leased to a person. An expired lease is theirs until somebody else takes the task."""
        tasks = (self.store.task(annotator.batch_id, task_id) for task_id in annotator.holding)
        return [task for task in tasks if task is not None and task.is_leased_to(annotator.name)]

    def _like_after_like(
        self, person: str, held: Sequence[Task], found: list[Task], now: float
    ) -> list[Task]:
        """As many free tasks as found, each most like the one before; where none is near, the found ones."""
        chain: list[Task] = []
        last = held[-1] if held else None
        for other in found:
            near = self._free_near(last, person, {task.id for task in chain}, now) if last else None
            if near is None and other.id in {task.id for task in chain}:
                continue
            last = near or other
            chain.append(last)
        return chain

    def _free_near(self, last: Task, person: str, but: set[str], now: float) -> Task | None:
        near = (self.store.task(last.batch_id, task_id) for task_id in last.near if task_id not in but)
        return next((task for task in near if task and task.is_free_for(person, now)), None)

    def _candidates(
        self, batch: Batch, person: str, wanted: int, start: str, now: float, attempt: int
    ) -> list[Task]:
        if not wanted:
            return []
        most = wanted if attempt == 0 else _CANDIDATES
        found = self.store.available(batch.id, person, now=now, most=most, after=start)
        if not found:
            found = self._answered_before(batch, person, now)
        # After a conflict, somebody else wants the same tasks. So choose at random among more of them.
        return found[:wanted] if attempt == 0 else random.sample(found, min(wanted, len(found)))

    def _answered_before(self, batch: Batch, person: str, now: float) -> list[Task]:
        """Objects that a person answered in an earlier batch: only when nobody else can answer them."""
        tasks = self.store.available(batch.id, person, now=now, most=_CANDIDATES, again=True)
        if not tasks:
            return []
        since = now - batch.lease_seconds
        earlier = batch.people if batch.created > since else ()
        others = self._at_work(batch, now).union(earlier) - {person, NOBODY}
        return [task for task in tasks if not others.difference(task.answered_before, task.entries)]

    def _change(self, batch: Batch, task_id: str, person: str, change: Change) -> Progress:
        if self.store.member(person).paused:
            raise RefusedError(
                "an owner has paused your work here: nothing you send counts until it is resumed"
            )

        def write() -> float | None:
            task = self._task_of(batch, task_id, person)
            annotator = self.store.annotator(batch.id, person)
            now = self._clock()
            changed, account = change(task, annotator, now)
            if changed == task:
                return None
            self.store.write([changed], account.counted(seen=now))
            return now

        written = until_written(write)
        if written is not None:
            self._closing.heartbeat(batch, written)
        progress = self.progress(batch, person)
        if progress.done >= progress.total:
            self._close_if_complete(batch)
        return progress

    def _task_of(self, batch: Batch, task_id: str, person: str) -> Task:
        task = self.store.task(batch.id, task_id)
        if task is None:
            raise NotFoundError(f"there is no task {task_id}: load the page again")
        if task.sealed or batch.state in ("closing", "closed"):
            raise RefusedError("this batch is closed: its labels are already merged")
        if person not in task.entries:
            raise RefusedError("somebody else has this object now: continue with the next one")
        return task

    def _task_in_dispute(self, batch: Batch, task_id: str) -> Task:
        task = self.store.task(batch.id, task_id)
        if task is None:
            raise NotFoundError(f"there is no task {task_id}: load the page again")
        if task.sealed:
            raise RefusedError("this batch is closed: its labels are already merged")
        if not is_for_an_owner(task):
            raise RefusedError("there is nothing to decide about this object: go on with the next one")
        return task

    def _close_if_complete(self, batch: Batch) -> None:
        """Close the batch if all tasks are done: the people's accounts say so, but the tasks decide."""
        if all(
            task.complete and not (batch.adjudicate and task.undecided and is_for_an_owner(task))
            for task in self.store.tasks(batch.id)
        ):
            self._closing.request(batch, "every object is done")

    def _set_state(self, batch_id: str, before: str, after: str) -> Batch:
        def write() -> Batch:
            batch = self.batch(batch_id)
            _require_running(batch)
            if batch.state != before:
                return batch
            return self.store.save_batch(batch.model_copy(update={"state": after}))

        return until_written(write)

    def _set_paused(self, person: str, *, paused: bool) -> None:
        def write() -> None:
            member = self.store.member(person)
            self.store.save_member(member.model_copy(update={"paused": paused}))

        until_written(write)

    def _take_leases(self, batch: Batch, person: str) -> None:
        def write() -> None:
            annotator = self.store.annotator(batch.id, person)
            if annotator.version:
                taken = [task.taken_from(person) for task in self._held(annotator)]
                # Not seen: the person is none of those at work, whom others would wait for.
                self.store.write(taken, annotator.counted(holding=(), seen=0.0))

        until_written(write)

    def _discard(self, batch: Batch, task_ids: Sequence[str], person: str, owner: str) -> int:
        def write() -> int:
            now, account = self._clock(), self.store.annotator(batch.id, person)
            changed = []
            for task in filter(None, (self.store.task(batch.id, task_id) for task_id in task_ids)):
                if task.sealed or not task.is_said_by(person):
                    continue
                without = task.discarding(person, owner, now)
                completed = account.completed + int(without.complete) - int(task.complete)
                account = _without(account, task.entries[person]).counted(completed=completed)
                changed.append(without)
            if changed:
                self.store.write(changed, account)
            return len(changed)

        return until_written(write)

    def _ask_one_more(self, task: Task) -> bool:
        def write() -> bool:
            current = self.store.task(task.batch_id, task.id)
            if current is None or current.sealed or not current.undecided:
                return False
            account = self.store.annotator(task.batch_id, NOBODY)
            asked = current.model_copy(update={"needed": len(current.answers) + len(current.skips) + 1})
            self.store.write([asked], account.counted(completed=account.completed - 1))
            return True

        return until_written(write)


@dataclass(frozen=True)
class _Replaced:
    task: Task
    annotator: Annotator

    def counted_with(self, **changes: object) -> tuple[Task, Annotator]:
        return self.task, self.annotator.counted(**changes)


def _replace(task: Task, annotator: Annotator, person: str, entry: Entry) -> _Replaced:
    """A task with a person's new entry, and the account with the task's completion counted."""
    changed = task.with_entries({**task.entries, person: entry})
    completed = annotator.completed + int(changed.complete) - int(task.complete)
    held = tuple(task_id for task_id in annotator.holding if task_id != task.id)
    return _Replaced(changed, annotator.counted(completed=completed, holding=held))


def _without(annotator: Annotator, entry: Entry) -> Annotator:
    """A person's account without an answer or skip that is taken back or replaced."""
    if entry.kind == "answer":
        recent = tuple(moment for moment in annotator.recent if moment != entry.at)
        return annotator.counted(
            answers=annotator.answers - 1,
            seconds=annotator.seconds - (entry.seconds or 0.0),
            recent=recent,
        )
    if entry.kind == "skip":
        return annotator.counted(skips=annotator.skips - 1)
    return annotator


def is_for_an_owner(task: Task) -> bool:
    """Whether an owner may decide about it. Gold objects have a known class, reviews a rule of their own."""
    return task.purpose == "label" and task.complete and task.disputed


def _require_class(batch: Batch, label: int) -> None:
    if not 0 <= label < len(batch.classes):
        raise RefusedError(f"{label} is not a class: there are classes 0 to {len(batch.classes) - 1}")


def running_batches(batches: Sequence[Batch]) -> list[Batch]:
    """Those of the batches that are open or paused and not ending, in the order in which people label them.

    An open one before a paused one, those that a run waits for before those ahead, the oldest first; last
    those whose run is over. Who pauses a batch of a run pauses what is ahead of it.
    """
    running = [batch for batch in batches if batch.state in ("open", "paused") and not batch.ending]
    paused_runs = {batch.run for batch in running if batch.state == "paused" and not batch.ahead}

    def is_paused(batch: Batch) -> bool:
        return batch.state == "paused" or (batch.ahead and batch.run in paused_runs)

    return sorted(running, key=lambda batch: (batch.orphaned, is_paused(batch), batch.ahead))


def _require_running(batch: Batch) -> None:
    if batch.state in ("closing", "closed"):
        raise RefusedError("this batch is closed already")

"""Comments: a person flags an object, a reviewer replies, and the person sees the reply."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.retrying import until_written
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Comment, DataObject, Task

LONGEST_COMMENT = 500
MOST_COMMENTS = 40  # on one object: a stored document has a limited size
# A person's newest unread replies. Older ones are in the object's history only.
MOST_UNREAD = 20
NO_REPLY_YET = (
    "nobody replies before this batch is closed: it may have objects that were drawn for a test of the "
    "certificate, which takes answers that people give by themselves"
)
_GONE = "there is no such object (any more): load the page again"


@dataclass(frozen=True)
class Unread:
    """A reply that a person has not seen, with what it replies to."""

    batch: Batch
    task: Task
    shown: DataObject
    comment: str
    reply: Comment


class Comments:
    """The rules of comments. They change no answer, and nothing that is counted."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def flag(self, batch_id: str, task_id: str, person: str, text: str) -> None:
        """Flag an object that a person has or has answered. The text may be empty.

        Raises NotFoundError. Raises RefusedError when the object is not the person's, or the batch closed.
        """
        if self._store.member(person).paused:
            raise RefusedError("an owner has paused your work here: you cannot flag objects now")

        def write() -> None:
            task = self._task(batch_id, task_id)
            if task.sealed:
                raise RefusedError("this batch is closed, so nobody can be asked about the object any more")
            if person not in task.entries:
                raise RefusedError("somebody else has this object now: continue with the next one")
            comment = Comment(by=person, at=self._clock(), text=_cleaned(text))
            self._store.write([_with(task, comment)])

        until_written(write)

    def reply(self, batch_id: str, task_id: str, reviewer: str, to: str, text: str) -> None:
        """Reply to a person who flagged an object. Raises NotFoundError and RefusedError."""
        text = _cleaned(text)
        if not text:
            raise RefusedError("write something first")

        def write() -> None:
            batch, task = self._store.batch(batch_id), self._task(batch_id, task_id)
            if batch is None:
                raise NotFoundError(_GONE)
            hindrance = self.no_reply_because(batch)
            if hindrance:
                raise RefusedError(hindrance)
            if to not in task.flagged_by:
                raise RefusedError("this person has not flagged the object: load the page again")
            self._store.write([_with(task, Comment(by=reviewer, at=self._clock(), text=text, to=to))])

        until_written(write)
        self._change_unread(
            to, lambda unread: (*(one for one in unread if one != (batch_id, task_id)), (batch_id, task_id))
        )

    def no_reply_because(self, batch: Batch) -> str:
        """Why nobody can reply in this batch now; empty if one can."""
        if batch.state in ("open", "paused"):
            return "" if batch.decidable else NO_REPLY_YET
        if batch.id in {one.id for one in self._store.unfinished()}:
            # Letting it go writes each of its tasks once more, as it was read.
            return "this batch is just being closed: try again in a minute"
        return ""

    def unread(self, person: str) -> list[Unread]:
        """The newest reply on each object about which a person has unread ones."""
        found = []
        for batch_id, task_id in self._store.member(person).unread:
            batch, task = self._store.batch(batch_id), self._store.task(batch_id, task_id)
            if batch is None or task is None:
                continue
            replies = [comment for comment in task.comments if comment.to == person]
            own = [comment for comment in task.comments if comment.to is None and comment.by == person]
            if replies and own:
                shown = self._store.data_objects(batch_id, [task_id])[task_id]
                found.append(Unread(batch, task, shown, own[-1].text, replies[-1]))
        return found

    def seen(self, batch_id: str, task_id: str, person: str) -> None:
        """The person has seen the replies about an object."""
        self._change_unread(person, lambda unread: tuple(one for one in unread if one != (batch_id, task_id)))

    def _task(self, batch_id: str, task_id: str) -> Task:
        task = self._store.task(batch_id, task_id)
        if task is None:
            raise NotFoundError(_GONE)
        return task

    def _change_unread(
        self, person: str, change: Callable[[tuple[tuple[str, str], ...]], tuple[tuple[str, str], ...]]
    ) -> None:
        def write() -> None:
            member = self._store.member(person)
            unread = change(member.unread)[-MOST_UNREAD:]
            if unread != member.unread:
                self._store.save_member(member.model_copy(update={"unread": unread}))

        until_written(write)


def _with(task: Task, comment: Comment) -> Task:
    if len(task.comments) >= MOST_COMMENTS:
        raise RefusedError("there are too many comments about this object already")
    return task.model_copy(update={"comments": (*task.comments, comment)})


def _cleaned(text: str) -> str:
    return " ".join(text.split())[:LONGEST_COMMENT]

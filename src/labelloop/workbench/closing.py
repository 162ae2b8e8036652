"""The end of a batch: seal its tasks, write the output manifest, and tell the waiting state machine."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from labelloop.core.errors import LabelloopError
from labelloop.workbench.corrections import Corrections
from labelloop.workbench.errors import ConflictError
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Task
from labelloop.workflow.run_files import reviews_beside

# How many tasks one write contains.
_AT_ONCE = 50
# Whoever closes a batch says so this often. After three times as long without a word, it was interrupted.
_SAID_EVERY_SECONDS = 20.0
INTERRUPTED_AFTER_SECONDS = 60.0
# The store keeps a batch this long after its output is written. A run may wait a month for one batch
# (DeadlineInSeconds), and look back at who answered in its earlier ones.
KEPT_SECONDS = 180 * 24 * 3600.0
# Letting a batch go takes no longer than this: it is the longest that a function runs.
_LET_GO_AFTER_SECONDS = 900.0
# Closes a batch somewhere else, later: takes its id.
Elsewhere = Callable[[str], None]


class Files(Protocol):
    """Reads and writes manifests; `labelloop.storage.s3` is an implementation."""

    def read_lines(self, uri: str) -> Iterator[bytes]: ...

    def write_lines(self, uri: str, lines: Iterable[bytes]) -> int: ...


class Waiting(Protocol):
    """Is told what happens to a batch, because it waits for its end."""

    def batch_closed(self, batch: Batch) -> None:
        """The output is at the batch's `output_uri`. May be called more than once for a batch."""
        ...

    def batch_failed(self, batch: Batch, cause: str) -> None:
        """The output could not be written."""
        ...

    def heartbeat(self, batch: Batch) -> bool | None:
        """People are at work. False if nobody waits for the batch any more."""
        ...


class Closing:
    """Closes batches. After an interruption, closing the same batch again completes it."""

    def __init__(
        self,
        store: TaskStore,
        files: Files,
        waiting: Waiting,
        *,
        clock: Callable[[], float] = time.time,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`elsewhere`: where batches are closed that a request asks to close, if it has not the time."""
        self._store = store
        self._elsewhere = elsewhere
        self._files = files
        self._waiting = waiting
        self._clock = clock

    def request(self, batch: Batch, because: str) -> Batch:
        """Accept no more answers, and close the batch: here, or elsewhere while the caller goes on."""
        if self._elsewhere is None:
            return self.close(batch, because)
        batch = self._begin(batch, because)
        self._elsewhere(batch.id)
        return batch

    def close(self, batch: Batch, because: str) -> Batch:
        """Close the batch and return it. Answers accepted before are in its output, later ones are refused.

        Closing a closed batch writes the same output again. Raises LabelloopError when it cannot be written.
        """
        batch = self._begin(batch, because)
        tasks = self._sealed_tasks(batch)
        try:
            self._write_output(batch, tasks)
        except LabelloopError as error:
            self._waiting.batch_failed(batch, str(error))
            raise
        undone = sum(
            not task.counts_with(batch.people_per_object) for task in tasks if task.purpose == "label"
        )
        closed = self._save(batch, undone)
        self._waiting.batch_closed(closed)
        # Last, as nobody waits for it.
        self._let_go(closed)
        return closed

    def waits_with(self, batch: Batch, task_token: str, run: str | None = None) -> None:
        """Store the token of the state machine that waits. If the batch is closed, tell it at once.

        `run` is its execution, which is another one than before if it resumes a run.
        """
        update: dict[str, Any] = {"task_token": task_token, "last_heartbeat": 0.0, "orphaned": False}
        if run:
            update["run"] = run
        batch = self._write(batch, update, until=lambda now: now.task_token == task_token)
        if _is_over(batch):
            self.close(batch, batch.closed_because or "")

    def goes_on_in(self, batch: Batch, run: str) -> None:
        """Note that another execution goes on with a batch that no state machine waits for."""
        self._write(batch, {"run": run}, until=lambda now: now.run == run or _is_over(now))

    def hands_out_no_more(self, batch_id: str) -> None:
        """People have the next round's batch now. What they hold of this one, they may still answer."""
        batch = self._store.batch(batch_id)
        if batch is not None:
            self._write(batch, {"ending": True}, until=lambda now: now.ending or _is_over(now))

    def go_on(self, *, after_seconds: float = 0.0) -> None:
        """Complete the batches that an interruption left half closed, at least `after_seconds` ago."""
        for batch in self._store.unfinished():
            patience = {"closing": after_seconds, "closed": _LET_GO_AFTER_SECONDS}.get(batch.state)
            if patience is not None and self._clock() - (batch.closing_since or 0) >= patience:
                self._go_on_with(batch)

    def _go_on_with(self, batch: Batch) -> None:
        if self._elsewhere is None:
            self.close(batch, batch.closed_because or "")
        elif self._says_so(batch):
            self._elsewhere(batch.id)

    def _says_so(self, batch: Batch) -> bool:
        """Note that the batch is being closed at this moment. False if somebody else has just written it."""
        try:
            self._store.save_batch(batch.model_copy(update={"closing_since": self._clock()}))
        except ConflictError:
            return False
        return True

    def _let_go(self, batch: Batch) -> None:
        try:
            self._store.let_go(batch.id, self._clock() + KEPT_SECONDS)
        except ConflictError:
            return  # Somebody has closed it again, and lets it go too.

    def heartbeat(self, batch: Batch, now: float) -> None:
        """Tell the waiting state machine every few minutes that people are at work."""
        if batch.task_token is None or now - batch.last_heartbeat < batch.heartbeat_every:
            return
        try:
            saved = self._store.save_batch(batch.model_copy(update={"last_heartbeat": now}))
        except ConflictError:
            return  # Another person's answer has sent the heartbeat.
        if self._waiting.heartbeat(batch) is False:
            with contextlib.suppress(ConflictError):  # Then the next heartbeat finds it out.
                self._store.save_batch(saved.model_copy(update={"orphaned": True}))

    def close_run(self, run: str, because: str) -> list[Batch]:
        """Close the batches of a run that has ended without waiting for them; return these."""
        left = [one for one in self._store.unfinished() if one.run == run and one.state != "closed"]
        return [self.close(batch, because) for batch in left]

    def _begin(self, batch: Batch, because: str) -> Batch:
        closing = {"state": "closing", "closed_because": because, "closing_since": self._clock()}
        return self._write(batch, closing, until=_is_over)

    def _write_output(self, batch: Batch, tasks: list[Task]) -> None:
        # Loads numpy, which handing out objects and taking answers does without.
        from labelloop.workbench.output import correction_lines, output_lines, review_lines

        selection = self._files.read_lines(batch.selection_uri)
        self._files.write_lines(batch.output_uri, output_lines(batch, tasks, selection))
        corrected = Corrections(self._store, clock=self._clock).take_along(batch)
        reviews = [*review_lines(batch, tasks), *correction_lines(batch, corrected)]
        if reviews:
            self._files.write_lines(reviews_beside(batch.output_uri), reviews)

    def _save(self, batch: Batch, undone: int) -> Batch:
        closed = {"state": "closed", "undone": undone}
        return self._write(batch, closed, until=lambda now: now.state == "closed")

    def _write(self, batch: Batch, update: dict[str, Any], *, until: Callable[[Batch], bool]) -> Batch:
        """Write these fields unless they are as they should be, however often others write meanwhile."""
        while not until(batch):
            try:
                batch = self._store.save_batch(batch.model_copy(update=update))
            except ConflictError:
                batch = self._again(batch)
        return batch

    def _again(self, batch: Batch) -> Batch:
        current = self._store.batch(batch.id)
        assert current is not None, batch.id
        return current

    def _sealed_tasks(self, batch: Batch) -> list[Task]:
        """All tasks, sealed. An answer in progress finds that its task has changed, and reads it again."""
        sealed: list[Task] = []
        tasks, said = self._store.tasks(batch.id), self._clock()
        while some := list(islice(tasks, _AT_ONCE)):
            sealed += self._seal(some)
            if batch.state == "closing" and self._clock() - said >= _SAID_EVERY_SECONDS:
                self._says_so(self._again(batch))
                said = self._clock()
        return sealed

    def _seal(self, tasks: list[Task]) -> list[Task]:
        while True:
            changed = [task.model_copy(update={"sealed": True}) for task in tasks if not task.sealed]
            try:
                self._store.write(changed)
            except ConflictError:
                current = (self._store.task(task.batch_id, task.id) for task in tasks)
                tasks = [task for task in current if task is not None]
                continue
            return [task.model_copy(update={"sealed": True}) for task in tasks]


def _is_over(batch: Batch) -> bool:
    return batch.state in ("closing", "closed")

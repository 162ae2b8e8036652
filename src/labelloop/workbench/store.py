"""The one interface behind the workbench's tasks; SQLite on a laptop, DynamoDB in the stack."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from labelloop.workbench.tasks import Annotator, Batch, DataObject, Task, Totals


class TaskStore(Protocol):
    """Keeps versioned documents. Whatever it has accepted survives the death of the process."""

    def add_batch(self, batch: Batch, tasks: Iterable[tuple[Task, DataObject]]) -> None:
        """Store a batch with its tasks; what is there of it already stays as it is.

        The batch is seen only once all its tasks are there, so that an interrupted call may be repeated.
        """
        ...

    def batch(self, batch_id: str) -> Batch | None: ...

    def batches(self) -> list[Batch]:
        """All batches, the oldest first."""
        ...

    def save_batch(self, batch: Batch) -> Batch:
        """Write a batch over the version it was read in; returns it in its new one. Raises ConflictError."""
        ...

    def task(self, batch_id: str, task_id: str) -> Task | None: ...

    def tasks(self, batch_id: str) -> Iterator[Task]:
        """All tasks of a batch, in the order of their ids, as of now."""
        ...

    def data_objects(self, batch_id: str, task_ids: Sequence[str]) -> dict[str, DataObject]:
        """What people see of tasks, by task id."""
        ...

    def available(
        self, batch_id: str, person: str, *, now: float, most: int, after: str = "", again: bool = False
    ) -> list[Task]:
        """Up to `most` tasks with room for one more, that the person has nothing to do with yet.

        `again`: those too whose object the person answered about in an earlier batch.

        Ids above `after` come first, then those below: who begins at different places seldom meets. May be
        behind by a moment: what it gives is for `write` to check.
        """
        ...

    def annotator(self, batch_id: str, name: str) -> Annotator:
        """What a person has done in a batch; an empty one, version 0, who has done nothing."""
        ...

    def annotators(self, batch_id: str) -> list[Annotator]: ...

    def totals(self, batch_id: str) -> Totals:
        """What the annotators' accounts come to."""
        ...

    def write(self, tasks: Sequence[Task], annotator: Annotator | None = None) -> None:
        """Write tasks and a person's account together or not at all, over the versions they were read in.

        At most 99 tasks at once. Raises ConflictError, and then has written nothing.
        """
        ...

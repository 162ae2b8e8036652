"""The interface to the workbench's stored tasks: SQLite on a laptop, DynamoDB in the stack."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from labelloop.workbench.tasks import (
    Annotator,
    Batch,
    Correction,
    DataObject,
    GuidelinesVersion,
    Member,
    Place,
    Task,
    Totals,
)


class TaskStore(Protocol):
    """Keeps versioned documents. Everything it has accepted survives if the process dies."""

    def add_batch(self, batch: Batch, tasks: Iterable[tuple[Task, DataObject]]) -> None:
        """Store a batch with its tasks. A batch that exists already stays unchanged.

        The batch becomes visible only when all its tasks are stored, so an interrupted call can be repeated.
        """
        ...

    def batch(self, batch_id: str) -> Batch | None: ...

    def batches(self) -> list[Batch]:
        """All batches, the oldest first. Their number grows without end, so no request may ask for it."""
        ...

    def unfinished(self) -> list[Batch]:
        """The batches that are not closed, or not yet let go, the oldest first."""
        ...

    def newest(self) -> Batch | None:
        """The batch that was opened last."""
        ...

    def some_batches(
        self, most: int, *, newest_first: bool = True, beyond: Batch | None = None
    ) -> list[Batch]:
        """Up to `most` batches in the order in which they were opened; with `beyond`, those after it."""
        ...

    def save_batch(self, batch: Batch) -> Batch:
        """Write a batch if its stored version is the one that was read, and return the new version.

        Raises ConflictError.
        """
        ...

    def let_go(self, batch_id: str, until: float) -> None:
        """Keep a closed batch, whose output is written, only until this moment. May be repeated."""
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
        """Up to `most` tasks that have room for one more person and that this person has not touched.

        With `again`, also tasks whose object the person answered in an earlier batch.

        Ids above `after` come first, then those below. People with different `after` seldom compete for a
        task. The result may be slightly out of date, so `write` checks it.
        """
        ...

    def done(
        self, batch_id: str, most: int, *, newest_first: bool = True, beyond: Place | None = None
    ) -> list[Task]:
        """Up to `most` tasks that people answered or skipped and that nobody is asked about any more.

        They are in the order of their last answers; with `beyond`, those after that place. The result may be
        slightly out of date.
        """
        ...

    def annotator(self, batch_id: str, name: str) -> Annotator:
        """What a person has done in a batch; an empty account of version 0 if nothing."""
        ...

    def annotators(self, batch_id: str) -> list[Annotator]: ...

    def known_as(self, key: str, name: str) -> str:
        """The name to show for the person with this key: the first one that was given for it."""
        ...

    def people(self) -> dict[str, str]:
        """Everybody's name, by key."""
        ...

    def member(self, member_id: str) -> Member:
        """What is settled about a person; a document of version 0 if nothing."""
        ...

    def members(self) -> list[Member]:
        """All about whom something is settled, in the order of their ids."""
        ...

    def save_member(self, member: Member) -> None:
        """Write it if its stored version is the one that was read. Raises ConflictError."""
        ...

    def guidelines(self, run: str, number: int) -> GuidelinesVersion | None: ...

    def newest_guidelines(self, run: str, most: int) -> list[GuidelinesVersion]:
        """Up to `most` versions that owners of a run have saved, the newest first."""
        ...

    def add_guidelines(self, version: GuidelinesVersion) -> None:
        """Store a version. Raises ConflictError if the run has one with this number."""
        ...

    def picture(self, name: str) -> bytes | None:
        """A picture that stands in guidelines, by the name it was added under."""
        ...

    def add_picture(self, name: str, content: bytes) -> None:
        """Store a picture under a name that depends on its content; the same again changes nothing."""
        ...

    def correction(self, run: str, object_id: int) -> Correction | None: ...

    def corrections(self, run: str) -> list[Correction]:
        """All of a run, in the order of the objects."""
        ...

    def save_correction(self, correction: Correction) -> None:
        """Write it if its stored version is the one that was read. Raises ConflictError."""
        ...

    def totals(self, batch_id: str) -> Totals:
        """The sums over the annotators' accounts."""
        ...

    def write(self, tasks: Sequence[Task], annotator: Annotator | None = None) -> None:
        """Write tasks and a person's account together or not at all, if none has changed since it was read.

        At most 99 tasks at a time. Raises ConflictError, and then has written nothing.
        """
        ...

"""Corrections: after its batch was closed, a reviewer gives an object another label, or has others asked.

The next batch of the run that is closed takes a label along. So it reaches the run's ledger and manifest at
the next merge, like a label that people reviewed. The next batch that is opened asks others, as in a review.
"""

import time
from collections.abc import Callable, Iterable

from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.retrying import until_written
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Correction, Task

NOT_CORRECTABLE = (
    "labels of this batch are not corrected: it may have objects that were drawn for a test of the "
    "certificate, whose evidence is what people said without knowing each other's answers"
)


class Corrections:
    """The rules of corrections."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def correct(self, batch_id: str, task_id: str, reviewer: str, label: int) -> None:
        """Give an object another label, in place of an earlier correction.

        The label that it had withdraws a correction which no batch has taken along. Raises NotFoundError.
        Raises RefusedError where nothing may be corrected, or where the object has this label.
        """
        batch, task = self._found(batch_id, task_id)
        if not 0 <= label < len(batch.classes):
            raise RefusedError(f"{label} is no class: there are classes 0 to {len(batch.classes) - 1}")
        self._save(batch, task, reviewer, label)

    def ask_others(self, batch_id: str, task_id: str, reviewer: str) -> None:
        """Have others asked about an object again, in place of an earlier correction.

        Raises NotFoundError. Raises RefusedError where nothing may be corrected, or where others are asked.
        """
        batch, task = self._found(batch_id, task_id)
        self._save(batch, task, reviewer, None)

    def _found(self, batch_id: str, task_id: str) -> tuple[Batch, Task]:
        batch, task = self._store.batch(batch_id), self._store.task(batch_id, task_id)
        if batch is None or task is None:
            raise NotFoundError("there is no such object (any more): load the page again")
        if hindrance := why_not(batch, task):
            raise RefusedError(hindrance)
        return batch, task

    def _save(self, batch: Batch, task: Task, reviewer: str, label: int | None) -> None:
        def write() -> None:
            earlier = self._store.correction(batch.lineage, task.object_id)
            before = self._label_before(batch, task, earlier)
            if label is None and earlier is not None and earlier.asks_others and _waits(earlier):
                raise RefusedError("others are asked about this object already, in the next batch")
            if label is not None and label == (earlier.label if earlier else before):
                raise RefusedError(f"the label is {batch.classes[label]} already")
            self._store.save_correction(
                Correction(
                    run=batch.lineage,
                    object_id=task.object_id,
                    batch_id=batch.id,
                    task_id=task.id,
                    by=reviewer,
                    at=self._clock(),
                    before=before,
                    label=label,
                    version=earlier.version if earlier else 0,
                )
            )

        until_written(write)

    def of(self, batch: Batch, task: Task) -> Correction | None:
        """The last one of a task's label; None if it was withdrawn."""
        found = self._store.correction(batch.lineage, task.object_id)
        is_of_task = found is not None and found.task_id == task.id and not found.is_withdrawn
        return found if is_of_task else None

    def take_along(self, batch: Batch) -> list[Correction]:
        """Those that go into the run with this batch; once it is closed, the same ones."""
        for waiting in self._store.corrections(batch.lineage):
            if batch.state != "closed" and _waits(waiting) and not waiting.asks_others:
                self._take(waiting, batch.id)
        taken = [one for one in self._store.corrections(batch.lineage) if one.taken_by == batch.id]
        return [one for one in taken if not one.asks_others]

    def to_ask_others(self, lineage: str, batch_id: str, most: int) -> list[Correction]:
        """Up to `most` objects about which a batch that opens asks others; the same ones, called again."""
        asking = [one for one in self._store.corrections(lineage) if one.asks_others]
        taken = [one for one in asking if one.taken_by == batch_id]
        return [*taken, *(one for one in asking if _waits(one))][:most]

    def asked_by(self, batch_id: str, asked: Iterable[Correction]) -> None:
        """Note that a batch asks others about these objects."""
        for one in asked:
            self._take(one, batch_id)

    def _take(self, waiting: Correction, batch_id: str) -> None:
        def write() -> None:
            current = self._store.correction(waiting.run, waiting.object_id)
            if current is not None and _waits(current) and current.asks_others == waiting.asks_others:
                self._store.save_correction(current.model_copy(update={"taken_by": batch_id}))

        until_written(write)

    def _label_before(self, batch: Batch, task: Task, earlier: Correction | None) -> int:
        if earlier is None or earlier.task_id != task.id:
            from labelloop.workbench.output import labels_of  # loads numpy: see Closing

            return labels_of(batch, list(self._store.tasks(batch.id)))[task.id]
        if earlier.taken_by is None:
            return earlier.before
        return self._answer_of_others(earlier) if earlier.label is None else earlier.label

    def _answer_of_others(self, question: Correction) -> int:
        """The label that others' answers have left the object with."""
        from labelloop.workbench.output import outcome_of_review

        for task in self._store.tasks(question.taken_by or ""):
            if task.object_id == question.object_id and outcome_of_review(task) == "changed":
                return next(iter(task.answers.values()))
        return question.before


def _waits(one: Correction) -> bool:
    return one.taken_by is None and not one.is_withdrawn


def why_not(batch: Batch, task: Task) -> str:
    """Why the label of a task cannot be corrected; empty if it can."""
    if batch.state != "closed":
        return "this batch is not closed yet: its answers can still be changed, discarded or decided"
    if not batch.run_state_uri:
        return "no run goes on with these labels, so there is nothing that a correction could go into"
    if not batch.decidable:
        return NOT_CORRECTABLE
    if task.purpose != "label":
        return "only labels that people were asked for are corrected, not gold objects or reviews"
    if not task.answers or not task.counts_with(batch.people_per_object):
        return "this object got no label in this batch"
    return ""

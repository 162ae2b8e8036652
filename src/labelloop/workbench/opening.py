"""Makes a batch of tasks from a round's selection."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from labelloop.core.manifest.lines import object_id, parse_record
from labelloop.workbench.guidelines import newest_number, with_newest_guidelines
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, DataObject, Purpose, Task, task_id

Guess = tuple[int, float]
Prior = tuple[int, float | None]


@dataclass(frozen=True)
class Asked:
    """A data object that people are asked about, and why.

    `known_label` is the right class of a gold object, or the present class of an object to label again. In
    the second case, `model_label` is the model's different class. `guess` is the model's class and its
    confidence, `prior` those of a label that there was before. People in `answered_before` answered in an
    earlier batch, and are asked last.
    """

    object_id: int
    text: str | None
    source_ref: str | None
    purpose: Purpose = "label"
    known_label: int | None = None
    guess: Guess | None = None
    prior: Prior | None = None
    model_label: int | None = None
    answered_before: tuple[str, ...] = ()
    near: tuple[int, ...] = ()  # the objects most like it


def asked_about(lines: Iterable[bytes], guesses: Mapping[int, Guess]) -> Iterator[Asked]:
    """The objects of working lines, to be labeled. Raises RecordError for an invalid line."""
    for line in lines:
        record = parse_record(line)
        number = object_id(line)
        yield Asked(number, record.get("source"), record.get("source-ref"), guess=guesses.get(number))


def open_batch(store: TaskStore, batch: Batch, asked: Sequence[Asked]) -> Batch:
    """Store a batch with a task for each object. A batch that exists already stays unchanged.

    `batch.total`, `batch.kind` and `batch.guidelines` are filled in.
    """
    images = any(one.source_ref is not None for one in asked)
    opened = batch.model_copy(
        update={
            "total": len(asked),
            "kind": "image" if images else "text",
            "guidelines": newest_number(store, batch),
        }
    )
    store.add_batch(opened, _tasks(opened, asked))
    # An owner who saved a version in the meantime did not see this batch.
    return with_newest_guidelines(store, batch)


def _tasks(batch: Batch, asked: Sequence[Asked]) -> Iterator[tuple[Task, DataObject]]:
    for one in asked:
        task = Task(
            batch_id=batch.id,
            id=task_id(batch.id, one.purpose, one.object_id),
            object_id=one.object_id,
            purpose=one.purpose,
            known_label=one.known_label,
            model_label=one.model_label,
            answered_before=one.answered_before,
            near=tuple(task_id(batch.id, "label", number) for number in one.near),
            needed=batch.people_per_object,
        )
        shown = DataObject(
            task_id=task.id, text=one.text, source_ref=one.source_ref, guess=one.guess, prior=one.prior
        )
        yield task, shown

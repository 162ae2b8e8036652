"""A run to its end: what was answered before is replayed, the rest is asked."""

from typing import Protocol

from labelloop.in_memory.answer_record import AnswerRecord, check_replayed
from labelloop.in_memory.batch_run import Batch, BatchRun, People


class BatchWatcher(Protocol):
    """Is told about each batch."""

    def replaying(self, batch: Batch) -> None:
        """Its answers are known."""
        ...

    def asking(self, batch: Batch) -> None:
        """People are asked about it now."""
        ...

    def answered(self, batch: Batch) -> None:
        """The run has heard what people have answered now."""
        ...


def to_the_end(run: BatchRun, people: People, record: AnswerRecord, watcher: BatchWatcher) -> bool:
    """Batch after batch; False when answers are still to come.

    Answers are in the record before the run hears them. Raises RequestError where the record was damaged.
    """
    known = record.load()
    while (batch := run.next_batch()) is not None:
        answers = known.get(batch.number)
        if answers is not None:
            check_replayed(batch, answers, record.path)
            watcher.replaying(batch)
            run.hear(answers)
            continue
        watcher.asking(batch)
        answers = people.ask(batch)
        if answers is None:
            return False
        record.add(batch.number, answers)
        run.hear(answers)
        watcher.answered(batch)
    return True

"""Who answers in an audit: people with a CSV file, people at the workbench, or simulated people."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import orjson
import typer
from rich.console import Console

from labelloop.audit.answers import CANNOT_SAY
from labelloop.audit.audit_run import Answers, AuditBatch
from labelloop.audit.table import AuditTable
from labelloop.cli.audit_folder import AuditFolder
from labelloop.cli.sentences import say
from labelloop.core.ledger import NO_LABEL
from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, object_id, parse_record
from labelloop.preparation.classes import listing
from labelloop.reporting.text import counted
from labelloop.workbench.batch_closed import BatchClosed
from labelloop.workbench.closing import Closing
from labelloop.workbench.deployment import OpenedWorkbench
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.server import listening
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch

_ATTRIBUTE = LabelAttribute("label")
_INTERRUPTED = 130


class AuditPeople(Protocol):
    """People who are asked about a batch."""

    def ask(self, batch: AuditBatch) -> Answers | None:
        """Their answers; None when they are still to come: then the same command asks for them again."""
        ...


class SimulatedTruth:
    """People who answer with the truth column; where it is empty, they cannot say."""

    def __init__(self, table: AuditTable) -> None:
        assert table.truth is not None, "checked before"
        self._truth = table.truth

    def ask(self, batch: AuditBatch) -> Answers:
        said = self._truth[batch.asked]
        return {
            number: int(label) if label != NO_LABEL else None
            for number, label in zip(batch.asked.tolist(), said.tolist(), strict=True)
        }


class PeopleWithFiles:
    """People who fill in a CSV file, between two calls of the command."""

    def __init__(self, console: Console, folder: AuditFolder, table: AuditTable) -> None:
        self._console, self._folder, self._table = console, folder, table

    def ask(self, batch: AuditBatch) -> Answers | None:
        file = self._folder.batch_file(batch.number, self._table)
        if not file.path.exists():
            file.write(batch)
            self._say(
                f"Wrote {counted(len(batch.asked), 'row')} to {file.path}. In its column “label”, write "
                f"one of {listing(self._table.classes)}, or {CANNOT_SAY} where you cannot say; save it as "
                "CSV, and run the same command again."
            )
            if len(batch.again):
                self._say(
                    f"{counted(len(batch.again), 'row')} with “yes” in the column “again” have an answer "
                    "already that differs from the given label: let another person answer them, if you can."
                )
            return None
        answers, missing = file.read(batch)
        if missing:
            rows = ", ".join(str(number + 1) for number in missing[:8]) + (" ..." if len(missing) > 8 else "")
            self._say(
                f"{len(answers):,} of {counted(len(batch.asked), 'row')} in {file.path} have an answer. "
                f"{counted(len(missing), 'row')} {'has' if len(missing) == 1 else 'have'} none yet (id "
                f"{rows}): fill in the column “label”, or write {CANNOT_SAY} where you cannot say, and "
                "run the same command again."
            )
            return None
        return answers

    def _say(self, sentence: str) -> None:
        say(self._console, sentence)


class PeopleAtWorkbench:
    """People at the labeling web application, batch after batch."""

    def __init__(
        self,
        folder: AuditFolder,
        table: AuditTable,
        store: SqliteTaskStore,
        closing: Closing,
        ended: BatchClosed,
    ) -> None:
        self._folder, self._table = folder, table
        self._store, self._closing, self._ended = store, closing, ended

    @classmethod
    @contextlib.contextmanager
    def serving(
        cls, console: Console, folder: AuditFolder, table: AuditTable, host: str, port: int
    ) -> Iterator["PeopleAtWorkbench"]:
        """Serve the workbench for as long as the audit asks."""
        # Here, since FastAPI is slow to import, and every command imports this module.
        from labelloop.cli.serve_workbench import serve_workbench

        with listening(host, port) as listener, contextlib.closing(SqliteTaskStore(folder.store)) as store:
            ended = BatchClosed()
            closing = Closing(store, LocalFiles(), ended)
            closing.go_on()
            with serve_workbench(console, listener, OpenedWorkbench(store, closing), folder.key):
                console.print("Ctrl-C stops. Every answer is kept, and the same command goes on.")
                yield cls(folder, table, store, closing, ended)

    def ask(self, batch: AuditBatch) -> Answers:
        selection, output = self._folder.workbench_batch(batch)
        files = LocalFiles()
        self._ended.event.clear()
        asked = list(self._asked(batch))
        files.write_lines(
            str(selection), (orjson.dumps({ID_KEY: one.object_id, "source": one.text}) for one in asked)
        )
        if open_batch(self._store, self._batch(batch, selection, output), asked).state != "closed":
            self._ended.event.wait()
        return _answers_in(output)

    def _asked(self, batch: AuditBatch) -> Iterator[Asked]:
        """People who have answered about an object already are asked last."""
        earlier = EarlierBatches()
        if len(batch.again):
            earlier = EarlierBatches.of_run(self._store, [str(self._folder.batches)])
        for number in batch.asked.tolist():
            text = self._table.texts[number]
            yield Asked(number, text, None, answered_before=earlier.who_answered(number))

    def _batch(self, batch: AuditBatch, selection: Path, output: Path) -> Batch:
        people = EarlierBatches.of_run(self._store, [str(self._folder.batches)]).people
        return Batch(
            id=f"audit-{batch.number:03d}",
            run=self._folder.out.name,
            round=batch.number,
            kind="text",
            title="Choose the class",
            short_instructions="Choose the one class that fits best.",
            full_instructions="Choose the one class that fits best. Skip what you cannot judge.",
            classes=self._table.classes,
            label_attribute=_ATTRIBUTE.name,
            total=0,
            created=time.time(),
            selection_uri=str(selection),
            output_uri=str(output),
            people=people,
            more_follow=True,
        )


def _answers_in(output: Path) -> Answers:
    """Labels, and None for what was skipped; what nobody answered before the batch was closed is left out."""
    answers: dict[int, int | None] = {}
    for line in LocalFiles().read_lines(str(output)):
        record = parse_record(line)
        if _ATTRIBUTE.name in record:
            answers[object_id(line)] = int(record[_ATTRIBUTE.name])
        elif _ATTRIBUTE.metadata in record:
            answers[object_id(line)] = None
    return answers


def stopped(console: Console) -> typer.Exit:
    """What an interrupted command says, and how it ends."""
    console.print("\nStopped. Every answer is kept: the same command goes on.")
    return typer.Exit(_INTERRUPTED)

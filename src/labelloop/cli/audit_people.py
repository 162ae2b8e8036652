"""People who answer in an audit with a CSV file."""

import typer
from rich.console import Console

from labelloop.cli.sentences import say
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.in_memory.answer_record import CANNOT_SAY
from labelloop.in_memory.batch_run import Answers, Batch
from labelloop.label_audit.audit_folder import AuditFolder
from labelloop.label_audit.table import AuditTable
from labelloop.preparation.classes import listing
from labelloop.reporting.text import counted

_ATTRIBUTE = LabelAttribute("label")
_INTERRUPTED = 130


class PeopleWithFiles:
    """People who fill in a CSV file, between two calls of the command."""

    def __init__(self, console: Console, folder: AuditFolder, table: AuditTable) -> None:
        self._console, self._folder, self._table = console, folder, table

    def ask(self, batch: Batch) -> Answers | None:
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


def stopped(console: Console) -> typer.Exit:
    """What an interrupted command says, and how it ends."""
    console.print("\nStopped. Every answer is kept: the same command goes on.")
    return typer.Exit(_INTERRUPTED)

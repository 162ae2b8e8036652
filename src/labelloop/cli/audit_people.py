"""People who answer in an audit with a CSV file."""

import typer
from rich.console import Console

from labelloop.answer_files.batch_file import Question
from labelloop.cli.batches_in_files import hand_out, take_in
from labelloop.in_memory.batch_run import Answers, Batch
from labelloop.label_audit.audit_folder import AuditFolder
from labelloop.label_audit.table import AuditTable

_INTERRUPTED = 130


class PeopleWithFiles:
    """People who fill in a CSV file, between two calls of the command."""

    def __init__(self, console: Console, folder: AuditFolder, table: AuditTable) -> None:
        self._console, self._folder, self._table = console, folder, table

    def ask(self, batch: Batch) -> Answers | None:
        file = self._folder.batch_file(batch.number, self._table)
        asked, again = batch.asked.tolist(), set(batch.again.tolist())
        if not file.path.exists():
            questions = [
                Question(number, self._table.lines[number], self._table.texts[number], number in again)
                for number in asked
            ]
            hand_out(self._console, file, questions)
            return None
        return take_in(self._console, file, asked)


def stopped(console: Console) -> typer.Exit:
    """What an interrupted command says, and how it ends."""
    console.print("\nStopped. Every answer is kept: the same command goes on.")
    return typer.Exit(_INTERRUPTED)

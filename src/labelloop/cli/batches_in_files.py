"""Batches that people fill in with a spreadsheet, between two calls of a command."""

from collections.abc import Sequence

from rich.console import Console

from labelloop.answer_files.batch_file import CANNOT_SAY, BatchFile, Question
from labelloop.cli.sentences import say
from labelloop.preparation.classes import listing
from labelloop.reporting.text import counted

_NAMED = 8


def hand_out(console: Console, file: BatchFile, questions: Sequence[Question]) -> None:
    """Write the batch, and say what to do with it."""
    file.write(questions)
    say(
        console,
        f"Wrote {counted(len(questions), 'row')} to {file.path}. In its column “label”, write one of "
        f"{listing(file.classes)}, or {CANNOT_SAY} if you can't tell; save it as CSV, and run the same "
        "command again.",
    )
    if again := sum(one.again for one in questions):
        say(
            console,
            f"{counted(again, 'row')} with “yes” in the column “again” {'has' if again == 1 else 'have'} an "
            f"answer already: let another person answer {'it' if again == 1 else 'them'}, if you can.",
        )


def take_in(console: Console, file: BatchFile, asked: Sequence[int]) -> dict[int, int | None] | None:
    """People's answers; None, and what is missing is told, where they are not complete.

    Raises RequestError for what cannot be read.
    """
    answers, missing = file.read(asked)
    if not missing:
        return answers
    rows = ", ".join(str(number + 1) for number in missing[:_NAMED])
    rows += " ..." if len(missing) > _NAMED else ""
    say(
        console,
        f"{len(answers):,} of {counted(len(asked), 'row')} in {file.path} have an answer. "
        f"{counted(len(missing), 'row')} {'has' if len(missing) == 1 else 'have'} none yet (id {rows}): fill "
        f"in the column “label”, or write {CANNOT_SAY} if you can't tell, and run the same command again.",
    )
    return None

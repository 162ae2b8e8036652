"""What `labelloop ask-model` ends with: what became of the rows, what it cost, and what comes next."""

import csv
import io
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from labelloop.cli.ask_task import AskedFile
from labelloop.cli.own_command import own_command
from labelloop.cli.sentences import say
from labelloop.foundation_model.reading import Outcome, Reading
from labelloop.foundation_model.replies import Usage
from labelloop.foundation_model.spending import Spending

_FAULTS_SHOWN = 3
_WORDS: Mapping[Outcome, str] = {
    Outcome.UNREADABLE: "could not be read",
    Outcome.REFUSED: "were refused",
    Outcome.FAILED: "have no answer",
    Outcome.NOT_ASKED: "were not asked about",
}


def price_in_words(usage: Usage, cost: float | None) -> str:
    """Tokens, and dollars where prices are known."""
    return ", ".join([f"{usage.tokens_in:,} tokens in, {usage.tokens_out:,} out", *dollars(cost)])


def dollars(cost: float | None) -> list[str]:
    """Empty where no prices are known."""
    return [] if cost is None else [f"${cost:,.2f}" if cost >= 1 else f"${cost:.4f}"]


def print_next(
    console: Console,
    file: AskedFile,
    classes: Sequence[str],
    of_rows: Sequence[Reading],
    *,
    text_column: str,
    id_column: str | None,
    label_column: str | None,
) -> None:
    """The commands that find out what the labels are worth."""
    if not any(reading.label for reading in of_rows):
        return
    out, answers = str(file.out), file.answers
    about = ["--text-column", text_column, "--classes", _comma_separated(classes)]
    folder = str(file.out.with_suffix(""))
    audit, label = ["--label-column", answers.label], ["--prior-column", answers.label]
    if any(reading.confidence is not None for reading in of_rows):
        audit += ["--confidence-column", answers.confidence]
        label += ["--prior-confidence-column", answers.confidence]
    label += ["--id-column", id_column] if id_column else []
    label += ["--label-column", label_column] if label_column else []
    say(console, "\nNext, find out how wrong these labels are, and keep what can be kept:")
    _print_command(console, ["audit", out, *about, *audit, "--out", f"{folder}-checked"])
    say(console, "Or let a model of your own learn from people, with these labels as a hint:")
    _print_command(console, ["label-file", out, *about, *label, "--out", f"{folder}-labeled"])


def _print_command(console: Console, arguments: Sequence[str]) -> None:
    console.print(Text(f"  {own_command()} {shlex.join(arguments)}", style="bold"), soft_wrap=True)


def _comma_separated(names: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue()


def print_outcome(
    console: Console,
    model: str,
    of_rows: Sequence[Reading],
    spending: Spending,
    error_column: str,
) -> None:
    """What became of the rows, and what it took."""
    rows = Counter(reading.outcome for reading in of_rows)
    others = [f"{count:,} {_WORDS[outcome]}" for outcome, count in rows.items() if outcome in _WORDS]
    say(
        console,
        f"{model} labeled {rows[Outcome.LABELED]:,} of {len(of_rows):,} rows{_listed(others)}. It took "
        f"{price_in_words(spending.usage, spending.cost)}; {spending.requests:,} requests "
        "were sent now.",
    )
    if spending.uncounted:
        say(
            console,
            f"The server did not count the tokens of {spending.uncounted:,} answers: the most that they can "
            "have taken was counted.",
        )
    without = sum(not reading.fault and reading.confidence is None for reading in of_rows)
    if without:
        say(console, f"{without:,} labels have no confidence, because the model stated none.")
    _print_faults(console, of_rows, error_column)


def _listed(others: Sequence[str]) -> str:
    return f"; {', '.join(others)}" if others else ""


def _print_faults(console: Console, of_rows: Sequence[Reading], error_column: str) -> None:
    faults = Counter(
        reading.fault for reading in of_rows if reading.fault and reading.outcome is not Outcome.NOT_ASKED
    )
    if faults:
        say(console, f"Why, in the column {error_column!r}; most often:")
    for fault, count in faults.most_common(_FAULTS_SHOWN):
        say(console, Text(f"  {count:,} rows: {fault}"))

"""What a run will probably take, said before it starts."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from labelloop.cli.run_options import option_of_promise
from labelloop.cli.sentences import say
from labelloop.core.certificate.other_promises import promises_to_tell
from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.settings import LoopSettings
from labelloop.reporting.usual_shares import UsualLabels, most_rows_measured, usual_labels

ASKED_FOR = "asked for"
# Another promise is worth naming where it takes no more than this part of the labels.
_SAVES = 0.9


def print_price(console: Console, rows: int, settings: LoopSettings, budget: int | None) -> None:
    """The labels that people usually give with this promise, and with others."""
    table = Table(box=None, show_header=False, padding=(0, 2))
    found = [
        (_words(of, target), option, usual_labels(rows, of, target))
        for of, target, option in _promises(settings)
    ]
    for _ in range(3):
        table.add_column(no_wrap=True)
    for words, option, labels in found:
        if labels is not None:
            table.add_row(words, _range(labels), option)
    if not table.row_count:
        return
    beyond = (
        f" Measured up to {most_rows_measured():,} rows; the trend is followed from there."
        if rows > most_rows_measured()
        else ""
    )
    say(
        console,
        f"How many of {rows:,} rows people usually label, by how much may be wrong. The first number is for "
        "texts that are easy to tell apart, such as news headlines, the second for hard ones, such as "
        f"opinions on films.{beyond}",
    )
    console.print(table)
    asked_for = next((labels for _, option, labels in found if option == ASKED_FOR), None)
    if asked_for is not None and asked_for.easy > DEFAULT.rounds.told_above * rows:
        others = [option for _, option, labels in found if labels and labels.easy < _SAVES * asked_for.easy]
        say(console, _too_few_rows(rows, asked_for, others))
    if asked_for is not None and budget is not None and budget < asked_for.easy:
        say(
            console,
            f"The budget of {budget:,} is less: what it does not reach would stay unlabeled. You can raise "
            f"it at any time, or choose another promise.{_on_a_budget(settings)}",
        )


def _range(labels: UsualLabels) -> str:
    return f"{labels.easy:,}" if labels.easy == labels.hard else f"{labels.easy:,} to {labels.hard:,}"


def _too_few_rows(rows: int, labels: UsualLabels, others: list[str]) -> str:
    """`others`: options for promises that take fewer labels."""
    advice = f" To save more, choose another promise: {others[0]}." if others else ""
    people_label = "all of them" if labels.easy == rows else f"{labels.easy:,} or more"
    return f"{rows:,} rows are few for the promise asked for: people usually label {people_label}.{advice}"


def _on_a_budget(settings: LoopSettings) -> str:
    if settings.certificate_for == "dataset":
        return ""
    return " On a budget, --certificate-for dataset labels a part more surely."


def _promises(settings: LoopSettings) -> Iterator[tuple[CertificateFor, float, str]]:
    """Whom it is for, target error, and the option that asks for it."""
    own = settings.certificate_for
    for number, (of, target) in enumerate(promises_to_tell(settings)):
        yield of, target, option_of_promise(of, target, own) if number else ASKED_FOR


def _words(of: CertificateFor, target: float) -> str:
    whose = {"dataset": "all labels", "class": "the model's labels of a class"}.get(of, "the model's labels")
    return f"{100 * target:.4g}% of {whose}"

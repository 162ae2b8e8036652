"""The result of a run, for people."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.cli.run_folder import RunFolder
from labelloop.cli.sentences import say
from labelloop.core.records import Report, Score
from labelloop.core.report.certificate_in_words import certificate_sentence
from labelloop.core.report.true_classes import missed_in_words


def print_summary(console: Console, report: Report, folder: RunFolder) -> None:
    """Who labeled how much, what is certified, and where the files are."""
    print_outcome(console, report)
    for label, path in (
        ("labels", folder.manifest),
        ("report", folder.page),
        ("to check", folder.check_list),
        ("numbers", folder.report),
        ("history", folder.history),
        ("logs", folder.logs),
    ):
        if not path.exists():
            continue
        console.print(Text.assemble((f"{label:>8}  ", "dim"), str(path)), soft_wrap=True)


def print_outcome(console: Console, report: Report, terms: Callable[[str], str] = str) -> None:
    """Who labeled how much, and what is certified. `terms`: puts fields of the request in other words."""
    console.print()
    say(console, heading(report, terms))
    console.print(_table(report))
    say(console, terms(certificate_sentence(report)))
    for sentence in missed_in_words(report.true_classes, report.classes):
        say(console, Text(sentence, style="bold"))
    if report.counts.without_a_label:
        for reason, number in report.failures.by_reason.items():
            say(console, terms(f"{number:,} without a label: {reason.removeprefix('not labeled: ')}"))
    console.print()


def heading(report: Report, terms: Callable[[str], str] = str) -> Text:
    """How much people and the model labeled, how long it took, and why it ended."""
    counts, brought = report.counts, report.machine_labels_in_input
    by_others = f", {counts.share(brought):.1%} by machine before it" if brought else ""
    seconds = "" if report.seconds is None else f" and {report.seconds:.0f} s"
    rounds = "1 round" if len(report.rounds) == 1 else f"{len(report.rounds)} rounds"
    return Text.assemble(
        (f"{counts.human_share:.1%}", "bold"),
        f" of {counts.input:,} data objects were labeled by people, ",
        (f"{counts.share(report.labels_by_model):.1%}", "bold"),
        f" by the model{by_others}, in {rounds}{seconds}. ",
        terms(f"It ended because {report.stopped_because}."),
    )


def _table(report: Report) -> Table:
    counts, score = report.counts, report.score
    table = Table(box=None, padding=(0, 2))
    table.add_column("")
    table.add_column("objects", justify="right")
    table.add_column("share", justify="right")
    if score is not None:
        table.add_column("wrong, compared with the truth", justify="right")
    errors = score or Score()
    rows = (
        ("labeled by people", counts.human, errors.human_label_error),
        ("labeled by the model", report.labels_by_model, errors.auto_label_error),
        *_brought(report, errors),
        ("all labels", counts.labeled, errors.final_error),
        ("without a label", counts.without_a_label, None),
    )
    for name, number, error in rows:
        cells = [] if score is None else ["" if error is None else f"{error:.2%}"]
        table.add_row(name, f"{number:,}", f"{counts.share(number):.1%}", *cells)
    return table


def _brought(report: Report, errors: Score) -> list[tuple[str, int, float | None]]:
    """The labels by machine that came with the input, if any did."""
    labels = report.machine_labels_in_input
    return [("by machine, in the input", labels, errors.machine_input_label_error)] if labels else []

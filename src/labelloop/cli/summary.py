"""The end of a run, as a person wants to read it."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.cli.run_folder import RunFolder


def print_summary(console: Console, report: dict[str, Any], folder: RunFolder) -> None:
    """What was labeled by whom, what is promised about it, and where it is."""
    counts = report["counts"]
    console.print()
    console.print(_heading(report), soft_wrap=True)
    console.print(_table(report))
    console.print(Text(_promise(report)), soft_wrap=True)
    if counts["failed"] + counts["unlabeled"]:
        for reason, number in report["failures"]["by_reason"].items():
            console.print(Text(f"{number:,} without a label: {reason}"), soft_wrap=True)
    console.print()
    for label, path in (
        ("labels", folder.manifest),
        ("report", folder.page),
        ("numbers", folder.report),
        ("history", folder.history),
        ("logs", folder.logs),
    ):
        console.print(Text.assemble((f"{label:>8}  ", "dim"), str(path)), soft_wrap=True)


def _heading(report: dict[str, Any]) -> Text:
    counts = report["counts"]
    return Text.assemble(
        (f"{counts['human'] / counts['input']:.1%}", "bold"),
        f" of {counts['input']:,} data objects were labeled by people, ",
        (f"{counts['auto'] / counts['input']:.1%}", "bold"),
        f" by the model, in {len(report['rounds'])} rounds and {report['seconds']:.0f} s. ",
        f"It ended because {report['stopped_because']}.",
    )


def _table(report: dict[str, Any]) -> Table:
    counts = report["counts"]
    table = Table(box=None, padding=(0, 2))
    table.add_column("")
    table.add_column("objects", justify="right")
    table.add_column("share", justify="right")
    table.add_column("wrong, compared with the truth", justify="right")
    rows = (
        ("labeled by people", counts["human"], report["human_label_error"]),
        ("labeled by the model", counts["auto"], report["auto_label_error"]),
        ("all labels", counts["human"] + counts["auto"], report["final_error"]),
        ("without a label", counts["failed"] + counts["unlabeled"], None),
    )
    for name, number, error in rows:
        share = f"{number / counts['input']:.1%}"
        table.add_row(name, f"{number:,}", share, "" if error is None else f"{error:.2%}")
    return table


def _promise(report: dict[str, Any]) -> str:
    certificate = report["certificate"]
    if certificate is None:
        return f"No certificate: {report['no_certificate_because']}."
    return (
        f"Certificate: {certificate['Promise']} (on {certificate['ValidationObjects']:,} validation objects, "
        f"{certificate['ValidationErrors']:,} of them wrong)."
    )

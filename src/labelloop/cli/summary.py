"""The result of a run, for people."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.cli.run_folder import RunFolder


def print_summary(console: Console, report: dict[str, Any], folder: RunFolder) -> None:
    """Who labeled how much, what is certified, and where the files are."""
    counts = report["counts"]
    console.print()
    console.print(heading(report), soft_wrap=True)
    console.print(_table(report))
    console.print(Text(certificate_sentence(report)), soft_wrap=True)
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


def heading(report: dict[str, Any]) -> Text:
    """How much people and the model labeled, how long it took, and why it ended."""
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
    knows_truth = "human_label_error" in report
    if knows_truth:
        table.add_column("wrong, compared with the truth", justify="right")
    rows = (
        ("labeled by people", counts["human"], report.get("human_label_error")),
        ("labeled by the model", counts["auto"], report.get("auto_label_error")),
        ("all labels", counts["human"] + counts["auto"], report.get("final_error")),
        ("without a label", counts["failed"] + counts["unlabeled"], None),
    )
    for name, number, error in rows:
        share = f"{number / counts['input']:.1%}"
        table.add_row(name, f"{number:,}", share, *["" if error is None else f"{error:.2%}"] * knows_truth)
    return table


def certificate_sentence(report: dict[str, Any]) -> str:
    """The certificate in a sentence, or why there is none."""
    certificate = report["certificate"]
    if certificate is None:
        return f"No certificate: {report['no_certificate_because']}."
    repeated = sum(record.get("repeated_answers", 0) for record in report["rounds"])
    again = f"; people were asked again {repeated:,} times" if repeated else ""
    return (
        f"Certificate: {certificate['Promise']} (tested on {certificate['ValidationObjects']:,} objects "
        f"drawn at random, {certificate['ValidationErrors']:,} of them wrong: an error of about "
        f"{certificate['ErrorEstimate']:.1%}{again})."
    )

"""`labelloop export`: the labels so far, joined to the rows of the user's files."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.labels_so_far import LABELS_FILE, LabelsSoFar, labels_so_far
from labelloop.cli.open_answers import open_answers


def export(
    folder: Annotated[
        Path,
        typer.Argument(help="The folder of `label-file`, of `prepare`, or of `run`.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write: .csv, .jsonl or .parquet. An existing file is replaced. "
            "Default: labels.csv in the folder."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The folder of the run, if it is not FOLDER/run: its --out.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="The output manifest of a run on AWS, as `fetch` downloads it. FOLDER is the prepared one."
        ),
    ] = None,
) -> None:
    """Write all rows of your files with the labels so far, even while a run goes on, or after it was killed.

    Your columns come first, unchanged, then: label, labeled_by (people, model, given: it was in the file, or
    checked: people looked again with `labelloop check`), confidence, round. These four are empty for rows
    without a label. Answers of the open batch become labels when it is closed.

    Example: labelloop export news --out labels.csv
    """
    console = Console()
    with explained_errors():
        found = labels_so_far(folder, run=run, manifest=manifest)
        write_labels(console, found, out or folder / LABELS_FILE)


def write_labels(console: Console, found: LabelsSoFar, path: Path) -> None:
    """Write the labels and say how many there are."""
    labeled, rows = found.write(path)
    console.print(Text(f"Wrote {path}: {labeled:,} of {rows:,} rows have a label."), soft_wrap=True)
    if found.run is not None and (waiting := open_answers(found.run)):
        now = f"`labelloop answers {shlex.quote(str(found.run))}` writes them now."
        told = f"Answers in the batch that is still open: {waiting:,}. They become labels when it is closed;"
        console.print(Text(f"{told} {now}"), soft_wrap=True)

"""`labelloop fetch`: a run's labels and report, on this machine."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.aws.options import (
    ExecutionOption,
    ProfileOption,
    RegionOption,
    StackOption,
    open_execution,
)
from labelloop.cli.errors import explained_errors
from labelloop.cli.summary import heading
from labelloop.core.records import Report
from labelloop.core.report.certificate_in_words import certificate_sentence
from labelloop.operations.results import REPORT
from labelloop.operations.results import fetch as fetch_results


def fetch(
    stack: StackOption,
    out: Annotated[Path, typer.Option(help="The folder for output.manifest, report.json and report.html.")],
    execution: ExecutionOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of another run in that folder.")
    ] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Download the output manifest and the report of a finished run.

    Example: labelloop fetch --stack labelloop --out news/run
    """
    console = Console(soft_wrap=True)
    with explained_errors():
        cloud, _, found = open_execution(stack, region, profile, execution)
        fetched = fetch_results(cloud, found, out, overwrite=overwrite)
        report = Report.read(json.loads((out / REPORT).read_bytes()))
    assert found.stopped is not None
    report = report.model_copy(update={"seconds": (found.stopped - found.started).total_seconds()})
    console.print(heading(report))
    console.print(Text(certificate_sentence(report)))
    for file in fetched:
        console.print(Text(f"  {file.path}{'  (was there already)' if file.already else ''}"))

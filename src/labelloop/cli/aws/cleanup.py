"""`labelloop cleanup`: remove what a run on AWS left behind."""

from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from labelloop.cli.aws.options import ProfileOption, RegionOption, StackOption, open_execution
from labelloop.cli.errors import explained_errors
from labelloop.operations.executions import output_prefix
from labelloop.operations.leftovers import Leftovers, find_leftovers, remove
from labelloop.reporting.text import counted
from labelloop.workflow.execution import Execution


def cleanup(
    stack: StackOption,
    execution: Annotated[str, typer.Option(help="The execution's name or ARN.")],
    output: Annotated[
        bool, typer.Option("--output", help="Remove output manifest, report and trained model, too.")
    ] = False,
    labels: Annotated[
        bool,
        typer.Option(
            "--labels",
            help="Clean up a run that did not succeed, too: the labels people gave are lost with its files.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List only, remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Remove what a run left: its intermediate files in S3 and its models in SageMaker.

    Lists everything, then asks. The output manifest, the report and the last trained model stay. In a bucket
    with versioning, S3's lifecycle rules decide when the bytes are gone.

    Example: labelloop cleanup --stack labelloop --execution news-20261001-101500
    """
    console = Console(soft_wrap=True)
    with explained_errors():
        cloud, deployed, found = open_execution(stack, region, profile, execution)
        leftovers = find_leftovers(cloud, deployed, found, output_too=output, labels_too=labels)
        _list(console, found, leftovers)
        if not leftovers.objects and not leftovers.models:
            console.print("There is nothing to remove.")
            return
        if dry_run:
            console.print("Nothing was removed: this was a --dry-run.")
            return
        if not yes:
            typer.confirm("Remove them?", abort=True)
        remove(cloud, leftovers)
    removed = counted(len(leftovers.objects), "object"), counted(len(leftovers.models), "model")
    console.print(f"Removed {' and '.join(removed)}.")


def _list(console: Console, execution: Execution, leftovers: Leftovers) -> None:
    console.print(Text(f"{execution.name} ({execution.status}) left in {output_prefix(execution)}"))
    folders: dict[str, list[int]] = {}
    for item in leftovers.objects:
        folder = item.uri.removeprefix(output_prefix(execution)).split("/")[0]
        folders.setdefault(folder, []).append(item.size)
    for folder, sizes in folders.items():
        console.print(Text(f"  {folder:20} {counted(len(sizes), 'object'):>14} {decimal(sum(sizes)):>10}"))
    for model in leftovers.models:
        console.print(Text(f"  model {model}"))
    for kept in leftovers.kept:
        console.print(Text(f"  kept: {kept}"))

"""`labelloop start`: start a run on AWS."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.aws.options import ProfileOption, RegionOption, StackOption, open_stack
from labelloop.cli.aws.watch import watch_execution
from labelloop.cli.errors import explained_errors
from labelloop.cli.own_command import own_command
from labelloop.cli.run_folder import read_request
from labelloop.operations.cloud import Cloud, OperationError
from labelloop.operations.executions import output_prefix
from labelloop.operations.quotas import QuotaError, needs_of, require_quotas
from labelloop.operations.starting import (
    StartedExecution,
    check_request,
    complete_request,
    default_name,
    input_uris,
    missing_inputs,
    upload,
)
from labelloop.operations.starting import start as start_execution
from labelloop.workflow.request import LabelingRequest


def start(
    stack: StackOption,
    request: Annotated[Path, typer.Option(help="The execution input, a JSON file; `prepare` makes one.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="The execution's name. The same name with the same request starts nothing twice. "
            "Default: LabelingJobNamePrefix and the time.",
            show_default=False,
        ),
    ] = None,
    upload_from: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder that stands for S3 (`prepare` makes OUT/s3): files that the request names and "
            "that are not in S3 are uploaded from there, and listed. What is in S3 is never overwritten.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, but start and upload nothing.")
    ] = False,
    ignore_quotas: Annotated[
        bool,
        typer.Option(
            "--ignore-quotas",
            help="Start even if SageMaker's quotas are too small for the jobs. The first job comes after "
            "people have labeled, and then waits for about 12 hours.",
        ),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run once it has started.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was started as JSON.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Start a run on AWS, after checking the request on this machine.

    If the request has no RoleArn or no OutputConfig.S3OutputPath, the stack's are used. Nothing is uploaded
    without --upload-from.

    Example: labelloop start --stack labelloop --request news/request.json --upload-from news/s3
    """
    console = Console(stderr=as_json, soft_wrap=True)
    with explained_errors():
        cloud, deployed = open_stack(stack, region, profile)
        document, added = complete_request(read_request(request), deployed)
        for sentence in added:
            console.print(Text(sentence))
        checked = check_request(document, cloud, deployed)
        if not ignore_quotas:
            _check_quotas(console, cloud, checked)
        _upload_missing(console, cloud, input_uris(checked), upload_from, dry_run=dry_run)
        if dry_run:
            console.print("The request can be started. Nothing was: this was a --dry-run.")
            return
        started = start_execution(cloud, deployed, document, name or default_name(checked))
    if as_json:
        sys.stdout.write(json.dumps(_as_document(started), indent=2) + "\n")
    else:
        _print_started(console, started, stack, region, profile)
    if watch:
        watch_execution(console, cloud, started.execution)


def _check_quotas(console: Console, cloud: Cloud, request: LabelingRequest) -> None:
    """Refuse a run whose jobs SageMaker would refuse. Who may not read quotas can start all the same."""
    try:
        require_quotas(cloud, needs_of(request))
    except QuotaError as error:
        raise OperationError(f"{error}. --ignore-quotas starts the run all the same") from error
    except OperationError as error:
        console.print(Text(f"SageMaker's quotas were not checked: {error}"))


def _upload_missing(
    console: Console, cloud: Cloud, uris: list[str], upload_from: Path | None, *, dry_run: bool
) -> None:
    missing = missing_inputs(cloud, uris)
    if not missing:
        return
    if upload_from is None:
        raise OperationError(
            f"S3 has no {', no '.join(missing)}, which the request names: upload it, or use --upload-from"
        )
    for uri in missing:
        console.print(Text(f"{'Would upload' if dry_run else 'Uploading'} {uri}"))
        if not dry_run:
            upload(cloud, uri, upload_from)


def _as_document(started: StartedExecution) -> dict[str, Any]:
    execution = started.execution
    return {
        "executionArn": execution.arn,
        "name": execution.name,
        "status": execution.status,
        "already": started.already,
        "output": output_prefix(execution),
    }


def _print_started(
    console: Console, started: StartedExecution, stack: str, region: str | None, profile: str | None
) -> None:
    execution = started.execution
    heading = (
        f"{execution.name} was started before and is {execution.status}." if started.already else "Started."
    )
    console.print(Text(heading, style="bold"))
    console.print(Text(f"  {execution.arn}"))
    console.print(Text(f"  files  {output_prefix(execution)}"))
    where = {"stack": stack, "region": region, "profile": profile, "execution": execution.name}
    options = " ".join(f"--{option} {value}" for option, value in where.items() if value)
    program = own_command()
    console.print(Text(f"  watch  {program} watch {options}"))
    console.print(Text(f"   stop  {program} stop {options}"))
    console.print(Text(f"  fetch  {program} fetch {options} --out DIR"))

"""`labelloop doctor`: check an account, a region and a stack, and say what to do."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.aws.options import ProfileOption, RegionOption
from labelloop.cli.errors import explained_errors
from labelloop.operations.checkup import (
    Finding,
    Status,
    check_account,
    check_credentials,
    check_name,
    check_region,
    check_stack,
)
from labelloop.operations.cloud import Cloud, OperationError
from labelloop.operations.stack import find_stack, stack_exists

_MARKS = {
    Status.OK: ("ok      ", "green"),
    Status.WARNING: ("warning ", "yellow"),
    Status.PROBLEM: ("problem ", "bold red"),
    Status.UNKNOWN: ("unknown ", "dim"),
}


def doctor(
    stack: Annotated[
        str | None,
        typer.Option(
            help="The stack, deployed or not yet. Default: only the account and the region are checked.",
            envvar="LABELLOOP_STACK",
            show_envvar=True,
        ),
    ] = None,
    instance_type: Annotated[
        str, typer.Option(help="The instances that jobs will use, whose quotas are looked up.")
    ] = "ml.m5.xlarge",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Check what a run on AWS needs, before and after deploying: changes nothing, and costs nothing.

    It looks at credentials, region, Lambda's limits and SageMaker's quotas, and at a stack's memory, model
    image, role, bucket and people. The exit code is 1 if there is a problem.

    Example: labelloop doctor --stack labelloop --region eu-central-1
    """
    with explained_errors():
        findings = _findings(Cloud(profile, region), stack, instance_type)
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        _print(findings)
    if any(finding.status == Status.PROBLEM for finding in findings):
        raise typer.Exit(1)


def _findings(cloud: Cloud, stack: str | None, instance_type: str) -> list[Finding]:
    who = check_credentials(cloud)
    if who.status == Status.PROBLEM:
        return [who, check_region(cloud), *([check_name(stack)] if stack else [])]
    findings = [who, *check_account(cloud, instance_type)]
    if not stack:
        return findings
    if not stack_exists(cloud, stack):
        return [*findings, check_name(stack), Finding("stack", Status.OK, f"{stack} is not deployed yet")]
    try:
        return [*findings, *check_stack(cloud, find_stack(cloud, stack))]
    except OperationError as error:
        # One that was rolled back is there, but has nothing in it.
        text = f"{error}. If its first deployment failed, remove it with `sam delete`, then deploy it again"
        return [*findings, Finding("stack", Status.PROBLEM, text)]


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True)
    for finding in findings:
        console.print(Text.assemble(_MARKS[finding.status], f"{finding.subject}: {finding.text}"))

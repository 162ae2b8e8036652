"""The options that all commands for runs on AWS have."""

from typing import Annotated

import typer

from labelloop.operations.cloud import Cloud
from labelloop.operations.executions import find_execution
from labelloop.operations.stack import Stack, find_stack
from labelloop.workflow.execution import Execution

StackOption = Annotated[
    str, typer.Option(help="The deployed stack.", envvar="LABELLOOP_STACK", show_envvar=True)
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        help="The stack's AWS region. Default: the profile's.", envvar="AWS_REGION", show_envvar=True
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(help="The AWS profile to act as. Default: like the AWS command line.", show_default=False),
]
ExecutionOption = Annotated[
    str | None,
    typer.Option(help="The execution's name or ARN. Default: the one started last.", show_default=False),
]


def open_stack(stack: str, region: str | None, profile: str | None) -> tuple[Cloud, Stack]:
    """Raises OperationError when the account, the region or the stack cannot be used."""
    cloud = Cloud(profile, region)
    return cloud, find_stack(cloud, stack)


def open_execution(
    stack: str, region: str | None, profile: str | None, execution: str | None
) -> tuple[Cloud, Stack, Execution]:
    """Raises OperationError when the execution, or the stack it belongs to, cannot be found."""
    cloud, deployed = open_stack(stack, region, profile)
    return cloud, deployed, find_execution(cloud, deployed, execution)

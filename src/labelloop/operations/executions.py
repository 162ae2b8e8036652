"""The executions of a stack's loop: a list of them, and the state of one."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from labelloop.operations.cloud import Cloud, OperationError, error_code, explained
from labelloop.operations.stack import Stack
from labelloop.workflow.execution import Execution

_NAMES_TOLD = 5


def describe(cloud: Cloud, arn: str) -> Execution:
    """Raises OperationError when there is no such execution."""
    with explained():
        description = cloud.stepfunctions.describe_execution(executionArn=arn)
    return Execution.from_description(description)


def output_prefix(execution: Execution) -> str:
    """Where in S3 everything is that an execution wrote: `<S3OutputPath><execution name>/`.

    Raises OperationError when its request has no S3OutputPath.
    """
    output_path = str(execution.input_object.get("OutputConfig", {}).get("S3OutputPath", "")).rstrip("/")
    if not output_path:
        raise OperationError(f"the execution {execution.name} was started without OutputConfig.S3OutputPath")
    return f"{output_path}/{execution.name}/"


def find_execution(cloud: Cloud, stack: Stack, name: str | None) -> Execution:
    """The execution with this name or ARN; without one, the one started last.

    Raises OperationError when there is no such execution.
    """
    if name is None:
        latest = next(iter(summaries(cloud, stack)), None)
        if latest is None:
            raise OperationError(
                f"the stack {stack.name!r} has run nothing yet: use `labelloop start --stack {stack.name}`"
            )
        return describe(cloud, latest["executionArn"])
    arn = name if name.startswith("arn:") else execution_arn(stack, name)
    try:
        return describe(cloud, arn)
    except OperationError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and error_code(cause) in ("ExecutionDoesNotExist", "InvalidArn"):
            raise OperationError(_unknown_execution(cloud, stack, name)) from error
        raise


def execution_arn(stack: Stack, name: str) -> str:
    return f"{stack.loop_arn.replace(':stateMachine:', ':execution:')}:{name}"


def summaries(cloud: Cloud, stack: Stack, *, status: str | None = None) -> Iterator[Mapping[str, Any]]:
    """What ListExecutions says about the loop's executions, the newest first."""
    arguments: dict[str, Any] = {"stateMachineArn": stack.loop_arn, "maxResults": 100}
    if status is not None:
        arguments["statusFilter"] = status
    while True:
        with explained():
            page = cloud.stepfunctions.list_executions(**arguments)
        yield from sorted(page["executions"], key=lambda summary: summary["startDate"], reverse=True)
        if not page.get("nextToken"):
            return
        arguments["nextToken"] = page["nextToken"]


def _unknown_execution(cloud: Cloud, stack: Stack, name: str) -> str:
    known = [summary["name"] for summary in islice(summaries(cloud, stack), _NAMES_TOLD)]
    there = f"the latest are {', '.join(known)}" if known else "it has none at all"
    return f"the stack {stack.name!r} has no execution {name!r}: {there}"

"""`labelloop stop`: stop a run on AWS and everything it waits for."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.aws.options import ProfileOption, RegionOption, StackOption, open_stack
from labelloop.cli.aws.watch import how_to_go_on
from labelloop.cli.errors import explained_errors
from labelloop.operations.cloud import Cloud, OperationError
from labelloop.operations.executions import describe, find_execution, summaries
from labelloop.operations.stack import Stack
from labelloop.operations.stopping import in_words
from labelloop.operations.stopping import stop as stop_execution
from labelloop.workflow.execution import RUNNING, Execution


def stop(
    stack: StackOption,
    execution: Annotated[
        str | None,
        typer.Option(
            help="The execution's name or ARN. Default: the one that is running.", show_default=False
        ),
    ] = None,
    cause: Annotated[str, typer.Option(help="Why, for the execution's record.")] = "stopped by its owner",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Stop a run: the execution, the one nested in it, and their jobs: training, transform, labeling, and
    batch inference.

    What people have labeled so far is kept, and another execution can continue from there: set
    ActiveLearning.ResumeFromS3Uri to what is printed. Stopping twice does no harm.

    Example: labelloop stop --stack labelloop
    """
    console = Console(soft_wrap=True)
    with explained_errors():
        cloud, deployed = open_stack(stack, region, profile)
        found = find_execution(cloud, deployed, execution) if execution else _the_one_running(cloud, deployed)
        if found.running and not yes:
            typer.confirm(f"Stop {found.name}?", abort=True)
        stopped = stop_execution(cloud, found, cause)
    for name in stopped.executions:
        console.print(Text(f"Stopped the execution {name}"))
    for job in in_words(stopped.jobs):
        console.print(Text(f"Stopped the {job}"))
    for name in stopped.batch_jobs:
        console.print(Text(f"Stopped the batch inference job {name}"))
    if not (stopped.executions or stopped.jobs or stopped.batch_jobs):
        console.print(Text(f"{found.name} is {found.status}: there was nothing left to stop."))
        return
    console.print(Text(how_to_go_on(found)))


def _the_one_running(cloud: Cloud, stack: Stack) -> Execution:
    running = [summary["executionArn"] for summary in summaries(cloud, stack, status=RUNNING)]
    if not running:
        raise OperationError(
            f"nothing is running in the stack {stack.name!r}. If a run left jobs, name it with --execution"
        )
    if len(running) > 1:
        names = ", ".join(arn.rpartition(":")[2] for arn in running)
        raise OperationError(f"{len(running)} executions are running, choose one with --execution: {names}")
    return describe(cloud, running[0])

"""`labelloop watch`: follow a run on AWS live."""

from datetime import UTC, datetime
from time import sleep
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
from labelloop.cli.own_command import own_command
from labelloop.cli.progress import RunProgress
from labelloop.operations.cloud import Cloud
from labelloop.operations.executions import describe, output_prefix
from labelloop.operations.history import HistoryReader
from labelloop.workflow.execution import FAILED, SUCCEEDED, Execution
from labelloop.workflow.run_output import RunOutput

EVERY_SECONDS = 5.0


def watch(
    stack: StackOption,
    execution: ExecutionOption = None,
    every: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two requests for news.")
    ] = EVERY_SECONDS,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Follow a run on AWS until it ends: first the finished rounds, then live.

    Ctrl-C ends the watching, never the run. The exit code is 0 if the run succeeded, 1 if it did not.

    Example: labelloop watch --stack labelloop
    """
    console = Console(soft_wrap=True)
    with explained_errors():
        cloud, _, found = open_execution(stack, region, profile, execution)
        console.print(Text(f"{found.name}, started {found.started.astimezone():%Y-%m-%d %H:%M}"))
        watch_execution(console, cloud, found, every=every)


def watch_execution(
    console: Console, cloud: Cloud, execution: Execution, *, every: float = EVERY_SECONDS
) -> None:
    """Show an execution until it has ended. The command exits with 1 if it failed, with 130 after Ctrl-C."""
    try:
        ended = _follow(console, cloud, execution, every)
    except KeyboardInterrupt:
        console.print(
            f"\nThe run continues. `{own_command()} watch` follows it again, `{own_command()} stop` ends it."
        )
        raise typer.Exit(130) from None
    print_end(console, ended)
    if ended.status != SUCCEEDED:
        raise typer.Exit(1)


def print_end(console: Console, execution: Execution) -> None:
    """How an execution has ended, and what to do next."""
    if execution.status == SUCCEEDED:
        output = RunOutput.read(execution.output)
        reason = output.stopped_because or "it is done"
        console.print(Text.assemble(("Done", "bold green"), f": it ended because {reason}."))
        console.print(Text(f"  labels  {output.final_manifest_s3_uri}"))
        console.print(Text(f"  report  {output.report_s3_uri}"))
        console.print(f"`{own_command()} fetch` downloads both.")
        return
    console.print(
        Text.assemble((execution.status, "bold red"), f": {execution.error or 'no error is given'}")
    )
    if execution.cause:
        console.print(Text(execution.cause))
    if execution.status != FAILED:  # The cause of a failure says what to do.
        console.print(Text(how_to_go_on(execution)))


def how_to_go_on(execution: Execution) -> str:
    """What happens to the labels of an execution that was stopped early."""
    resume_from = output_prefix(execution)
    return f"All labels given so far are kept. To continue: ActiveLearning.ResumeFromS3Uri = {resume_from}"


class _Clock:
    """Seconds since the start of a run: at the time of an event while past ones are shown, then until now."""

    def __init__(self, started: datetime) -> None:
        self._started = started
        self.event: datetime | None = None

    def __call__(self) -> float:
        return ((self.event or datetime.now(UTC)) - self._started).total_seconds()


class _FollowedRun(RunProgress):
    """A run whose request somebody wrote: it is not this command that has its options."""

    names_options = False


def _follow(console: Console, cloud: Cloud, execution: Execution, every: float) -> Execution:
    history = HistoryReader(cloud, execution.arn)
    clock = _Clock(execution.started)
    with _FollowedRun(console, clock) as progress:
        while True:
            # The status first: then the histories contain everything that happened before the end.
            now = describe(cloud, execution.arn)
            for event in history.new_events():
                clock.event = event.timestamp
                progress.follow(event)
            if not now.running:
                return now
            clock.event = None
            sleep(every)

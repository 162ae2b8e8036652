"""`labelloop status`: the state of a stack's runs."""

import json
import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer
from pydantic.alias_generators import to_pascal
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.cli.aws.options import ProfileOption, RegionOption, StackOption, open_stack
from labelloop.cli.errors import explained_errors
from labelloop.cli.own_command import own_command
from labelloop.core.ledger import Counts
from labelloop.operations.executions import find_execution, output_prefix, summaries
from labelloop.operations.run_status import RunStatus, read_run_status
from labelloop.workflow.execution import Execution


def status(
    stack: StackOption,
    execution: Annotated[
        str | None,
        typer.Option(
            help="One execution in detail, by name or ARN. Default: a list of the latest.", show_default=False
        ),
    ] = None,
    latest: Annotated[int, typer.Option(min=1, help="How many executions to list.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """List the runs of a stack, or show one in detail: its round, its labels, what it is doing.

    Example: labelloop status --stack labelloop --execution news-20261001-101500
    """
    console = Console(soft_wrap=True)
    with explained_errors():
        cloud, deployed = open_stack(stack, region, profile)
        if execution is None:
            rows = [_summary(item) for item in islice(summaries(cloud, deployed), latest)]
            _print(console, rows, as_json=as_json)
            return
        found = find_execution(cloud, deployed, execution)
        run_status = read_run_status(cloud, found)
    if as_json:
        sys.stdout.write(json.dumps(_as_document(found, run_status), indent=2, ensure_ascii=False) + "\n")
    else:
        _print_one(console, found, run_status)


def _summary(item: Any) -> dict[str, Any]:
    return {
        "name": item["name"],
        "status": item["status"],
        "started": item["startDate"].astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": _seconds(item["startDate"], item.get("stopDate")),
    }


def _seconds(started: datetime, stopped: datetime | None) -> int:
    return int(((stopped or datetime.now(UTC)) - started).total_seconds())


def _print(console: Console, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    if not rows:
        console.print(f"This stack has run nothing yet: use `{own_command()} start`.")
        return
    table = Table(box=None, padding=(0, 2))
    for column in ("name", "status", "started (UTC)", "took"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(
            row["name"], row["status"], row["started"][:16].replace("T", " "), _duration(row["seconds"])
        )
    console.print(table)


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours:d}:{rest // 60:02d}:{rest % 60:02d}"


def _as_document(execution: Execution, run_status: RunStatus) -> dict[str, Any]:
    return {
        "name": execution.name,
        "executionArn": execution.arn,
        "status": execution.status,
        "started": execution.started.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": _seconds(execution.started, execution.stopped),
        "round": run_status.round,
        "states": list(run_status.states),
        "counts": _counts_document(run_status.counts),
        "error": execution.error,
        "cause": execution.cause,
        "output": execution.output_object or None,
        "files": output_prefix(execution),
    }


def _counts_document(counts: Counts | None) -> dict[str, int]:
    """As the state machine's own states have them; empty before the first of them."""
    return {to_pascal(name): number for name, number in counts.as_dict().items()} if counts else {}


def _print_one(console: Console, execution: Execution, run_status: RunStatus) -> None:
    took = _duration(_seconds(execution.started, execution.stopped))
    console.print(Text.assemble((execution.name, "bold"), f"  {execution.status}, {took}"))
    if execution.running and run_status.states:
        console.print(Text(f"  now    round {run_status.round}: {' > '.join(run_status.states)}"))
    if (counts := run_status.counts) is not None:
        # What people labeled for a test counts as theirs, as in the report.
        ahead = f"{counts.ahead:,} with people meanwhile, " if counts.ahead else ""
        console.print(
            Text(
                f"  labels {counts.input:,} input, {counts.pool:,} pool, {ahead}"
                f"{counts.human_labels:,} human, {counts.auto:,} auto, {counts.failed:,} failed"
            )
        )
    console.print(Text(f"  files  {output_prefix(execution)}"))
    if execution.cause or execution.error:
        console.print(Text(f"  {execution.error}: {execution.cause or 'no cause is given'}"))

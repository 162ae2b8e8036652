"""`labelloop answers`: every single answer that people gave at the workbench."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.aws.options import ProfileOption, RegionOption, open_stack
from labelloop.cli.errors import explained_errors
from labelloop.cli.labels_so_far import RUN
from labelloop.core.errors import RequestError
from labelloop.in_memory.workbench_folder import WorkbenchFolder
from labelloop.operations.cloud import explained
from labelloop.operations.stack import workbench_table
from labelloop.reporting.text import counted
from labelloop.workbench.answer_export import Format, exported
from labelloop.workbench.dynamodb_store import DynamoDbTaskStore
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.store import TaskStore

_FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl"}


def answers(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The folder of `run`, `label`, `label-file` or `audit`: its --out.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The file to write: .csv or .jsonl. An existing file is replaced.")
    ] = Path("answers.csv"),
    stack: Annotated[
        str | None, typer.Option(help="The deployed stack, instead of FOLDER.", show_default=False)
    ] = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Write every answer that people gave at the workbench: who, what, when, how long, and in which batch.

    This works while people label, too. Answers that were taken back or replaced are left out.

    Example: labelloop answers news/run --out answers.csv
    """
    console = Console()
    with explained_errors():
        form = _FORMATS.get(out.suffix.lower())
        if form is None:
            raise RequestError(f"{out} is neither .csv nor .jsonl: name the file with --out")
        if (folder is None) == (stack is None):
            raise RequestError("name either the folder of a run or a stack, with --stack")
        with _opened(folder, stack, region, profile) as store:
            written = LocalFiles().write_lines(str(out), exported(store, form))
    given = written - (form == "csv")
    console.print(Text(f"Wrote {out}: {counted(given, 'answer')}, skips among them."), soft_wrap=True)


@contextlib.contextmanager
def _opened(
    folder: Path | None, stack: str | None, region: str | None, profile: str | None
) -> Iterator[TaskStore]:
    if folder is not None:
        with contextlib.closing(SqliteTaskStore(_database(folder))) as store:
            yield store
        return
    assert stack is not None
    cloud, deployed = open_stack(stack, region, profile)
    with explained():
        yield DynamoDbTaskStore(workbench_table(cloud, deployed), cloud.client("dynamodb"))


def _database(folder: Path) -> Path:
    """The workbench's file in a folder, or in its folder `run`. Raises RequestError."""
    places = [WorkbenchFolder(place).store for place in (folder, folder / RUN)]
    for path in places:
        if path.is_file():
            return path
    raise RequestError(
        f"nobody has labeled at a workbench in {folder}: there is no {places[0].name}. Name the --out of a "
        "run"
    )

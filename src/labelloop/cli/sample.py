"""`labelloop sample`: a file of texts to try labelloop on."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.own_command import own_command
from labelloop.core.errors import RequestError
from labelloop.preparation.demo_headlines import CLASS_SHARES, DEFAULT_COUNT, write_demo_csv


def sample(
    file: Annotated[Path, typer.Argument(help="The CSV file to write.", show_default=False)],
    rows: Annotated[int, typer.Option(min=1, help="How many headlines.")] = DEFAULT_COUNT,
    with_labels: Annotated[
        bool, typer.Option("--with-labels", help="With their classes, for simulated people.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 0,
) -> None:
    """Write a file of made-up news headlines without labels, to try `label-file` on.

    Example: labelloop sample headlines.csv
    """
    console = Console()
    with explained_errors():
        try:
            write_demo_csv(file, rows, seed, with_labels=with_labels)
        except FileExistsError:
            raise RequestError(f"{file} is there already: name another file") from None
        except OSError as error:
            raise RequestError(f"{file} cannot be written: {error.strerror}") from error
        console.print(Text(f"Wrote {rows:,} made-up headlines to {file}. Label them with:"), soft_wrap=True)
        console.print(Text(_label_them(file, with_labels=with_labels)), soft_wrap=True)


def _label_them(file: Path, *, with_labels: bool) -> str:
    columns = "--text-column title --id-column id"
    who = (
        "--label-column category --people simulated" if with_labels else f"--classes {','.join(CLASS_SHARES)}"
    )
    source, out = shlex.quote(str(file)), shlex.quote(str(file.with_suffix("")))
    return f"{own_command()} label-file {source} {columns} {who} --out {out}"

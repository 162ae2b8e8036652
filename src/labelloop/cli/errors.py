"""How a command tells a person about an error."""

import contextlib
from collections.abc import Generator

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.sentences import say
from labelloop.core.errors import LabelloopError


class RunFailedError(LabelloopError):
    """Raised when the execution did not succeed; the message is its cause."""


@contextlib.contextmanager
def explained_errors() -> Generator[None]:
    """Turn an error that a person can fix into its message and exit code 2, a failed run into exit code 1."""
    try:
        yield
    # An OSError (a full disk, a file without permission) says which file it is about.
    except (LabelloopError, OSError) as error:
        say(Console(stderr=True), Text.assemble(("Error: ", "bold red"), str(error)))
        raise typer.Exit(1 if isinstance(error, RunFailedError) else 2) from error

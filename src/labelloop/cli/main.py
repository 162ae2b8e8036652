"""The `labelloop` command."""

import signal
from typing import Annotated, ClassVar

import typer

import labelloop
from labelloop.cli.command_list import WIDEST, CommandList


class _Commands(CommandList):
    package = "labelloop.cli"
    modules: ClassVar = {
        "Label a file": ("sample", "label_file", "export", "check", "answers"),
        "Labels that you have already": ("audit", "ask_model", "prompt"),
        "Try it without people": ("demo", "simulate"),
        "On AWS": (
            "aws.doctor",
            "aws.start",
            "aws.watch",
            "aws.status",
            "aws.stop",
            "aws.fetch",
            "aws.cleanup",
        ),
        "The parts of these, and tools": (
            "prepare",
            "run",
            "label",
            "fetch_encoder",
            "fetch_backbone",
            "local_aws",
        ),
    }


app = typer.Typer(
    cls=_Commands,
    context_settings={"max_content_width": WIDEST},
    help="Label a data set with as few human answers as possible, and know how wrong the result may be.\n\n"
    "To begin, try `labelloop sample headlines.csv` and the command that it prints.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"labelloop {labelloop.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command. SIGTERM ends it properly, like Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


if __name__ == "__main__":
    main()

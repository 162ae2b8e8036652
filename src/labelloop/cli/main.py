"""The `labelloop` command."""

import signal
from typing import Annotated

import typer

import labelloop
from labelloop.cli.answers import answers
from labelloop.cli.ask_model import ask_model
from labelloop.cli.audit import audit
from labelloop.cli.aws.cleanup import cleanup
from labelloop.cli.aws.doctor import doctor
from labelloop.cli.aws.fetch import fetch
from labelloop.cli.aws.start import start
from labelloop.cli.aws.status import status
from labelloop.cli.aws.stop import stop
from labelloop.cli.aws.watch import watch
from labelloop.cli.check import check
from labelloop.cli.demo import demo
from labelloop.cli.export import export
from labelloop.cli.fetch_backbone import fetch_backbone
from labelloop.cli.fetch_encoder import fetch_encoder
from labelloop.cli.help_page import WIDEST, CommandList
from labelloop.cli.label import label
from labelloop.cli.label_file import label_file
from labelloop.cli.local_aws import local_aws
from labelloop.cli.prepare import prepare
from labelloop.cli.prompt import prompt
from labelloop.cli.run import run
from labelloop.cli.sample import sample
from labelloop.cli.simulate import simulate

app = typer.Typer(
    cls=CommandList,
    context_settings={"max_content_width": WIDEST},
    help="Label a data set with as few human answers as possible, and know how wrong the result may be.\n\n"
    "To begin, try `labelloop sample headlines.csv` and the command that it prints.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
_COMMANDS = {
    "Label a file": (sample, label_file, export, check, answers),
    "Labels that you have already": (audit, ask_model, prompt),
    "Try it without people": (demo, simulate),
    "On AWS": (doctor, start, watch, status, stop, fetch, cleanup),
    "The parts of these, and tools": (prepare, run, label, fetch_encoder, fetch_backbone, local_aws),
}
for _heading, _functions in _COMMANDS.items():
    for _function in _functions:
        app.command(rich_help_panel=_heading)(_function)


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

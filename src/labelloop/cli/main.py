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
from labelloop.cli.fetch_encoder import fetch_encoder
from labelloop.cli.help_page import WIDEST, CommandList
from labelloop.cli.label import label
from labelloop.cli.label_file import label_file
from labelloop.cli.local_aws import local_aws
from labelloop.cli.prepare import prepare
from labelloop.cli.run import run
from labelloop.cli.sample import sample
from labelloop.cli.simulate import simulate

app = typer.Typer(
    cls=CommandList,
    context_settings={"max_content_width": WIDEST},
    help="Label a data set with your own model and few human labels, and know how wrong the rest may be.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
app.command()(label_file)
app.command()(export)
app.command()(answers)
app.command()(check)
app.command()(sample)
app.command()(prepare)
app.command()(simulate)
app.command()(run)
app.command()(demo)
app.command()(local_aws)
app.command()(doctor)
app.command()(start)
app.command()(watch)
app.command()(status)
app.command()(stop)
app.command()(fetch)
app.command()(cleanup)
app.command()(label)
app.command()(audit)
app.command()(ask_model)
app.command()(fetch_encoder)


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

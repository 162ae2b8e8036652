"""The `labelloop` command."""

import typer

from labelloop.cli.demo import demo
from labelloop.cli.prepare import prepare
from labelloop.cli.run import run
from labelloop.cli.simulate import simulate

app = typer.Typer(
    help="Label a data set with your own model and few human labels, and know how wrong the rest may be.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
app.command()(prepare)
app.command()(simulate)
app.command()(run)
app.command()(demo)

if __name__ == "__main__":
    app()

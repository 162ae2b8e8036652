"""`labelloop --help`: what a newcomer sees first."""

from typing import Any

import typer
from typer.testing import CliRunner

from labelloop.cli.main import app


def test_every_command_is_under_one_heading_with_its_whole_first_sentence() -> None:
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert "To begin, try `labelloop sample" in told
    headings = [line for line in told.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings[0] == "Options:"
    assert headings[1] == "Label a file:", "what most people came for stands first"
    assert "Commands:" not in headings, "every command has a heading"
    assert "..." not in told.partition("Label a file:")[2]
    commands: Any = typer.main.get_command(app)
    assert len(commands.commands) > 20
    for name, command in commands.commands.items():
        assert told.count(f"\n  {name}  ") == 1, name
        of_its_own = CliRunner().invoke(app, [name, "--help"], prog_name="labelloop").output
        assert of_its_own.startswith(f"Usage: labelloop {name} "), name
        summary = "".join(command.help.partition("\n\n")[0].split())
        assert summary in "".join(told.split()), name


def test_a_command_that_is_misspelled_is_told_which_was_probably_meant() -> None:
    told = CliRunner().invoke(app, ["label-fiel"])
    assert told.exit_code == 2
    assert "No such command 'label-fiel'. Did you mean 'label-file'" in told.output

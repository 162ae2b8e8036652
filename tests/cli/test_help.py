"""`labelloop --help`: what a newcomer sees first."""

from typer.testing import CliRunner

from labelloop.cli.main import app


def test_every_command_is_under_one_heading_with_its_whole_first_sentence() -> None:
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert "To begin, try `labelloop sample" in told
    headings = [line for line in told.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings[0] == "Options:"
    assert headings[1] == "Label a file:", "what most people came for stands first"
    assert "Commands:" not in headings, "every command has a heading"
    names = [
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    ]
    for name in names:
        assert told.count(f"\n  {name.replace('_', '-')}  ") == 1, name
    assert "..." not in told.partition("Label a file:")[2]

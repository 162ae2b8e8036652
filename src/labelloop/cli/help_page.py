"""How `--help` is laid out: as wide as the terminal, and no sentence cut short."""

from typing import Any

from typer.core import TyperGroup

# Click's own is 80, however wide the terminal is. Longer lines are hard to read.
WIDEST = 110


class CommandList(TyperGroup):
    """The list of commands, each with its whole first sentence: Click ends those that do not fit in `...`."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _summary(command)) for name, command in commands if command and not command.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _summary(command: Any) -> str:
    paragraph = (command.help or "").partition("\n\n")[0]
    return " ".join(paragraph.split())

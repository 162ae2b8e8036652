"""How `--help` is laid out: as wide as the terminal, and no sentence cut short."""

from typing import Any

from typer.core import TyperGroup

# Click's own is 80, however wide the terminal is. Longer lines are hard to read.
WIDEST = 110


class CommandList(TyperGroup):
    """The commands under their headings, each with its whole first sentence: Click cuts long ones."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in commands:
            if command and not command.hidden:
                heading = getattr(command, "rich_help_panel", None)
                heading = heading if isinstance(heading, str) else "Commands"
                sections.setdefault(heading, []).append((name, _summary(command)))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


def _summary(command: Any) -> str:
    paragraph = (command.help or "").partition("\n\n")[0]
    return " ".join(paragraph.split())

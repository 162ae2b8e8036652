"""How a sentence is printed, whatever the width of the terminal."""

from collections.abc import Callable

from rich.console import Console
from rich.text import Text


def say(console: Console, sentence: str | Text) -> None:
    """Broken between words on a terminal, which would break it within one. In a file it stays one line.

    Not for commands and paths, which people copy.
    """
    console.print(sentence, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def line_printer(console: Console) -> Callable[[str], None]:
    """Prints lines that people copy, an address for instance: whole, however long they are."""
    return lambda line: console.print(Text(line), soft_wrap=True)

"""The parts of the page's sections."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """A table cell; `shade` (0 to 10) colors it, and `from_outside` marks a text that is not ours."""

    text: str
    shade: int | None = None
    from_outside: bool = False


@dataclass(frozen=True)
class Table:
    """Rows whose first cell is the row's heading; `numeric` are the right-aligned columns."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    numeric: frozenset[int] = frozenset()

    def cells(self) -> list[list[Cell]]:
        return [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in self.rows]


@dataclass(frozen=True)
class Key:
    """An entry of a chart's legend; `mark` is the CSS class of the marks that it explains."""

    mark: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A chart with its legend, a note on how to read it, and its numbers."""

    title: str
    svg: Markup
    note: str
    table: Table
    legend: Sequence[Key] = ()
    wide: bool = False


@dataclass(frozen=True)
class ShownExample:
    """A data object worth a look: its line, its text or source-ref, and the facts about it."""

    line: int
    text: str
    facts: Sequence[tuple[str, str]]
    image: str | None = None  # a data URI


@dataclass(frozen=True)
class ExampleGroup:
    title: str
    note: str
    examples: Sequence[ShownExample]


@dataclass(frozen=True)
class Section:
    """One part of the page with its own heading."""

    id: str
    title: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    folded_tables: Sequence[Table] = ()
    example_groups: Sequence[ExampleGroup] = ()


@dataclass(frozen=True)
class Tile:
    """A big number, its name, and a note that explains it."""

    name: str
    number: str
    note: str
    mark: str = ""


@dataclass(frozen=True)
class Headline:
    """The top of the page."""

    execution: str
    sentence: str
    grounds: Sequence[str]
    certified: bool
    tiles: Sequence[Tile]
    bar: Markup
    legend: Sequence[Key] = field(default_factory=tuple)
    kind: str = "labeling report"
    subject: str = "Execution"  # what `execution` names

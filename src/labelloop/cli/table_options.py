"""The options of all commands that read a user's files: how these are written, and what their labels mean."""

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.progress_bar import progress_bar
from labelloop.cli.sentences import say
from labelloop.core.label_words import DEFAULT_MISSING
from labelloop.preparation import TableFormat
from labelloop.preparation.errors import OptionError
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.watching import Watcher

_DELIMITERS = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_FORMATS = (
    "CSV (commas, semicolons, tabs or vertical bars), JSON Lines, JSON, Parquet or a workbook such as .xlsx; "
    "text also as .gz, .bz2, .xz, .zst or .zip"
)

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help=f"The texts, one per row: {_FORMATS}. Several files must have the same columns.",
    ),
]
TextsColumn = Annotated[str, typer.Option(help="The column with the texts.")]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="The column with the labels that people gave, empty where there is none. Without it, and "
        "without prior labels, --classes must say which classes there are."
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option(help="A column with a unique id for each row, to join the results with your data."),
]
PriorColumn = Annotated[
    list[str] | None,
    typer.Option(
        help="A column with labels by something else: a language model, a vendor, a rule. Repeatable."
    ),
]
PriorConfidenceColumn = Annotated[
    list[str] | None,
    typer.Option(
        help="How sure each prior label is: 0.87, 87 % or 87. One for each --prior-column, in the same "
        'order; "" for a column without.'
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="The classes, in the order of their index. A row with any other label is a bad row. "
        "Default: all labels in the file, sorted.",
    ),
]
ClassNames = Annotated[
    str | None,
    typer.Option(metavar="A=NAME,...", help="Names to show in place of labels: b=Business,e=Entertainment."),
]
Sample = Annotated[
    int | None, typer.Option(min=1, help="Take this many rows, uniformly at random, in the file's order.")
]
SkipBadRows = Annotated[
    bool,
    typer.Option(
        "--skip-bad-rows", help="Leave bad rows out and list them in the report instead of stopping."
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        help="What separates the columns of CSV: a character, tab, comma, semicolon or pipe. "
        "Default: detected."
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="The encoding of text: utf-8, windows-1252, shift_jis, ... Default: detected."),
]
ColumnNames = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="A,B,C",
        help="The names of the columns, for a file without a header line.",
    ),
]
Quotes = Annotated[
    bool | None,
    typer.Option(
        "--quotes/--plain-quotes",
        help="Quotation marks in CSV enclose a field that contains the delimiter, or are plain characters. "
        "Default: detected.",
    ),
]
Backslashes = Annotated[
    bool | None,
    typer.Option(
        "--backslashes/--plain-backslashes",
        help="A backslash in CSV makes the quotation mark or delimiter behind it part of the text, or is a "
        "plain character. Default: detected.",
    ),
]
Sheet = Annotated[str | None, typer.Option(help="The sheet of a workbook. Default: the only one with cells.")]
Bucket = Annotated[str, typer.Option(help="The S3 bucket for the files; on a laptop, a folder below OUT/s3.")]
Missing = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help='What stands for "no label" in a column of labels; "" for nothing. '
        f"Default: {','.join(DEFAULT_MISSING)}",
    ),
]
ExactLabels = Annotated[
    bool,
    typer.Option(
        "--exact-labels",
        help="Take each label exactly as written. Default: labels that differ only in white space around "
        "them, Unicode form or decimal zeros (1, 1.0) are one class.",
    ),
]
MergeCase = Annotated[
    bool, typer.Option("--merge-case", help="Take labels that differ only in case as one class.")
]


def table_format(
    *,
    text_column: str,
    label_column: str | None,
    prior_columns: tuple[tuple[str, str], ...],
    delimiter: str | None,
    encoding: str | None,
    column_names: str | None,
    quotes: bool | None,
    backslashes: bool | None,
    sheet: str | None,
    id_column: str | None = None,
) -> TableFormat:
    """How the files are written, from these options. Raises PreparationError."""
    return TableFormat(
        text_column=text_column,
        label_column=label_column or "",
        id_column=id_column or "",
        prior_columns=prior_columns,
        delimiter=delimiter_of(delimiter),
        encoding=encoding or "",
        column_names=comma_separated(column_names, "--columns") or (),
        quoted=quotes,
        escaped=backslashes,
        sheet=sheet or "",
    )


def pairs_of_columns(labels: list[str] | None, confidences: list[str] | None) -> tuple[tuple[str, str], ...]:
    """Each prior column with that of its confidences, "" for none."""
    labels, confidences = labels or [], confidences or []
    if confidences and len(confidences) != len(labels):
        raise OptionError(
            f"There are {len(labels)} --prior-column and {len(confidences)} --prior-confidence-column: give "
            'one for each, in the same order, with "" for a column without confidences.'
        )
    return tuple(zip(labels, confidences or [""] * len(labels), strict=True))


def refuse_no_classes(files: list[Path], table_format: TableFormat, classes: str | None) -> None:
    """Raises OptionError where nothing says which classes there are.

    What is wrong with the files comes first: InputFileError, or ColumnError with the columns that there are.
    """
    if not table_format.label_column and not table_format.prior_columns and classes is None:
        TableSource.open(files, table_format)
        raise OptionError(
            "Say which classes there are: --classes A,B,C. If the file has labels, name their column: "
            "--label-column, --prior-column, or both."
        )


def name_pairs(value: str | None) -> dict[str, str]:
    """Labels, and the names to show in their place."""
    pairs = {}
    for pair in comma_separated(value, "--class-names") or ():
        label, equals, name = pair.partition("=")
        if not (label and equals and name.strip()):
            raise OptionError(f"--class-names takes LABEL=NAME pairs, separated by commas, not {pair!r}.")
        if label in pairs:
            raise OptionError(f"--class-names names {label!r} twice.")
        pairs[label] = name
    return pairs


def delimiter_of(option: str | None) -> str:
    """The character; empty where it is to be found out."""
    return _DELIMITERS.get(option or "", option or "")


def missing_words(option: str | None) -> tuple[str, ...]:
    """The words that mean that there is no label."""
    return DEFAULT_MISSING if option is None else comma_separated(option, "--missing") or ()


def comma_separated(value: str | None, option: str) -> tuple[str, ...] | None:
    """Read a comma-separated list; a name that contains a comma must be in quotation marks."""
    if value is None:
        return None
    try:
        return tuple(next(csv.reader([value], strict=True), []))
    except csv.Error as error:
        raise OptionError(f"{option} is not a comma-separated list: {error}.") from error


@contextlib.contextmanager
def reading_progress() -> Iterator[Watcher]:
    """A bar while long files are read, on a terminal; it leaves nothing behind."""
    console = Console(stderr=True)
    with progress_bar(console) as progress:
        tasks = {}

        def watcher(doing: str, share: float) -> None:
            if doing not in tasks:
                tasks[doing] = progress.add_task(doing, total=1.0)
            progress.update(tasks[doing], completed=share)

        yield watcher


def print_reading(console: Console, read_as: tuple[str, ...], notes: tuple[str, ...]) -> None:
    """How the files were read, and what may surprise about that."""
    for words in read_as:
        console.print(Text(f"Read {words}"), soft_wrap=True)
    for note in notes:
        say(console, Text.assemble(("Note: ", "bold yellow"), note))

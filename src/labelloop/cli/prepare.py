"""`labelloop prepare`: from files of texts, with or without labels, to the input of a run."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.cli import table_options
from labelloop.cli.errors import explained_errors
from labelloop.cli.table_options import comma_separated
from labelloop.preparation import (
    Preparation,
    PreparationOptions,
    TableFormat,
    check_label_attribute,
    prepare_files,
)
from labelloop.preparation.errors import OptionError
from labelloop.preparation.options import (
    DEFAULT_BUCKET,
    DEFAULT_CREATION_DATE,
    DEFAULT_JOB_NAME_PREFIX,
    DEFAULT_LABEL_ATTRIBUTE,
    PLACEHOLDER_ROLE_ARN,
    PLACEHOLDER_WORKTEAM_ARN,
    prior_attributes,
)

_CLASSES_SHOWN = 20


def prepare(
    files: table_options.Files,
    text_column: Annotated[str, typer.Option(help="The column with the texts.")],
    out: Annotated[Path, typer.Option(help="The folder for everything that is written.")],
    label_column: Annotated[
        str | None,
        typer.Option(
            help="The column with the labels that people gave, empty where there is none. Without it, and "
            "without prior labels, --classes must say which classes there are."
        ),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(
            help="The column with an id of each row, to join results back. It is kept with the others."
        ),
    ] = None,
    prior_column: Annotated[
        list[str] | None,
        typer.Option(
            help="A column with labels by something else: a language model, a vendor, a rule. Repeatable."
        ),
    ] = None,
    prior_confidence_column: Annotated[
        list[str] | None,
        typer.Option(
            help="How sure each prior label is: 0.87, 87 % or 87. One for each --prior-column, in the same "
            'order; "" for a column without.'
        ),
    ] = None,
    labeled_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="The share of the rows whose label is in the manifest from the start, as a label of people. "
            "Default: all labels that are known; none where every row has one, for then the file tries a run "
            "out.",
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Take this many rows, uniformly at random, in the file's order.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files, byte for byte.")] = 0,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="The labels in the order of their class index. Any other label makes a row bad. "
            "Default: all labels in the file, sorted.",
        ),
    ] = None,
    class_names: Annotated[
        str | None,
        typer.Option(
            metavar="A=NAME,...", help="Names to show in place of labels: b=Business,e=Entertainment."
        ),
    ] = None,
    label_attribute: Annotated[
        str | None,
        typer.Option(
            help="The key of the label in the manifest. Default: the label column's name, or label."
        ),
    ] = None,
    bucket: Annotated[
        str, typer.Option(help="The S3 bucket for the files; on a laptop, a folder below OUT/s3.")
    ] = DEFAULT_BUCKET,
    missing: table_options.Missing = None,
    exact_labels: table_options.ExactLabels = False,
    merge_case: table_options.MergeCase = False,
    delimiter: table_options.Delimiter = None,
    encoding: table_options.Encoding = None,
    column_names: table_options.ColumnNames = None,
    quotes: table_options.Quotes = None,
    sheet: table_options.Sheet = None,
    skip_bad_rows: Annotated[
        bool,
        typer.Option(
            "--skip-bad-rows", help="Leave bad rows out and list them in the report, instead of stopping."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that is not empty. Nothing is deleted.")
    ] = False,
    creation_date: Annotated[
        datetime, typer.Option(help="The date given to the labels in the manifest.")
    ] = DEFAULT_CREATION_DATE,
    job_name_prefix: Annotated[
        str, typer.Option(help="The beginning of the labeling jobs' names.")
    ] = DEFAULT_JOB_NAME_PREFIX,
    role_arn: Annotated[
        str, typer.Option(help="The role SageMaker works under. The default is a placeholder.")
    ] = PLACEHOLDER_ROLE_ARN,
    workteam_arn: Annotated[
        str, typer.Option(help="The work team that labels, for Ground Truth. The default is a placeholder.")
    ] = PLACEHOLDER_WORKTEAM_ARN,
) -> None:
    """Make the input of a run from files of texts, with no labels, or those of some or all of them.

    Texts are passed on exactly as they are. Rows that cannot be used are an error, unless --skip-bad-rows.
    All columns are kept in OUT/rows.csv, in the order of the manifest, so that results can be joined back.

    Example: labelloop prepare texts.csv --text-column title --classes business,health,sports --out news
    """
    with explained_errors():
        prior_columns = pairs_of_columns(prior_column or [], prior_confidence_column or [])
        if label_column is None and not prior_columns and classes is None:
            raise OptionError(
                "Say which classes there are: --classes A,B,C. If the file has labels, name their column: "
                "--label-column, --prior-column, or both."
            )
        if label_attribute is None:
            label_attribute = label_column or DEFAULT_LABEL_ATTRIBUTE
            check_label_attribute(label_attribute)
        table_format = TableFormat(
            text_column=text_column,
            label_column=label_column or "",
            id_column=id_column or "",
            prior_columns=prior_columns,
            delimiter=table_options.delimiter_of(delimiter),
            encoding=encoding or "",
            column_names=comma_separated(column_names, "--columns") or (),
            quoted=quotes,
            sheet=sheet or "",
        )
        options = PreparationOptions(
            label_attribute=label_attribute,
            prior_attributes=prior_attributes(prior_columns),
            classes=comma_separated(classes, "--classes"),
            class_names=_name_pairs(class_names),
            labeled_share=labeled_share,
            sample=sample,
            seed=seed,
            bucket=bucket,
            skip_bad_rows=skip_bad_rows,
            overwrite=overwrite,
            creation_date=creation_date,
            job_name_prefix=job_name_prefix,
            role_arn=role_arn,
            workteam_arn=workteam_arn,
            missing=table_options.missing_words(missing),
            exact_labels=exact_labels,
            merge_case=merge_case,
        )
        with table_options.reading_progress() as watcher:
            preparation = prepare_files(files, table_format, out, options, watcher=watcher)
    console = Console()
    _show(preparation, console)
    console.print("\nNext:", highlight=False)
    console.print(Text(_next_command(preparation), style="bold"), soft_wrap=True)
    if prior_columns:
        console.print(
            "The model sees the prior labels too. To train none, and keep what can be kept of them: add "
            "--model given.",
            highlight=False,
            soft_wrap=True,
        )


def pairs_of_columns(labels: list[str], confidences: list[str]) -> tuple[tuple[str, str], ...]:
    """Each prior column with that of its confidences, "" for none."""
    if confidences and len(confidences) != len(labels):
        raise OptionError(
            f"There are {len(labels)} --prior-column and {len(confidences)} --prior-confidence-column: give "
            'one for each, in the same order, with "" for a column without confidences.'
        )
    return tuple(zip(labels, confidences or [""] * len(labels), strict=True))


def _name_pairs(value: str | None) -> dict[str, str]:
    pairs = {}
    for pair in comma_separated(value, "--class-names") or ():
        label, equals, name = pair.partition("=")
        if not (label and equals and name.strip()):
            raise OptionError(f"--class-names takes LABEL=NAME pairs, separated by commas, not {pair!r}.")
        if label in pairs:
            raise OptionError(f"--class-names names {label!r} twice.")
        pairs[label] = name
    return pairs


def _show(preparation: Preparation, console: Console) -> None:
    table_options.print_reading(console, preparation.read_as, ())
    console.print(Text(_prepared(preparation)), soft_wrap=True)
    console.print(_class_table(preparation.rows_by_class))
    for note in preparation.notes:
        console.print(Text.assemble(("Note: ", "bold yellow"), note))
    folder = preparation.folder
    places = (
        ("manifest", folder.manifest),
        ("class list", folder.class_labels),
        ("worker template", folder.worker_template),
        ("your columns", folder.kept_rows),
        *([("truth", folder.truth)] if preparation.unknown < preparation.rows else []),
        ("report", folder.report),
        ("request", folder.request),
    )
    # soft_wrap: paths and the command are there to be copied, so they must not be broken into lines.
    for name, path in places:
        console.print(Text(f"  {name:<16}{path}"), soft_wrap=True)


def _prepared(preparation: Preparation) -> str:
    rows, labeled = preparation.rows, preparation.labeled
    prepared = f"Prepared {rows:,} of {preparation.rows_read:,} rows"
    if preparation.unknown == rows:
        return f"{prepared}, without labels."
    if not (labeled or preparation.unknown):
        return (
            f"{prepared}, each with a label that only simulated people will know: such a file tries a run "
            "out. If its labels are to count as people's, add --labeled-share 1."
        )
    return f"{prepared}; {labeled:,} of them ({labeled / rows:.1%}) with their label in the manifest."


def _class_table(rows_by_class: dict[str, int]) -> Table:
    table = Table("index", "class", box=None, pad_edge=True)
    table.add_column("rows", justify="right")
    for index, (name, rows) in enumerate(rows_by_class.items()):
        if index == _CLASSES_SHOWN:
            table.add_row("", f"and {len(rows_by_class) - _CLASSES_SHOWN:,} more", "")
            break
        table.add_row(str(index), Text(name), f"{rows:,}")
    return table


def _next_command(preparation: Preparation) -> str:
    folder = preparation.folder
    # Simulated people can answer only what the file knows.
    people = ("workbench",) if preparation.unknown else ("simulated", "--truth", str(folder.truth))
    return "  " + shlex.join(
        [
            *("labelloop", "run", "--request", str(folder.request), "--s3-root", str(folder.s3_root)),
            *("--people", *people, "--out", str(folder.folder / "run")),
        ]
    )

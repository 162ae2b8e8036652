"""`labelloop prepare`: from a CSV file of texts and labels to the input of a run."""

from __future__ import annotations

import csv
import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.preparation import (
    CsvFormat,
    Preparation,
    PreparationOptions,
    check_label_attribute,
    prepare_csv,
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
TAB = ("\\t", "tab")


def prepare(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", help="The texts, one per row, in UTF-8. The first line names the columns."
        ),
    ],
    text_column: Annotated[str, typer.Option(help="The column with the texts.")],
    out: Annotated[Path, typer.Option(help="The folder for everything that is written.")],
    label_column: Annotated[
        str | None,
        typer.Option(
            help="The column with the true labels; empty if a label is not known. Only a file with prior "
            "labels can do without."
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
        float,
        typer.Option(
            min=0, max=1, help="The share of the rows whose label is in the manifest from the start."
        ),
    ] = 0.2,
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
    delimiter: Annotated[str, typer.Option(help="What separates the columns; \\t for a tab.")] = ",",
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C", help="The names of the columns, for a file without a line that names them."
        ),
    ] = None,
    quotes: Annotated[
        bool,
        typer.Option(
            "--quotes/--plain-quotes",
            help="Quotation marks enclose a field that contains the delimiter, or are plain characters.",
        ),
    ] = True,
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
    """Make the input of a run from a CSV file of texts, with the true labels of some or all of them.

    Texts are passed on exactly as they are. Rows that cannot be used are an error, unless --skip-bad-rows.
    """
    with explained_errors():
        prior_columns = pairs_of_columns(prior_column or [], prior_confidence_column or [])
        if label_column is None and not prior_columns:
            raise OptionError("Name the column with the labels: --label-column, --prior-column, or both.")
        if label_attribute is None:
            label_attribute = label_column or DEFAULT_LABEL_ATTRIBUTE
            check_label_attribute(label_attribute)
        csv_format = CsvFormat(
            text_column=text_column,
            label_column=label_column or "",
            delimiter="\t" if delimiter in TAB else delimiter,
            column_names=comma_separated(columns, "--columns") or (),
            quoted=quotes,
            prior_columns=prior_columns,
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
        )
        preparation = prepare_csv(file, csv_format, out, options)
    console = Console()
    _show(preparation, console)
    console.print("\nNext:", highlight=False)
    console.print(
        Text(_next_command(preparation, truth=label_column is not None), style="bold"), soft_wrap=True
    )
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


def comma_separated(value: str | None, option: str) -> tuple[str, ...] | None:
    """Read a comma-separated list; a name that contains a comma must be in quotation marks."""
    if value is None:
        return None
    try:
        return tuple(next(csv.reader([value], strict=True), []))
    except csv.Error as error:
        raise OptionError(f"{option} is not a comma-separated list: {error}.") from error


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
    share = preparation.labeled / preparation.rows
    console.print(
        f"Prepared {preparation.rows:,} of {preparation.rows_read:,} rows; "
        f"{preparation.labeled:,} of them ({share:.1%}) with their label in the manifest.",
        highlight=False,
    )
    console.print(_class_table(preparation.rows_by_class))
    for note in preparation.notes:
        console.print(Text.assemble(("Note: ", "bold yellow"), note))
    folder = preparation.folder
    places = (
        ("manifest", folder.manifest),
        ("class list", folder.class_labels),
        ("worker template", folder.worker_template),
        ("truth", folder.truth),
        ("report", folder.report),
        ("request", folder.request),
    )
    # soft_wrap: paths and the command are there to be copied, so they must not be broken into lines.
    for name, path in places:
        console.print(Text(f"  {name:<16}{path}"), soft_wrap=True)


def _class_table(rows_by_class: dict[str, int]) -> Table:
    table = Table("index", "class", box=None, pad_edge=True)
    table.add_column("rows", justify="right")
    for index, (name, rows) in enumerate(rows_by_class.items()):
        if index == _CLASSES_SHOWN:
            table.add_row("", f"and {len(rows_by_class) - _CLASSES_SHOWN:,} more", "")
            break
        table.add_row(str(index), Text(name), f"{rows:,}")
    return table


def _next_command(preparation: Preparation, *, truth: bool) -> str:
    folder = preparation.folder
    people = ("simulated", "--truth", str(folder.truth)) if truth else ("workbench",)
    return "  " + shlex.join(
        [
            *("labelloop", "run", "--request", str(folder.request), "--s3-root", str(folder.s3_root)),
            *("--people", *people, "--out", str(folder.folder / "run")),
        ]
    )

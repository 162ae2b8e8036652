"""`labelloop prepare`: from files of texts or a folder of images, with or without labels, to the input of a
run.
"""

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
from labelloop.cli.own_command import own_command
from labelloop.cli.sentences import say
from labelloop.cli.table_options import comma_separated
from labelloop.preparation import (
    Preparation,
    PreparationOptions,
    check_label_attribute,
    prepare_files,
    prepare_images,
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
    out: Annotated[Path, typer.Option(help="The folder for everything that is written.")],
    text_column: Annotated[str | None, typer.Option(help="The column with the texts.")] = None,
    image_column: Annotated[
        str | None,
        typer.Option(
            help="The column with images: paths from the file's folder on, or S3 URIs. A folder of images "
            "needs no table: its folders are the classes."
        ),
    ] = None,
    longest_side: Annotated[
        int | None,
        typer.Option(
            min=64,
            help="Store images with more pixels on a side smaller: they load faster in each round, for "
            "people and for the model.",
        ),
    ] = None,
    label_column: table_options.LabelColumn = None,
    id_column: table_options.IdColumn = None,
    prior_column: table_options.PriorColumn = None,
    prior_confidence_column: table_options.PriorConfidenceColumn = None,
    labeled_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="The share of the rows whose label counts from the start, as a label by people. "
            "Default: all labels that are known; none if every row has one: such a file is for trying a run.",
        ),
    ] = None,
    sample: table_options.Sample = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files, byte for byte.")] = 0,
    classes: table_options.Classes = None,
    class_names: table_options.ClassNames = None,
    label_attribute: Annotated[
        str | None,
        typer.Option(
            help="The key of the label in the manifest. Default: the label column's name, or label."
        ),
    ] = None,
    bucket: table_options.Bucket = DEFAULT_BUCKET,
    missing: table_options.Missing = None,
    exact_labels: table_options.ExactLabels = False,
    merge_case: table_options.MergeCase = False,
    delimiter: table_options.Delimiter = None,
    encoding: table_options.Encoding = None,
    column_names: table_options.ColumnNames = None,
    quotes: table_options.Quotes = None,
    backslashes: table_options.Backslashes = None,
    sheet: table_options.Sheet = None,
    skip_bad_rows: table_options.SkipBadRows = False,
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
    """Make the input of a run from files of texts or a folder of images. None, some or all may have labels.

    Texts and images are passed on exactly as they are. Rows that cannot be used are an error, unless
    --skip-bad-rows. All columns are kept in OUT/rows.csv, in the order of the manifest, so that results can
    be joined back.

    Example: labelloop prepare texts.csv --text-column title --classes business,health,sports --out news

    A folder of images: labelloop prepare photos --out photos-run
    """
    with explained_errors():
        prior_columns = table_options.pairs_of_columns(prior_column, prior_confidence_column)
        images = image_column is not None or (len(files) == 1 and files[0].is_dir())
        _refuse_columns(files, text_column, image_column, label_column, images=images)
        if label_attribute is None:
            label_attribute = label_column or DEFAULT_LABEL_ATTRIBUTE
            check_label_attribute(label_attribute)
        table_format = None
        if not files[0].is_dir():
            table_format = table_options.table_format(
                text_column=image_column or text_column or "",
                label_column=label_column,
                id_column=id_column,
                prior_columns=prior_columns,
                delimiter=delimiter,
                encoding=encoding,
                column_names=column_names,
                quotes=quotes,
                backslashes=backslashes,
                sheet=sheet,
            )
            if not images:
                table_options.refuse_no_classes(files, table_format, classes)
        options = PreparationOptions(
            label_attribute=label_attribute,
            prior_attributes=prior_attributes(prior_columns),
            classes=comma_separated(classes, "--classes"),
            class_names=table_options.name_pairs(class_names),
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
            if images:
                preparation = prepare_images(
                    files[0],
                    out,
                    options,
                    table_format=table_format,
                    longest_side=longest_side,
                    watcher=watcher,
                )
            else:
                assert table_format is not None
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


def _refuse_columns(
    files: list[Path],
    text_column: str | None,
    image_column: str | None,
    label_column: str | None,
    *,
    images: bool,
) -> None:
    """Raises OptionError where columns and files do not go together."""
    if not images and text_column is None:
        raise OptionError("Name the column with the texts (--text-column) or with images (--image-column).")
    if images and text_column is not None:
        raise OptionError("A run labels texts or images: leave out --text-column.")
    if images and len(files) > 1:
        raise OptionError("Images come from one folder or one table.")
    if files[0].is_dir() and (image_column or label_column):
        raise OptionError(
            "A folder has no columns: leave out --image-column and --label-column. The folders in it are the "
            "classes."
        )


def show_rows(preparation: Preparation, console: Console, prepared: str) -> None:
    """How the files were read, which rows are prepared, and what to know about them."""
    table_options.print_reading(console, preparation.read_as, ())
    console.print(Text(prepared), soft_wrap=True)
    console.print(_class_table(preparation.rows_by_class))
    for note in preparation.notes:
        say(console, Text.assemble(("Note: ", "bold yellow"), note))


def _show(preparation: Preparation, console: Console) -> None:
    show_rows(preparation, console, _prepared(preparation))
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
    arguments = [
        *("run", "--request", str(folder.request), "--s3-root", str(folder.s3_root)),
        *("--people", *people, "--out", str(folder.folder / "run")),
    ]
    return f"  {own_command()} {shlex.join(arguments)}"

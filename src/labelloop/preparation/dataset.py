"""From rows of text and label to all that a run needs: manifest, classes, worker template, request, truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from labelloop.preparation.classes import ClassList
from labelloop.preparation.first_pass import first_pass
from labelloop.preparation.manifest_files import write_rows
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.output_folder import OutputFolder, replacing
from labelloop.preparation.prepare_report import PrepareReport
from labelloop.preparation.prior_rows import read_priors
from labelloop.preparation.request import labeling_request
from labelloop.preparation.sample import draw_sample
from labelloop.preparation.source import Source
from labelloop.preparation.survey import usable_rows
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.watching import Watcher, watched


@dataclass(frozen=True, slots=True)
class Preparation:
    """What was prepared, and where.

    `labeled` rows have their label in the manifest, `unknown` ones have none at all. `rows_by_class` is in
    class order; `read_as` and `notes` are for people.
    """

    folder: OutputFolder
    rows_read: int
    rows: int
    labeled: int
    unknown: int
    rows_by_class: dict[str, int]
    read_as: tuple[str, ...]
    notes: tuple[str, ...]


def prepare_files(
    paths: Sequence[Path],
    table_format: TableFormat,
    out: Path,
    options: PreparationOptions,
    *,
    watcher: Watcher | None = None,
) -> Preparation:
    """Prepare the rows of the user's files, as `prepare_dataset` does. Raises PreparationError."""
    folder = OutputFolder(out, options.bucket)
    folder.refuse_if_used(overwrite=options.overwrite)
    rows = TableSource.open(paths, table_format)
    for path in paths:
        folder.refuse_input(path)
    return prepare_tables(rows, table_format, out, options, watcher=watcher)


def prepare_tables(
    rows: TableSource,
    table_format: TableFormat,
    out: Path,
    options: PreparationOptions,
    *,
    watcher: Watcher | None = None,
) -> Preparation:
    """Prepare the rows of tables, as `prepare_dataset` does. Raises PreparationError."""
    return prepare_dataset(
        rows,
        out,
        options,
        origin=rows.file_names,
        columns=rows.columns,
        id_column=table_format.id_column,
        read_as=rows.read_as,
        notes=rows.notes,
        prior_columns=table_format.prior_columns,
        watcher=watcher,
    )


def prepare_dataset(
    rows: Source,
    out: Path,
    options: PreparationOptions,
    *,
    origin: Sequence[str] = (),
    columns: Sequence[str] = (),
    id_column: str = "",
    read_as: Sequence[str] = (),
    notes: Sequence[str] = (),
    prior_columns: Sequence[tuple[str, str]] = (),
    watcher: Watcher | None = None,
) -> Preparation:
    """Write all that a run needs to `out`. The same rows and options give the same bytes.

    The rows are read twice; an iterator that can be read only once is kept in memory. `origin` (the names
    of the files that rows come from), `read_as` (how each was read) and `notes` (what else to know about
    them) go into the report. `columns`: what the fields of a row's `Origin` are called, and `id_column` the
    one that gives its id. `prior_columns`: for each source of prior labels, what messages call its labels
    and how sure they are.

    Raises PreparationError, for example BadRowsError when rows cannot be used, and RequestError for prior
    labels that cannot be. Nothing has been written then, unless writing itself failed (OutputFolderError).
    """
    folder = OutputFolder(out, options.bucket, options.images)
    folder.refuse_if_used(overwrite=options.overwrite)
    request = labeling_request(options)
    if isinstance(rows, Iterator):
        rows = list(rows)
    first = first_pass(rows, options, id_column, watcher)
    lines, rules, survey, classes = first.lines, first.rules, first.survey, first.classes
    sample = draw_sample(
        survey.codes, size=options.sample, labeled_share=options.labeled_share, seed=options.seed
    )
    priors = read_priors(survey, sample, classes, prior_columns) if prior_columns else None
    written = write_rows(
        folder,
        usable_rows(watched(rows, "Writing", watcher), rules),
        sample,
        classes,
        lines,
        priors.priors if priors else None,
        columns=columns,
    )
    told = (*notes, *rules.words.notes(), *(priors.notes if priors else ()))
    report = PrepareReport(", ".join(origin), tuple(read_as), told, survey, classes, sample, written, options)
    _write_documents(folder, classes, report.document(), request)
    return Preparation(
        folder=folder,
        rows_read=survey.rows_read,
        rows=len(sample.taken),
        labeled=len(sample.labeled),
        unknown=written.by_class[""],
        rows_by_class=report.rows_by_class(),
        read_as=tuple(read_as),
        notes=report.notes(),
    )


def _write_documents(
    folder: OutputFolder, classes: ClassList, report: dict[str, Any], request: dict[str, Any]
) -> None:
    template = (
        resources.files("labelloop.preparation")
        .joinpath("image_worker_template.html" if folder.images else "worker_template.html")
        .read_bytes()
    )
    # The request comes last: once it is there, everything it names is there too.
    for path, content in (
        (folder.class_labels, _json_bytes(classes.document())),
        (folder.worker_template, template),
        (folder.report, _json_bytes(report)),
        (folder.request, _json_bytes(request)),
    ):
        with replacing(path) as file:
            file.write(content)


def _json_bytes(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()

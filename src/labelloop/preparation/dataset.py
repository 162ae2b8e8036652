"""From rows of text and label to all that a run needs: manifest, classes, worker template, request, truth."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from labelloop.preparation.classes import ClassList, class_list
from labelloop.preparation.csv_source import CsvFormat, CsvSource
from labelloop.preparation.manifest_files import write_rows
from labelloop.preparation.manifest_lines import ManifestLines
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.output_folder import OutputFolder, replacing
from labelloop.preparation.prepare_report import PrepareReport
from labelloop.preparation.prior_rows import labels_of_prior_columns, read_priors
from labelloop.preparation.request import labeling_request
from labelloop.preparation.sample import draw_sample
from labelloop.preparation.source import Source
from labelloop.preparation.survey import RowRules, refuse_unusable, survey_source, usable_rows


@dataclass(frozen=True, slots=True)
class Preparation:
    """What was prepared, and where. `rows_by_class` is in class order; `notes` are for people."""

    folder: OutputFolder
    rows_read: int
    rows: int
    labeled: int
    rows_by_class: dict[str, int]
    notes: tuple[str, ...]


def prepare_csv(path: Path, csv_format: CsvFormat, out: Path, options: PreparationOptions) -> Preparation:
    """Prepare the rows of a CSV file, as `prepare_dataset` does. Raises PreparationError."""
    rows = CsvSource(path, csv_format)
    OutputFolder(out, options.bucket).refuse_input(path)
    mark = "The file began with a byte-order mark; it was removed."
    notes = [mark] if rows.starts_with_byte_order_mark else []
    # A file name is not necessarily UTF-8, but the report is.
    origin = os.fsencode(path.name).decode(errors="replace")
    return prepare_dataset(
        rows, out, options, origin=origin, notes=notes, prior_columns=csv_format.prior_columns
    )


def prepare_dataset(
    rows: Source,
    out: Path,
    options: PreparationOptions,
    *,
    origin: str = "",
    notes: Sequence[str] = (),
    prior_columns: Sequence[tuple[str, str]] = (),
) -> Preparation:
    """Write all that a run needs to `out`. The same rows and options give the same bytes.

    The rows are read twice; an iterator that can be read only once is kept in memory. `origin` (where the
    rows come from) and `notes` (what else to know about them) go into the report. `prior_columns`: for each
    source of prior labels, what messages call its labels and how sure they are.

    Raises PreparationError, for example BadRowsError when rows cannot be used, and RequestError for prior
    labels that cannot be. Nothing has been written then, unless writing itself failed (OutputFolderError).
    """
    folder = OutputFolder(out, options.bucket)
    folder.refuse_if_used(overwrite=options.overwrite)
    request = labeling_request(options)
    if isinstance(rows, Iterator):
        rows = list(rows)
    lines = ManifestLines(
        options.label_attribute, options.creation_date, options.job_name_prefix, options.prior_attributes
    )
    allowed = None if options.classes is None else frozenset(options.classes)
    rules = RowRules(allowed, options.class_names, lines)

    survey = survey_source(rows, rules)
    refuse_unusable(survey, skip_bad_rows=options.skip_bad_rows)
    classes = class_list(
        survey.labels or labels_of_prior_columns(survey), options.classes, options.class_names
    )
    sample = draw_sample(
        survey.codes, size=options.sample, labeled_share=options.labeled_share, seed=options.seed
    )
    priors = read_priors(survey, sample, classes, prior_columns) if prior_columns else None
    written = write_rows(
        folder, usable_rows(rows, rules), sample, classes, lines, priors.priors if priors else None
    )
    told = (*notes, *priors.notes) if priors else tuple(notes)
    report = PrepareReport(origin, told, survey, classes, sample, written, options)
    _write_documents(folder, classes, report.document(), request)
    return Preparation(
        folder=folder,
        rows_read=survey.rows_read,
        rows=len(sample.taken),
        labeled=len(sample.labeled),
        rows_by_class=report.rows_by_class(),
        notes=report.notes(),
    )


def _write_documents(
    folder: OutputFolder, classes: ClassList, report: dict[str, Any], request: dict[str, Any]
) -> None:
    template = resources.files("labelloop.preparation").joinpath("worker_template.html").read_bytes()
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

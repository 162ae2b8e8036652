"""Texts with their labels, in memory: what a run in memory works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelloop.core.ledger import NO_LABEL
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.preparation.errors import InputFileError
from labelloop.preparation.first_pass import FirstPass, first_pass
from labelloop.preparation.manifest_files import prior_fields
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.prior_rows import read_priors
from labelloop.preparation.sample import Sample, draw_sample, taken_rows
from labelloop.preparation.source import BadRow, LabeledText
from labelloop.preparation.survey import usable_rows
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.watching import Watcher, watched


@dataclass(frozen=True, slots=True)
class TextData:
    """Texts with the index of each one's class, NO_LABEL where it is not known; `classes` are their names."""

    texts: list[str]
    labels: list[int]
    classes: tuple[str, ...]
    lines: list[bytes]  # of the input manifest, with prior labels and without people's
    rows: list[int]  # each one's line in its file; its row, from 1, where there are no lines
    priors: PriorLabels | None = None
    prior_attributes: tuple[str, ...] = ()  # the keys in the lines, one a source
    read_as: tuple[str, ...] = ()  # for people, how each file was read
    notes: tuple[str, ...] = ()  # what could surprise in that
    bad_rows: tuple[BadRow, ...] = ()  # that were left out


def read_known_labels(
    paths: Sequence[Path],
    table_format: TableFormat,
    options: PreparationOptions,
    *,
    watcher: Watcher | None = None,
) -> TextData:
    """The rows of files in which every label is known: what a simulation runs on. Nothing is written.

    Raises what `read_text_data` does; InputFileError also when a label is missing.
    """
    data = read_text_data(TableSource.open(paths, table_format), table_format, options, watcher=watcher)
    require_labels(data)
    return data


def read_text_data(
    rows: TableSource,
    table_format: TableFormat,
    options: PreparationOptions,
    *,
    watcher: Watcher | None = None,
) -> TextData:
    """The rows that `prepare_tables` takes, in its order, with its classes. Nothing is written.

    Raises PreparationError and RequestError as it does.
    """
    read_rows = read_sampled_rows(rows, table_format, options, watcher=watcher)
    first, sample, taken = read_rows.first, read_rows.sample, read_rows.taken
    lines, rules, survey, classes = first.lines, first.rules, first.survey, first.classes
    columns = table_format.prior_columns
    read = read_priors(survey, sample, classes, columns) if columns else None
    fields = [prior_fields(lines, read.priors, row, classes) if read else {} for row in range(len(taken))]
    index_of = {"": NO_LABEL, **{label: index for index, label in enumerate(classes.labels)}}
    return TextData(
        texts=[row.text for row in taken],
        labels=[index_of[row.label] for row in taken],
        classes=classes.names,
        lines=[lines.unlabeled(row.text, of_row) for row, of_row in zip(taken, fields, strict=True)],
        rows=[row.line for row in taken],
        priors=read.priors if read else None,
        prior_attributes=options.prior_attributes,
        read_as=rows.read_as,
        notes=(*rows.notes, *rules.words.notes(), *(read.notes if read else ())),
        bad_rows=tuple(survey.bad_rows),
    )


@dataclass(frozen=True, slots=True)
class SampledRows:
    """The rows that were taken, with all their fields, and what is known of all."""

    first: FirstPass
    sample: Sample
    taken: list[LabeledText]


def read_sampled_rows(
    rows: TableSource,
    table_format: TableFormat,
    options: PreparationOptions,
    *,
    watcher: Watcher | None = None,
) -> SampledRows:
    """The rows that `prepare_tables` takes. Raises PreparationError as it does."""
    first = first_pass(rows, options, table_format.id_column, watcher)
    sample = draw_sample(first.survey.codes, size=options.sample, labeled_share=0.0, seed=options.seed)
    usable = usable_rows(watched(rows, "Reading", watcher), first.rules)
    return SampledRows(first, sample, [row for _, row in taken_rows(usable, sample.taken)])


def require_labels(data: TextData) -> None:
    """Raises InputFileError when a row has no label."""
    if missing := data.labels.count(NO_LABEL):
        sentences = (
            f"{missing:,} of the {len(data.labels):,} rows have no label: simulated people can answer only "
            "what the file knows, so leave those rows out of it.",
            *data.notes,
        )
        raise InputFileError(" ".join(sentences))

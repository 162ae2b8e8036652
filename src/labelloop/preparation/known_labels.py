"""Files in which every label is known, in memory: what a simulation runs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelloop.preparation.classes import class_list, refuse_unlike_classes
from labelloop.preparation.errors import InputFileError
from labelloop.preparation.label_words import LabelWords
from labelloop.preparation.manifest_lines import ManifestLines
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.sample import draw_sample, taken_rows
from labelloop.preparation.survey import RowRules, refuse_unusable, survey_source, usable_rows
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.watching import Watcher, watched


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """Texts with the index of each one's class; `classes` are their names."""

    texts: list[str]
    labels: list[int]
    classes: tuple[str, ...]
    lines: list[bytes]  # of the input manifest, without labels
    read_as: tuple[str, ...] = ()  # for people, how each file was read
    notes: tuple[str, ...] = ()  # what could surprise in that


def read_known_labels(
    paths: Sequence[Path],
    table_format: TableFormat,
    options: PreparationOptions,
    *,
    watcher: Watcher | None = None,
) -> KnownLabels:
    """The rows that `prepare_files` takes, in its order, with its classes. Nothing is written.

    Raises PreparationError as it does; InputFileError also when a label is missing.
    """
    rows = TableSource(paths, table_format)
    lines = ManifestLines(options.label_attribute, options.creation_date, options.job_name_prefix)
    rules = RowRules(options.label_words, options.class_names, lines)
    survey = survey_source(watched(rows, "Reading", watcher), rules)
    refuse_unusable(survey, skip_bad_rows=options.skip_bad_rows)
    refuse_unlike_classes(survey.labels, survey.labeled_rows)
    classes = class_list(survey.labels, None, options.class_names, rules.words.notes())
    sample = draw_sample(survey.codes, size=options.sample, labeled_share=0.0, seed=options.seed)
    taken = [
        (row.text, row.label)
        for _, row in taken_rows(usable_rows(watched(rows, "Reading", watcher), rules), sample.taken)
    ]
    _require_labels(taken, rules.words)
    index_of = {label: index for index, label in enumerate(classes.labels)}
    return KnownLabels(
        texts=[text for text, _ in taken],
        labels=[index_of[label] for _, label in taken],
        classes=classes.names,
        lines=[lines.unlabeled(text) for text, _ in taken],
        read_as=rows.read_as,
        notes=(*rows.notes, *rules.words.notes()),
    )


def _require_labels(rows: Sequence[tuple[str, str]], words: LabelWords) -> None:
    missing = sum(not label for _, label in rows)
    if missing:
        sentences = (
            f"{missing:,} of the {len(rows):,} rows have no label: simulated people can answer only what the "
            "file knows, so leave those rows out of it.",
            *words.notes(),
        )
        raise InputFileError(" ".join(sentences))

"""The first pass over the rows: what is wrong with them is refused, and the classes are known after it."""

from __future__ import annotations

from dataclasses import dataclass

from labelloop.preparation.classes import ClassList, class_list, refuse_unlike_classes
from labelloop.preparation.manifest_lines import ManifestLines
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.prior_rows import labels_of_prior_columns
from labelloop.preparation.source import Source
from labelloop.preparation.survey import RowRules, Survey, refuse_unusable, survey_source
from labelloop.preparation.watching import Watcher, watched


@dataclass(frozen=True, slots=True)
class FirstPass:
    """What is known of the rows before any of them is taken."""

    lines: ManifestLines
    rules: RowRules
    survey: Survey
    classes: ClassList


def first_pass(
    rows: Source, options: PreparationOptions, id_column: str | None, watcher: Watcher | None
) -> FirstPass:
    """Raises PreparationError, for example BadRowsError when rows cannot be used."""
    lines = ManifestLines(
        options.label_attribute,
        options.creation_date,
        options.job_name_prefix,
        options.prior_attributes,
        "source-ref" if options.images else "source",
    )
    rules = RowRules(options.label_words, options.class_names, lines)
    survey = survey_source(watched(rows, "Reading", watcher), rules)
    refuse_unusable(survey, skip_bad_rows=options.skip_bad_rows)
    if id_column:
        survey.ids.refuse_faults(id_column)
    if options.classes is None:
        refuse_unlike_classes(survey.labels, survey.labeled_rows)
    classes = class_list(
        survey.labels or labels_of_prior_columns(survey),
        options.classes,
        options.class_names,
        rules.words.notes(),
    )
    return FirstPass(lines, rules, survey, classes)

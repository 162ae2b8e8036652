"""The prior labels of the rows that are written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labelloop.core.ledger import NO_LABEL
from labelloop.core.model.prior_labels import NONE_GIVEN
from labelloop.preparation.classes import ClassList
from labelloop.preparation.prior_columns import PriorColumn, ReadPriors, is_nothing, read_prior_columns
from labelloop.preparation.sample import Sample
from labelloop.preparation.survey import Survey

# With fewer rows, a good source may agree with all of them.
_ROWS_TO_TELL_A_COPY = 20


def labels_of_prior_columns(survey: Survey) -> list[str]:
    """All labels that the sources give: the classes where no row has a label of its own."""
    return sorted({label for row in survey.priors for label in row[::2] if not is_nothing(label)})


def read_priors(
    survey: Survey, sample: Sample, classes: ClassList, columns: Sequence[tuple[str, str]]
) -> ReadPriors:
    """What the sources say of the sampled rows; each column with the one that says how sure it is.

    Raises RequestError, which names the row and says what to do.
    """
    rows = [survey.priors[place] for place in sample.taken]
    read = read_prior_columns(
        [
            PriorColumn(
                name,
                [row[2 * number] for row in rows],
                sure,
                [row[2 * number + 1] for row in rows] if sure else None,
            )
            for number, (name, sure) in enumerate(columns)
        ],
        classes.labels,
        lines=[survey.lines[place] for place in sample.taken],
    )
    return ReadPriors(read.priors, (*read.notes, *_notes_on_copies(survey, sample, classes, columns, read)))


def _notes_on_copies(
    survey: Survey,
    sample: Sample,
    classes: ClassList,
    columns: Sequence[tuple[str, str]],
    read: ReadPriors,
) -> list[str]:
    index_of = {label: index for index, label in enumerate(classes.labels)}
    index_of_code = [index_of[label] for label in survey.labels]
    codes = (survey.codes[place] for place in sample.taken)
    truth = np.array([NONE_GIVEN if code == NO_LABEL else index_of_code[code] for code in codes])
    notes = []
    for number, (name, _) in enumerate(columns):
        given = read.priors.labels[:, number]
        both = (truth != NONE_GIVEN) & (given != NONE_GIVEN)
        if both.sum() >= _ROWS_TO_TELL_A_COPY and (truth[both] == given[both]).all():
            notes.append(
                f"Column {name!r} agrees with the label column in all {both.sum():,} rows that have both. If "
                "it is a copy of the truth, the run does not show what labels that are given are worth."
            )
    return notes

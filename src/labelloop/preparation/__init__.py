"""Preparing a data set: from a table of texts to the input of a run.

    prepare_dataset(rows, out, options)             from rows in memory or any other source
    prepare_files(paths, table_format, out, ...)    from files, of every format that people have
    read_known_labels(paths, table_format, ...)     nothing is written: what a simulation runs on

The first two write everything into one folder: `s3/<bucket>/input/` with the manifest, the class list and the
worker template, `request.json` for the workflow, `rows.csv` with all that the files had in each row (see
`kept_rows`), `truth.csv` for simulated people, and `prepare_report.json`, which says what became of each row.
"""

from labelloop.preparation.dataset import Preparation, prepare_dataset, prepare_files
from labelloop.preparation.errors import PreparationError
from labelloop.preparation.kept_rows import KeptRow, KeptRows
from labelloop.preparation.known_labels import KnownLabels, read_known_labels
from labelloop.preparation.options import (
    PreparationOptions,
    check_label_attribute,
    propose_label_attribute,
)
from labelloop.preparation.source import LabeledText
from labelloop.preparation.table_format import TableFormat

__all__ = [
    "KeptRow",
    "KeptRows",
    "KnownLabels",
    "LabeledText",
    "Preparation",
    "PreparationError",
    "PreparationOptions",
    "TableFormat",
    "check_label_attribute",
    "prepare_dataset",
    "prepare_files",
    "propose_label_attribute",
    "read_known_labels",
]

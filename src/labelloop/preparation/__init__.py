"""Preparing a data set: from a table of texts to the input of a run.

    prepare_dataset(rows, out, options)       from rows in memory or any other source
    prepare_csv(path, csv_format, out, ...)   from a CSV file
    read_known_labels(path, csv_format, ...)  nothing is written: what a simulation runs on

The first two write everything into one folder: `s3/<bucket>/input/` with the manifest, the class list and the
worker template, `request.json` for the workflow, `truth.csv` for simulated people, and `prepare_report.json`,
which says what became of every row.
"""

from labelloop.preparation.csv_source import CsvFormat
from labelloop.preparation.dataset import Preparation, prepare_csv, prepare_dataset
from labelloop.preparation.errors import PreparationError
from labelloop.preparation.known_labels import KnownLabels, read_known_labels
from labelloop.preparation.options import (
    PreparationOptions,
    check_label_attribute,
    propose_label_attribute,
)
from labelloop.preparation.source import LabeledText

__all__ = [
    "CsvFormat",
    "KnownLabels",
    "LabeledText",
    "Preparation",
    "PreparationError",
    "PreparationOptions",
    "check_label_attribute",
    "prepare_csv",
    "prepare_dataset",
    "propose_label_attribute",
    "read_known_labels",
]

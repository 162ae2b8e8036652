"""Preparing a data set: from a table of texts to the input of a run.

    prepare_dataset(rows, out, options)             from rows in memory or any other source
    prepare_files(paths, table_format, out, ...)    from files, of every format that people have
    prepare_images(source, out, options, ...)       from a folder of images, or a table that names them
    prepare_tables(source, table_format, out, ...)  from open tables, a data frame for instance
    read_text_data(source, table_format, ...)       nothing is written: what a run in memory works on
    read_known_labels(paths, table_format, ...)     the same from files, where every label is known

The first four write into one folder: `s3/<bucket>/input/` with the manifest, the class list and the worker
template, `request.json` for the workflow, `rows.csv` with all that the files had in each row (see
`kept_rows`), `truth.csv` for simulated people, and `prepare_report.json`, which says what became of each row.
"""

from labelloop.preparation.dataset import Preparation, prepare_dataset, prepare_files, prepare_tables
from labelloop.preparation.errors import PreparationError
from labelloop.preparation.images import prepare_images
from labelloop.preparation.kept_rows import KeptRow, KeptRows
from labelloop.preparation.options import (
    PreparationOptions,
    check_label_attribute,
    propose_label_attribute,
)
from labelloop.preparation.source import LabeledText
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.text_data import TextData, read_known_labels, read_text_data, require_labels

__all__ = [
    "KeptRow",
    "KeptRows",
    "LabeledText",
    "Preparation",
    "PreparationError",
    "PreparationOptions",
    "TableFormat",
    "TableSource",
    "TextData",
    "check_label_attribute",
    "prepare_dataset",
    "prepare_files",
    "prepare_images",
    "prepare_tables",
    "propose_label_attribute",
    "read_known_labels",
    "read_text_data",
    "require_labels",
]

"""Labels joined back to the rows of the user's files.

`read_labels` gives the label of each data object in a manifest, `labeled_table` puts it behind the user's
columns, and `write_table` writes that as CSV, JSON Lines or Parquet, by the name's ending.
"""

from labelloop.results.labeled_table import LabeledTable, label_columns, labeled_table
from labelloop.results.labels import CHECKED, GIVEN, MODEL, NO_LABEL_GIVEN, PEOPLE, GivenLabel, read_labels
from labelloop.results.writing import check_format, write_table

__all__ = [
    "CHECKED",
    "GIVEN",
    "MODEL",
    "NO_LABEL_GIVEN",
    "PEOPLE",
    "GivenLabel",
    "LabeledTable",
    "check_format",
    "label_columns",
    "labeled_table",
    "read_labels",
    "write_table",
]

"""Reading the files that people have, whatever their format: a table of texts comes out.

    open_table(path, table_format)   finds out what the file is, and gives its columns and records

`opening` chooses by what a file contains, never by its name alone. One module a format: `csv_table`,
`json_lines`, `json_array`, `parquet`, `workbook`. Below the formats of text lie `compression` and `encoding`.
Every field is text, exactly as the file has it; what is no text (a number of a workbook, a date of Parquet)
is written in one way only, by `cells`.
"""

from labelloop.preparation.tables.opening import open_table
from labelloop.preparation.tables.table import Record, Table

__all__ = ["Record", "Table", "open_table"]

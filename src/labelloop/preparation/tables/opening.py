"""Which format a file has. What it contains decides."""

from __future__ import annotations

import json
from pathlib import Path

from labelloop.core.image_types import media_type_by_content
from labelloop.preparation.errors import InputFileError, OptionError
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.tables import parquet, workbook
from labelloop.preparation.tables.compression import Content, content_of
from labelloop.preparation.tables.csv_table import CsvTable
from labelloop.preparation.tables.encoding import encoding_of, named_encoding, survey_bytes
from labelloop.preparation.tables.json_array import JsonArrayTable
from labelloop.preparation.tables.json_lines import JsonLinesTable
from labelloop.preparation.tables.parquet import ParquetTable
from labelloop.preparation.tables.table import Table
from labelloop.preparation.tables.text_file import TextFile
from labelloop.preparation.tables.workbook import WorkbookTable

_HEAD = 1 << 16
_MAGIC = 64
_OTHER_FORMATS = (
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a text document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x80\x04\x95", "a pickle of Python"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
)
_MARKUP = ("<!doctype", "<html", "<?xml")


def open_table(path: Path, table_format: TableFormat) -> Table:
    """Find out what the file is, and open it. Raises PreparationError."""
    content = content_of(path)
    if (binary := _binary(content, table_format)) is not None:
        return binary
    found = survey_bytes(content)
    if table_format.sheet:
        raise OptionError(f"--sheet is for workbooks, and {path} is not one.")
    named = table_format.encoding
    encoding = named_encoding(named, found) if named else encoding_of(content, found)
    file = TextFile(content, encoding)
    with file.open() as text:
        head = text.read(_HEAD).lstrip("\ufeff")
    if not head.strip():
        raise InputFileError(f"{path} is empty.")
    if head.lstrip()[:10].casefold().startswith(_MARKUP):
        raise _not_a_table(path, "a web page or XML")
    if _is_json_lines(head):
        return JsonLinesTable.of(file)
    if _is_json_array(head, path):
        return JsonArrayTable.of(file)
    return CsvTable.of(file, table_format, quoting=found.quoting)


def _binary(content: Content, table_format: TableFormat) -> Table | None:
    """A table of a format that is no text; None for text."""
    with content.open() as (file, _):
        head = file.read(_MAGIC)
    kinds = {parquet.MAGIC: "a Parquet file", **dict.fromkeys(workbook.MAGIC, "a workbook")}
    kind = next((name for magic, name in kinds.items() if head.startswith(magic)), "")
    if kind and content.compression:
        raise InputFileError(f"{content.path} is {kind}, compressed. Decompress it first.")
    if kind == "a Parquet file":
        return ParquetTable.of(content.path)
    if kind:
        return WorkbookTable.of(content.path, table_format)
    if media_type_by_content(head):
        raise _not_a_table(content.path, "an image")
    for magic, name in _OTHER_FORMATS:
        if head.startswith(magic):
            raise _not_a_table(content.path, name)
    return None


def _not_a_table(path: Path, what: str) -> InputFileError:
    return InputFileError(
        f"{path} is {what}. The texts must be in a table: CSV, JSON Lines, JSON, Parquet or Excel."
    )


def _is_json_lines(head: str) -> bool:
    """Whether the first line is a JSON object, or the whole file is one."""
    first = next((line for line in head.split("\n") if line.strip()), "")
    if not first.lstrip().startswith("{"):
        return False
    if len(first) == len(head):
        return True  # longer than what is looked at
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _is_json_array(head: str, path: Path) -> bool:
    start = "".join(head[:200].split())
    if start.startswith(("[{", "[]")):
        return True
    named = any(suffix in (".json", ".jsonl", ".ndjson") for suffix in path.suffixes)
    return start.startswith(("{", "[")) and named

"""`simulate` and `audit` read what `prepare` reads, by the same code."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import openpyxl

from labelloop.core.label_words import LabelWords
from labelloop.label_audit.table import Columns, Written, read_table
from labelloop.preparation import PreparationOptions, TableFormat, read_known_labels

ROWS = [{"title": f"text {number}", "given": "be"[number % 2]} for number in range(8)]
JSON_LINES = "\n".join(json.dumps(row) for row in ROWS).encode()


def workbook() -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.append(["title", "given"])
    for row in ROWS:
        sheet.append([row["title"], row["given"]])
    book.save(content)
    return content.getvalue()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_simulation_reads_any_format_and_several_files(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, "a.jsonl.gz", gzip.compress(JSON_LINES)),
        write(tmp_path, "b.csv", b"given;title\nB ;more\n"),
    ]
    options = PreparationOptions(label_attribute="label", merge_case=True)
    known = read_known_labels(paths, TableFormat("title", "given"), options)
    assert known.classes == ("b", "e")
    assert known.texts == [*(row["title"] for row in ROWS), "more"]
    assert known.labels[-1] == 0
    assert known.read_as[1] == "b.csv: CSV, semicolons, UTF-8"


def test_an_audit_reads_any_format_and_several_files(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, "a.xlsx", workbook()),
        write(tmp_path, "b.tsv", b"title\tgiven\nmore\tNaN\nlast\tE\n"),
    ]
    table = read_table(paths, Columns("title", ("given",)), words=LabelWords(merge_case=True))
    assert table.classes == ("b", "e")
    assert table.given.tolist() == [0, 1] * 4 + [-1, 1]
    assert table.header == ("title", "given")
    assert table.rows[-2] == ["more", "NaN"], "what people get back is what they gave"
    assert any("'NaN': read as no label" in note for note in table.notes)
    assert table.byte_order_mark, "Excel needs it to read UTF-8"


def test_an_audit_takes_what_the_user_says_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "très,b\nété,e\n".encode("latin-1"))
    written = Written(encoding="latin-1", column_names=("title", "given"))
    table = read_table([path], Columns("title", ("given",)), written=written)
    assert table.texts == ["très", "été"]
    assert table.read_as == ("a.csv: CSV, commas, Latin-1",)

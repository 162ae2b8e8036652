"""Files in every format: the same rows come out, and what they are read as is said."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelloop.preparation.errors import ColumnError, InputFileError, OptionError
from labelloop.preparation.source import BadRow, LabeledText
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEADER = ["id", "title", "category"]
ROWS = [["7", "one, two; three|four", "b"], ["8", "zwölf 十二\tπ", "e"], ["9", 'say "so"', ""]]
FORMAT = TableFormat("title", "category", id_column="id")
CSV = 'id,title,category\n7,"one, two; three|four",b\n8,zwölf 十二\tπ,e\n9,"say ""so""",\n'.encode()


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(content)
    return content.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def separated(delimiter: str) -> bytes:
    lines = [HEADER, *([f'"{field.replace(chr(34), chr(34) * 2)}"' for field in row] for row in ROWS)]
    return "\n".join(delimiter.join(line) for line in lines).encode()


def parquet(columns: dict[str, list[object]]) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


OBJECTS = [
    {"id": 7, "title": ROWS[0][1], "category": "b"},
    {"id": 8, "title": ROWS[1][1], "category": "e"},
    {"id": 9, "title": ROWS[2][1], "category": None},
]
JSON_LINES = "\n".join(json.dumps(row) for row in OBJECTS).encode()
COLUMNS: dict[str, list[object]] = {name: [row[name] for row in OBJECTS] for name in HEADER}
SHEET: list[list[object]] = [list(HEADER), *([row[name] for name in HEADER] for row in OBJECTS)]
FILES: dict[str, tuple[bytes, str]] = {
    "a.csv": (CSV, "CSV, commas, UTF-8"),
    "semicolons.csv": (separated(";"), "CSV, semicolons, UTF-8"),
    "tabs.txt": (separated("\t"), "CSV, tabs, UTF-8"),
    "bars.csv": (separated("|"), "CSV, vertical bars, UTF-8"),
    "a.jsonl": (JSON_LINES, "JSON Lines, UTF-8"),
    "a.json": (json.dumps(OBJECTS, indent=2, ensure_ascii=False).encode(), "JSON, UTF-8"),
    "a.parquet": (parquet(COLUMNS), "Parquet"),
    "a.xlsx": (workbook({"texts": SHEET, "empty": []}), "workbook, sheet 'texts'"),
    "a.csv.gz": (gzip.compress(CSV), "CSV, commas, UTF-8, compressed by gzip"),
    "a.csv.bz2": (bz2.compress(CSV), "CSV, commas, UTF-8, compressed by bzip2"),
    "a.csv.xz": (lzma.compress(CSV), "CSV, commas, UTF-8, compressed by xz"),
    "a.csv.zst": (zstd.compress(CSV), "CSV, commas, UTF-8, compressed by zstd"),
    "a.jsonl.gz": (gzip.compress(JSON_LINES), "JSON Lines, UTF-8, compressed by gzip"),
    "a.zip": (
        zipped({"data/": b"", "data/a.csv": CSV, "__MACOSX/data/._a.csv": b"x"}),
        "CSV, commas, UTF-8, in a zip file",
    ),
    "utf-16.csv": (CSV.decode().encode("utf-16"), "CSV, commas, UTF-16"),
    "no-mark.csv": (
        CSV.decode().encode("utf-16-le"),
        "CSV, commas, UTF-16 (guessed: --encoding names another)",
    ),
    "big-endian.csv": (
        CSV.decode().encode("utf-16-be"),
        "CSV, commas, UTF-16 (guessed: --encoding names another)",
    ),
    "utf-32.csv": (CSV.decode().encode("utf-32"), "CSV, commas, UTF-32"),
    "mark.csv": (b"\xef\xbb\xbf" + CSV, "CSV, commas, UTF-8"),
}


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def fields(source: TableSource) -> list[list[str]]:
    return [row.origin.fields for row in source if isinstance(row, LabeledText) and row.origin]


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    content, read_as = FILES[name]
    source = TableSource.open([write(tmp_path, name, content)], FORMAT)
    assert source.columns == tuple(HEADER)
    assert fields(source) == fields(source) == ROWS
    assert source.read_as == (f"{name}: {read_as}",)


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_is_called_does_not_matter(tmp_path: Path, name: str) -> None:
    assert fields(TableSource.open([write(tmp_path, "data", FILES[name][0])], FORMAT)) == ROWS


def test_several_files_are_one_table_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    first = write(tmp_path, "a.csv", CSV)
    second = write(tmp_path, "b.tsv", b"category\tid\ttitle\ne\t10\tten\n")
    source = TableSource.open([first, second], FORMAT)
    assert fields(source) == [*ROWS, ["10", "ten", "e"]]
    last = [row for row in source if isinstance(row, LabeledText)][-1]
    assert last.origin is not None
    assert (last.origin.file, last.origin.row, last.line, last.origin.id) == ("b.tsv", 1, 2, "10")


def test_files_with_other_columns_are_refused_with_what_differs(tmp_path: Path) -> None:
    first = write(tmp_path, "a.csv", CSV)
    second = write(tmp_path, "b.csv", b"id,title,label\n1,x,b\n")
    with pytest.raises(ColumnError, match=r"has no column 'category'|lacks 'category' and has also 'label'"):
        TableSource.open([first, second], FORMAT)
    with pytest.raises(OptionError, match="named 2 times"):
        TableSource.open([first, first], FORMAT)


def test_a_bad_row_of_several_files_names_its_file(tmp_path: Path) -> None:
    first = write(tmp_path, "a.csv", CSV)
    second = write(tmp_path, "b.csv", b"id,title,category\n1,x\n")
    bad = [str(row) for row in TableSource.open([first, second], FORMAT) if isinstance(row, BadRow)]
    assert bad == ["b.csv, line 2: wrong number of fields: 2, where the file has 3 columns"]


def test_a_single_column_of_texts_may_hold_every_delimiter_but_one(tmp_path: Path) -> None:
    path = write(tmp_path, "texts.txt", b"title\none, two\nthree; four\nfive\n")
    source = TableSource.open([path], TableFormat("title"))
    assert [row.text for row in source if isinstance(row, LabeledText)] == ["one, two", "three; four", "five"]


def test_a_line_that_tells_excel_the_delimiter_is_no_header(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"sep=;\r\nid;title;category\r\n1;a, b;x\r\n2;c\r\n")
    source = TableSource.open([path], FORMAT)
    assert fields(source) == [["1", "a, b", "x"]]
    assert [str(row)[:6] for row in source if isinstance(row, BadRow)] == ["line 4"]


def test_values_that_are_no_text_are_written_with_all_they_have(tmp_path: Path) -> None:
    line = b'{"title": "x", "n": 12345678901234567890123, "f": 1.10, "t": true, "l": [1.50, "e"], "z": null}'
    source = TableSource.open(
        [write(tmp_path, "a.jsonl", line + b'\n{"title": "y", "more": 1}\n')], TableFormat("title")
    )
    assert source.columns == ("title", "n", "f", "t", "l", "z", "more")
    assert fields(source) == [
        ["x", "12345678901234567890123", "1.10", "true", '[1.5, "e"]', "", ""],
        ["y", "", "", "", "", "", "1"],
    ]


def test_numbers_of_a_workbook_are_as_it_shows_them(tmp_path: Path) -> None:
    content = workbook({"s": [["title", "n", None], ["x", 7.0, None], [], ["y", 7.5, None]]})
    source = TableSource.open([write(tmp_path, "a.xlsx", content)], TableFormat("title"))
    assert source.columns == ("title", "n")
    assert fields(source) == [["x", "7"], ["y", "7.5"]]
    assert [row.line for row in source] == [2, 3, 4]


def test_a_sheet_of_several_must_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a.xlsx", workbook({"one": SHEET, "two": SHEET}))
    with pytest.raises(OptionError, match="say with --sheet which one: 'one', 'two'"):
        TableSource.open([path], FORMAT)
    source = TableSource.open([path], TableFormat("title", sheet="two"))
    assert source.read_as == ("a.xlsx: workbook, sheet 'two'",)
    with pytest.raises(OptionError, match="no sheet 'three'"):
        TableSource.open([path], TableFormat("title", sheet="three"))


def test_json_lines_with_faults_name_their_lines(tmp_path: Path) -> None:
    content = b'{"title": "one"}\n{"title": \n[1]\n\n{"title": "\\ud800"}\n{"title": "two"}\n'
    source = TableSource.open([write(tmp_path, "a.jsonl", content)], TableFormat("title"))
    assert [row.text for row in source if isinstance(row, LabeledText)] == ["one", "two"]
    bad = [str(row) for row in source if isinstance(row, BadRow)]
    assert [fault.split(":")[0] for fault in bad] == ["line 2", "line 3", "line 5"]


def test_a_json_array_longer_than_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.preparation.tables.json_array._CHARACTERS", 7)
    rows = [{"title": f"text {number} " * (number % 9), "n": number} for number in range(200)]
    path = write(tmp_path, "a.json", json.dumps(rows, indent=1).encode())
    found = fields(TableSource.open([path], TableFormat("title")))
    assert found == [[str(row["title"]), str(row["n"])] for row in rows]


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


BROKEN: list[tuple[str, bytes, str | None]] = [
    ("a.csv.gz", cut(gzip.compress(CSV * 20)), "damaged or cut off"),
    ("a.csv.bz2", cut(bz2.compress(CSV * 20)), "damaged or cut off"),
    ("a.csv.xz", cut(lzma.compress(CSV * 20)), "damaged or cut off"),
    ("a.csv.zst", cut(zstd.compress(CSV * 20)), "damaged or cut off"),
    ("a.zip", cut(zipped({"a.csv": CSV * 20})), "damaged or cut off"),
    (
        "a.zip",
        zipped({"a.csv": CSV, "b.csv": CSV}),
        "must hold one file, and it holds 2: 'a.csv', 'b.csv'",
    ),
    ("a.zip", zipped({}), "must hold one file"),
    ("a.parquet", cut(parquet(COLUMNS)), "is not a Parquet file that can be read"),
    ("a.xlsx", cut(workbook({"s": SHEET})), "damaged or cut off|not a workbook"),
    ("a.xlsx", workbook({"s": []}), "is empty"),
    ("a.gz", gzip.compress(parquet(COLUMNS)), r"a Parquet file, compressed\. Decompress it first"),
    ("a.json", b'{"a": 1}', "has no column 'title'"),
    ("a.json", b'{\n "title": {"0": "x"}\n}', "must stand here"),
    ("a.json", b'[{"title": "x"}, {"title":', "near line 1"),
    ("a.json", b'[{"title": "x"}]\n[]', "something follows the array"),
    ("a.json", b"[]", "holds no JSON object"),
    ("a.jsonl", b'{"title": "x"}\n' * 2, None),
    ("a.html", b"<!DOCTYPE html><html>", "is a web page"),
    ("a.pdf", b"%PDF-1.7 ...", "is a PDF document"),
    ("a.csv", b"GIF89a ...", "is an image"),
    ("a.bin", bytes(range(256)) * 20, "is not a text"),
    ("a.csv", b"", "is empty"),
    ("a.csv", " \n".encode("utf-16"), "is empty"),
    ("a.csv", CSV.decode().encode("utf-16")[:-1], "is not in UTF-16"),
]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    BROKEN,
    # What is compressed has the time in it, and every process must call the tests the same.
    ids=[f"{number} {name}" for number, (name, _, _) in enumerate(BROKEN)],
)
def test_what_cannot_be_read_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes, message: str | None
) -> None:
    path = write(tmp_path, name, content)

    def read() -> int:
        return len(list(TableSource.open([path], TableFormat("title"))))

    if message is None:
        assert read() == 2
        return
    with pytest.raises((InputFileError, ColumnError), match=message):
        read()


@pytest.mark.parametrize("make", [lambda path: path / "none", lambda path: path])
def test_a_missing_file_and_a_folder(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(InputFileError, match=r"no file|is a folder"):
        TableSource.open([make(tmp_path)], FORMAT)


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a.parquet", FILES["a.parquet"][0])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputFileError, match=r"labelloop\[parquet\]"):
        TableSource.open([path], FORMAT)


def test_another_delimiter_than_the_file_has_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"id;title;category\n1;x;b\n")
    with pytest.raises(ColumnError, match="say with --delimiter what separates them"):
        TableSource.open([path], TableFormat("title", delimiter=","))
    assert TableSource.open([path], FORMAT).delimiter == ";"

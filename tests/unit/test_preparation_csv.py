"""Reading a CSV file: texts come out as they are, and every fault is named with its line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.preparation.errors import ColumnError, InputFileError, OptionError
from labelloop.preparation.source import BadRow, BlankLine, LabeledText, Origin
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource

FORMAT = TableFormat(text_column="title", label_column="category")


def read(
    folder: Path, content: bytes, csv_format: TableFormat = FORMAT
) -> list[LabeledText | BadRow | BlankLine]:
    path = folder / "input.csv"
    path.write_bytes(content)
    return [
        replace(row, origin=None) if isinstance(row, LabeledText) else row
        for row in TableSource.open([path], csv_format)
    ]


def bad_rows(rows: list[LabeledText | BadRow | BlankLine]) -> list[str]:
    return [str(row) for row in rows if isinstance(row, BadRow)]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (b'"a ""quoted"" word"', 'a "quoted" word'),
        (b"  space around  ", "  space around  "),
        (b'"two\nlines"', "two\nlines"),
        (b'"two\r\nlines"', "two\r\nlines"),
        (b'"a lone\rreturn"', "a lone\rreturn"),
        (b"it\xc3\xa2\xe2\x82\xac\xe2\x84\xa2s mojibake", "itâ€™s mojibake"),
        ("\U0001f600 and \u2028 and \u2029 and \x85".encode(), "\U0001f600 and \u2028 and \u2029 and \x85"),
        ("e\u0301 \ufeff \u00a0 \x00".encode(), "e\u0301 \ufeff \u00a0 \x00"),
        (b"'single' \\n back\\slash", "'single' \\n back\\slash"),
    ],
)
def test_a_text_is_read_exactly_as_it_is(tmp_path: Path, field: bytes, text: str) -> None:
    for line_end in (b"\n", b"\r\n"):
        rows = read(tmp_path, line_end.join([b"title,category", field + b",b", b"next,e", b""]))
        assert [(row.text, row.label) for row in rows if isinstance(row, LabeledText)] == [
            (text, "b"),
            ("next", "e"),
        ]


def test_the_last_line_needs_no_line_end(tmp_path: Path) -> None:
    assert read(tmp_path, b"title,category\none,b") == [LabeledText("one", "b", 2)]


def test_a_byte_order_mark_is_taken_off_the_first_column_name(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbftitle,category\none,b\n") == [LabeledText("one", "b", 2)]
    assert TableSource.open([tmp_path / "input.csv"], FORMAT).byte_order_mark


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    assert read(tmp_path, b"id,category,url,title\n1,b,http://x,one\n") == [LabeledText("one", "b", 2)]


def test_rows_can_be_read_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(b"title,category\none,b\n\ntwo,e\n")
    rows = TableSource.open([path], FORMAT)
    assert list(rows) == list(rows)
    one, blank, two = rows
    assert (one, two) == (
        LabeledText("one", "b", 2, origin=Origin("input.csv", 1, "", ["one", "b"])),
        LabeledText("two", "e", 4, origin=Origin("input.csv", 2, "", ["two", "e"])),
    )
    assert blank == BlankLine(3)


def test_a_tab_separated_file_without_header_and_with_plain_quotes_is_read(tmp_path: Path) -> None:
    csv_format = TableFormat("title", "category", "\t", ("id", "title", "category"), quoted=False)
    rows = read(tmp_path, b'1\t"Stray" quote\tb\n2\tan "open one\te\n', csv_format)
    assert rows == [LabeledText('"Stray" quote', "b", 1), LabeledText('an "open one', "e", 2)]


def test_line_numbers_count_the_lines_inside_quoted_fields(tmp_path: Path) -> None:
    rows = read(tmp_path, b'title,category\n"one\ntwo\nthree",b\nfour\nfive,e\n')
    assert rows[0] == LabeledText("one\ntwo\nthree", "b", 2)
    assert bad_rows(rows) == ["line 5: wrong number of fields: 1, where the file has 2 columns"]
    assert rows[2] == LabeledText("five", "e", 6)


def test_a_row_that_is_not_utf_8_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    content = "title,category\n" + "naïve café,b\n" * 5
    rows = read(tmp_path, content.encode() + b"caf\xe9,b\nnext,e\n")
    assert bad_rows(rows) == ["line 7: not UTF-8: byte 0xE9"]
    assert rows[6] == LabeledText("next", "e", 8)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'"abc"x,b\nnext,e\n', ["line 2: not valid CSV: text follows a closing quotation mark"]),
        (b'next,e\n"never closed,b\n', ["line 3: not valid CSV: a quotation mark is opened"]),
        (b"next,e\none,b,extra\n", ["line 3: wrong number of fields: 3"]),
    ],
)
def test_a_faulty_row_is_named_with_its_lines_and_not_mended(
    tmp_path: Path, content: bytes, expected: list[str]
) -> None:
    rows = read(tmp_path, b"title,category\n" + content, replace(FORMAT, quoted=True))
    found = bad_rows(rows)
    assert len(found) == len(expected)
    assert all(message.startswith(start) for message, start in zip(found, expected, strict=True))
    assert [row.text for row in rows if isinstance(row, LabeledText)] == ["next"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", InputFileError, "is empty"),
        (b"\n\n", InputFileError, "is empty"),
        (b"title,category\n", InputFileError, "has a header line and no rows below it"),
        (b"title,category\n\n\n", InputFileError, "has a header line and no rows below it"),
        (b"\xff\xfet\x00i\x00", ColumnError, r"no column 'title'. .* columns are: 'ti'"),
        (
            b"caf\xc3,category\nna\xc3\xafve \xc3\xa9t\xc3\xa9 \xc3\xaf\xc3\xa9\xc3\xaf,b\n",
            InputFileError,
            "the header line is not UTF-8",
        ),
        (b'"title,category\n', InputFileError, "the header line is not valid CSV"),
        (b"Titel,category\na,b\n", ColumnError, r"no column 'title'. Did you mean 'Titel'\? .*'category'"),
        (b"x,y\na,b\n", ColumnError, r"no column 'title'. Its columns are: 'x', 'y'"),
        (b"title,title,category\na,b,c\n", ColumnError, "2 columns named 'title'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path, content: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(tmp_path, content)


def test_a_missing_file_and_a_folder_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="There is no file"):
        TableSource.open([tmp_path / "absent.csv"], FORMAT)
    with pytest.raises(InputFileError, match="not a regular file"):
        TableSource.open([tmp_path], FORMAT)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputFileError, match="not a regular file"):
        TableSource.open([pipe], FORMAT)


@pytest.mark.parametrize("delimiter", [",,", '"', "\n"])
def test_an_impossible_delimiter_is_refused(delimiter: str) -> None:
    with pytest.raises(OptionError, match="must be one character"):
        TableFormat("title", "category", delimiter)


def test_text_and_label_must_be_two_columns() -> None:
    with pytest.raises(ColumnError, match="are both 'title'"):
        TableFormat("title", "title")

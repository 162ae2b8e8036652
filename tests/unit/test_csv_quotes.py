"""Quotation marks in CSV: no row is swallowed, torn or made up without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import BadRow, LabeledText
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource


def source(
    folder: Path, content: str, quoted: bool | None = None, escaped: bool | None = None
) -> TableSource:
    path = folder / "input.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return TableSource.open([path], TableFormat("text", "label", quoted=quoted, escaped=escaped))


def read(table: TableSource) -> list[tuple[str, str]]:
    return [(row.text, row.label) for row in table if isinstance(row, LabeledText)]


def bad(table: TableSource) -> list[str]:
    return [str(row) for row in table if isinstance(row, BadRow)]


PLAIN_QUOTES = 'label\ttext\nneg\t"so she said\npos\tlovely day\npos\tgood morning "\nneg\tbad\npos\tfine\n'
BARE_QUOTE = (
    'text,label\n"Dear team,\nshe said "no"\nKind regards, Bob\nbye",complaint\ngood,praise\nbad,complaint\n'
)


def test_between_tabs_a_quotation_mark_that_would_swallow_rows_is_plain_and_told(tmp_path: Path) -> None:
    table = source(tmp_path, PLAIN_QUOTES)
    assert read(table) == [
        ('"so she said', "neg"),
        ("lovely day", "pos"),
        ('good morning "', "pos"),
        ("bad", "neg"),
        ("fine", "pos"),
    ]
    assert table.read_as == ("input.csv: CSV, tabs, plain quotation marks, UTF-8",)
    assert "--quotes" in table.notes[0]


def test_whoever_says_that_marks_enclose_is_obeyed(tmp_path: Path) -> None:
    assert len(read(source(tmp_path, PLAIN_QUOTES, quoted=True))) == 3


def test_between_commas_the_same_is_refused_with_the_two_ways_to_read_it(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"lines 2-4, .* add --quotes\. .* add --plain-quotes\."):
        source(tmp_path, PLAIN_QUOTES.replace("\t", ","))


def test_what_follows_a_fault_inside_its_quotation_marks_is_no_row(tmp_path: Path) -> None:
    table = source(tmp_path, BARE_QUOTE)
    assert read(table) == [("good", "praise"), ("bad", "complaint")]
    assert len(bad(table)) == 1
    assert bad(table)[0].startswith("lines 2-5: not valid CSV: text follows a closing quotation mark")


def test_good_rows_behind_a_faulty_one_are_kept(tmp_path: Path) -> None:
    content = 'text,label\n"abc"x,b\ngood,e\n"fine, ok",b\n"xyz"y,e\n"two\nlines, too",e\n'
    table = source(tmp_path, content, quoted=True)
    assert read(table) == [("good", "e"), ("fine, ok", "b"), ("two\nlines, too", "e")]
    assert [fault.split(":")[0] for fault in bad(table)] == ["line 2", "line 5"]


def test_a_mark_that_is_never_closed_costs_its_own_row_alone(tmp_path: Path) -> None:
    table = source(tmp_path, 'text,label\n"a, b",x\nnext,e\n"never closed,b\nmore,b\nlast,e\n', quoted=True)
    assert read(table) == [("a, b", "x"), ("next", "e"), ("more", "b"), ("last", "e")]
    assert bad(table) == ["line 4: not valid CSV: a quotation mark is opened and never closed"]


def test_a_mark_that_is_never_closed_does_not_hold_a_long_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.preparation.tables.csv_records._MOST_IN_RECORD", 2000)
    rows = "".join(f"row {number},b\n" for number in range(1000))
    table = source(tmp_path, 'text,label\n"a, b",x\n"never closed,b\n' + rows, quoted=True)
    assert len(read(table)) == 1001
    assert bad(table) == ["line 3: not valid CSV: a quotation mark is opened and never closed"]


def test_stray_marks_make_all_of_them_plain_where_no_row_is_lost_by_it(tmp_path: Path) -> None:
    table = source(tmp_path, 'text,label\n"Stray" quote,b\nan "open one,e\n')
    assert read(table) == [('"Stray" quote', "b"), ('an "open one', "e")]


def test_a_mark_behind_a_backslash_is_told(tmp_path: Path) -> None:
    content = 'text,label\n"said \\"no\\", ok",b\n"x, y",e\n'
    table = source(tmp_path, content, quoted=True)
    assert read(table) == [("x, y", "e")]
    assert "add --backslashes" in bad(table)[0]
    assert read(source(tmp_path, content, escaped=True)) == [('said "no", ok', "b"), ("x, y", "e")]


def test_enclosing_marks_stay_enclosing(tmp_path: Path) -> None:
    content = 'text,label\n"a, b",x\n"two\nlines",e\n"said ""so""",x\n"all",e\n'
    table = source(tmp_path, content)
    assert read(table) == [("a, b", "x"), ("two\nlines", "e"), ('said "so"', "x"), ("all", "e")]
    assert table.notes == ()


def test_where_every_field_is_enclosed_lines_inside_are_no_rows(tmp_path: Path) -> None:
    table = source(tmp_path, '"text","label"\n"Dear, all\nBye","e"\n"next","b"\n')
    assert read(table) == [("Dear, all\nBye", "e"), ("next", "b")]


def test_enclosed_lines_that_look_like_rows_are_told_in_a_file_that_encloses(tmp_path: Path) -> None:
    content = 'text,label\n"a, b",x\n"open,e\nmid,x\nclose ",b\n"c, d",e\n'
    table = source(tmp_path, content)
    assert len(read(table)) == 3
    assert "the first: lines 3-5" in table.notes[0]


def test_a_field_may_be_as_long_as_it_is(tmp_path: Path) -> None:
    table = source(tmp_path, f"text,label,body\nshort,b,{'x' * 140_000}\n")
    assert read(table) == [("short", "b")]


# Backslashes -----------------------------------------------------------------------------------------------

# As Spark and MySQL write CSV.
SPARK = 'text,label\n"She said \\"no, thanks\\"",a\n"C:\\new\\\\",b\nplain,a\n'
MYSQL = "text\tlabel\ntwo\\\nlines\ta\nwith a\\\ttab\tb\nfine\t\\N\n"


def test_a_backslash_before_a_mark_makes_it_a_part_of_the_text(tmp_path: Path) -> None:
    table = source(tmp_path, SPARK)
    assert read(table) == [('She said "no, thanks"', "a"), ("C:\\new\\", "b"), ("plain", "a")]
    assert table.read_as == ("input.csv: CSV, commas, backslashes before marks, UTF-8",)
    assert "--plain-backslashes" in table.notes[0]


def test_escaped_marks_without_a_comma_are_no_plain_marks(tmp_path: Path) -> None:
    table = source(tmp_path, 'text,label\n"She said \\"no\\"",a\n"He \\"did\\" too",b\n')
    assert read(table) == [('She said "no"', "a"), ('He "did" too', "b")]


def test_a_backslash_before_a_delimiter_or_a_line_break_makes_it_a_part_of_the_text(tmp_path: Path) -> None:
    table = source(tmp_path, MYSQL)
    assert read(table) == [("two\nlines", "a"), ("with a\ttab", "b"), ("fine", "")]


def test_backslashes_are_plain_where_marks_are_written_twice(tmp_path: Path) -> None:
    table = source(tmp_path, 'text,label\n"C:\\new, ""old\\""",a\n"\\d+",b\n')
    assert read(table) == [('C:\\new, "old\\"', "a"), ("\\d+", "b")]
    assert not table.notes


def test_whoever_says_what_backslashes_are_is_obeyed(tmp_path: Path) -> None:
    assert len(bad(source(tmp_path, SPARK, quoted=True, escaped=False))) == 1
    assert read(source(tmp_path, "text,label\na\\\\b,x\n", escaped=True)) == [("a\\b", "x")]

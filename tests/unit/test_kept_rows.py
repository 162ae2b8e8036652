"""The rows kept beside the request: what the reader gives, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.preparation import (
    KeptRow,
    KeptRows,
    LabeledText,
    PreparationOptions,
    TableFormat,
    prepare_dataset,
    prepare_files,
)
from labelloop.preparation.errors import BadRowsError, ColumnError, InputFileError

OPTIONS = PreparationOptions(label_attribute="label", classes=("b", "e"), skip_bad_rows=True)


def kept(folder: Path) -> list[KeptRow]:
    with KeptRows.open(folder) as rows:
        return list(rows)


def test_rows_of_several_files_name_their_file_number_and_line(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.jsonl"
    first.write_text('n,text\n1,"two\nlines"\n2,\n\n3,three\n')
    second.write_text('{"text": "four", "n": 4}\n')
    prepare_files([first, second], TableFormat("text"), tmp_path / "out", OPTIONS)
    assert kept(tmp_path / "out") == [
        KeptRow(0, "a.csv", 1, 2, "", ("1", "two\nlines")),
        KeptRow(1, "a.csv", 3, 6, "", ("3", "three")),
        KeptRow(2, "b.jsonl", 1, 1, "", ("4", "four")),
    ]


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / "one/a.csv", tmp_path / "two/a.csv"]
    for path in paths:
        path.parent.mkdir()
        path.write_text("text\nsame\n")
    prepare_files(paths, TableFormat("text"), tmp_path / "out", OPTIONS)
    assert [row.file for row in kept(tmp_path / "out")] == list(map(str, paths))


def test_faults_of_rows_and_ids_name_the_file_where_there_are_several(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("text,n\none,1\n")
    second.write_text("text,n\ntwo,1\n")
    with pytest.raises(ColumnError, match=r"lines a\.csv:2, b\.csv:2: '1'"):
        prepare_files([first, second], TableFormat("text", id_column="n"), tmp_path / "out", OPTIONS)
    second.write_text("text,n\n,2\n")
    strict = PreparationOptions(label_attribute="label", classes=("b", "e"))
    with pytest.raises(BadRowsError, match=r"b\.csv, line 2: empty text"):
        prepare_files([first, second], TableFormat("text"), tmp_path / "out", strict)


def test_rows_that_come_from_no_file_have_their_number_alone(tmp_path: Path) -> None:
    rows = [LabeledText("one"), LabeledText(""), LabeledText("three")]
    prepare_dataset(rows, tmp_path / "out", OPTIONS)
    assert kept(tmp_path / "out") == [KeptRow(0, "", 1, 1, "", ()), KeptRow(1, "", 3, 3, "", ())]


def test_a_folder_that_was_prepared_by_an_earlier_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="Prepare the files again"):
        kept(tmp_path)


@pytest.mark.parametrize("change", [lambda text: text[10:], lambda text: text.replace("1,a.csv", "7,a.csv")])
def test_a_file_that_was_changed_is_refused(tmp_path: Path, change: object) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\none\ntwo\n")
    prepare_files([path], TableFormat("text"), tmp_path / "out", OPTIONS)
    rows = tmp_path / "out/rows.csv"
    rows.write_text(change(rows.read_text()))  # type: ignore[operator]
    with pytest.raises(InputFileError, match=r"was changed|is not what"):
        kept(tmp_path / "out")


def test_a_field_may_be_longer_than_csv_readers_allow(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text,body\none,{'x' * 200_000}\n")
    prepare_files([path], TableFormat("text"), tmp_path / "out", OPTIONS)
    assert len(kept(tmp_path / "out")[0].fields[1]) == 200_000


def test_a_file_that_is_missing_while_the_rows_are_read_is_not_taken_for_theirs(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("text\none\n")
    prepare_files([source], TableFormat("text"), tmp_path / "out", OPTIONS)
    with pytest.raises(FileNotFoundError, match="other"), KeptRows.open(tmp_path / "out"):
        (tmp_path / "other").read_bytes()
    with pytest.raises(InputFileError, match=r"There is no .*rows\.csv"):
        kept(tmp_path)

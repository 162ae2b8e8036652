"""What an audit writes as CSV says what it was given, whatever characters that has."""

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.answer_files.csv_file import write_csv

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["one\rtwo", "one\ntwo", "one\r\ntwo", '"', ",", ";", "\t", " "]
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [True, False])
@given(rows=st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=5))
def test_fields_are_read_as_they_were_written(rows: list[list[str]], delimiter: str, mark: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        write_csv(path, ("a", "b"), rows, delimiter=delimiter, mark=mark)
        with path.open(encoding="utf-8-sig" if mark else "utf-8", newline="") as file:
            assert list(csv.reader(file, delimiter=delimiter, strict=True)) == [["a", "b"], *rows]

"""Whatever a file holds and whichever rows are taken, results can be joined back to it exactly."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labelloop.preparation import KeptRows, PreparationOptions, TableFormat, prepare_files

any_character = st.characters(exclude_categories=["Cs"])
fields = st.text(st.sampled_from("a \"',;\\\r\n\t\u2028\u0085\x00â€™\U0001f600") | any_character, max_size=8)
texts = fields.map(lambda text: f"x{text}")
# Rows that cannot be used come between those that can: no text, or a field too many.
rows = st.lists(
    st.tuples(st.booleans(), st.one_of(texts, st.just("")), fields, fields), min_size=1, max_size=30
).filter(lambda table: any(text for extra, text, _, _ in table if not extra))


def content_of(table: list[tuple[bool, str, str, str]], mark: bool) -> bytes:
    content = io.StringIO(newline="")
    writer = csv.writer(content, quoting=csv.QUOTE_ALL)
    # Columns of the user may be called like ours, or like each other.
    writer.writerow(["key", "title", "same", "same", "labelloop-row"])
    for number, (extra, text, one, two) in enumerate(table):
        writer.writerow([f"id {number}", text, one, two, "", *(["more"] if extra else [])])
    return (b"\xef\xbb\xbf" if mark else b"") + content.getvalue().encode()


@given(table=rows, sample=st.none() | st.integers(1, 30), seed=st.integers(0, 99), mark=st.booleans())
def test_each_object_has_its_own_row(
    table: list[tuple[bool, str, str, str]], sample: int | None, seed: int, mark: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "input.csv").write_bytes(content_of(table, mark))
        options = PreparationOptions(
            label_attribute="label", classes=("b", "e"), sample=sample, seed=seed, skip_bad_rows=True
        )
        table_format = TableFormat("title", id_column="key")
        prepared = prepare_files([folder / "input.csv"], table_format, folder / "out", options)
        manifest = [json.loads(line)["source"] for line in prepared.folder.manifest.read_bytes().splitlines()]
        with KeptRows.open(folder / "out") as kept:
            assert kept.columns == ("key", "title", "same", "same", "labelloop-row")
            found = list(kept)
    assert [row.number for row in found] == list(range(len(manifest)))
    for row, text in zip(found, manifest, strict=True):
        extra, title, one, two = table[row.row - 1]
        assert not extra
        assert title == text
        assert row.key == f"id {row.row - 1}"
        assert row.fields == (row.key, title, one, two, "")
        assert row.file == "input.csv"
    usable = [number for number, (extra, text, _, _) in enumerate(table, 1) if text and not extra]
    if sample is None:
        assert [row.row for row in found] == usable
    else:
        assert len(found) == min(sample, len(usable))
        assert [row.row for row in found] == sorted({row.row for row in found} & set(usable))

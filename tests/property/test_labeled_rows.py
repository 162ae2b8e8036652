"""Whatever a file holds, whichever rows are taken and however far a run is: the user's columns come back as
they were, in their order, each row with the label of its own text.
"""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute, append_fields, label_metadata
from labelloop.preparation import KeptRows, PreparationOptions, TableFormat, prepare_files
from labelloop.results import NO_LABEL_GIVEN, GivenLabel, labeled_table, read_labels, write_table

from .test_kept_rows import content_of, rows

CLASSES = ("b", "e")
TASK = LabelAttribute("label")
given_labels = st.one_of(
    st.just(NO_LABEL_GIVEN),
    st.builds(GivenLabel, st.sampled_from(CLASSES), st.just("given"), st.just(1.0), st.just(0)),
    st.builds(
        GivenLabel,
        st.sampled_from(CLASSES),
        st.sampled_from(["people", "model"]),
        st.sampled_from([0.5, 0.9512]),
        st.integers(1, 999),
    ),
)


def line_with(line: bytes, label: GivenLabel) -> bytes:
    if label.confidence is None:
        return line
    metadata = label_metadata(
        class_name=label.label,
        confidence=label.confidence,
        human=label.labeled_by != "model",
        time="2026-01-01T00:00:00",
        job_name=f"labelloop-0a1b2c-r{label.round:03d}" if label.round else "labelloop",
    )
    return append_fields(line, {TASK.name: CLASSES.index(label.label), TASK.metadata: metadata})


@pytest.mark.slow
@given(
    table=rows,
    sample=st.none() | st.integers(1, 30),
    labels=st.lists(given_labels, min_size=30, max_size=30),
    by_ledger=st.booleans(),
)
def test_each_row_comes_back_as_it_was_with_its_label(
    table: list[tuple[bool, str, str, str]], sample: int | None, labels: list[GivenLabel], by_ledger: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "input.csv").write_bytes(content_of(table, mark=False))
        options = PreparationOptions(
            label_attribute="label", classes=CLASSES, sample=sample, skip_bad_rows=True
        )
        files = [folder / "input.csv"]
        prepared = prepare_files(files, TableFormat("title", id_column="key"), folder / "out", options).folder
        lines = prepared.manifest.read_bytes().splitlines()
        labels = labels[: len(lines)]
        manifest = [line_with(line, label) for line, label in zip(lines, labels, strict=True)]
        rounds = np.array([label.round or 0 for label in labels], np.uint16) if by_ledger else None
        for suffix in (".csv", ".jsonl", ".parquet"):
            with KeptRows.open(prepared.folder) as kept:
                found = read_labels(manifest, TASK, LabelCategories(CLASSES), rounds)
                counts = write_table(folder / f"labels{suffix}", labeled_table(kept, found))
            assert counts == (sum(label.label != "" for label in labels), len(lines))
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
            header, *written = csv.reader(file, strict=True)
        objects = [json.loads(line) for line in (folder / "labels.jsonl").read_bytes().split(b"\n")[:-1]]
        from_parquet = pyarrow.parquet.read_table(folder / "labels.parquet").to_pylist()
    columns = ["key", "title", "same", "same", "labelloop-row"]
    assert header == [*columns, *GivenLabel._fields]
    numbers = [int(row[0].removeprefix("id ")) for row in written]
    assert numbers == sorted(set(numbers)), "in the file's order"
    for line, row, label in zip(lines, written, labels, strict=True):
        extra, title, one, two = table[int(row[0].removeprefix("id "))]
        assert not extra
        assert row[:5] == [row[0], title, one, two, ""]
        assert row[1] == json.loads(line)["source"]
        assert row[5:] == ["" if value is None else str(value) for value in label]
    keys = [*columns[:3], "same (2)", "labelloop-row", *GivenLabel._fields]
    assert objects == from_parquet
    for row, label, one_object in zip(written, labels, objects, strict=True):
        assert list(one_object) == keys
        assert list(one_object.values()) == [*row[:5], *(None if value == "" else value for value in label)]

"""Whatever a data frame holds, labels come back to its rows, in its order and under its index."""

from typing import Any

import pandas as pd
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.label_words import LabelWords
from labelloop.core.ledger import NO_LABEL
from labelloop.frames.columns import Columns, text_data
from labelloop.frames.frame import Frame

Row = tuple[str | None, str | None]
TEXT = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
CLASSES = ("health", "sports")
LABEL = st.sampled_from([None, *CLASSES])
ROWS = st.lists(st.tuples(TEXT, LABEL), min_size=1, max_size=12)
KEYS = st.lists(st.integers(0, 3), min_size=12, max_size=12)
VALUES = st.one_of(
    st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=12, max_size=12),
    st.lists(st.one_of(st.none(), st.integers(-(2**31), 2**31)), min_size=12, max_size=12),
    st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=12, max_size=12),
)


def of_pandas(rows: list[Row], keys: list[int]) -> pd.DataFrame:
    columns = {"title": [text for text, _ in rows], "given": [label for _, label in rows]}
    return pd.DataFrame(columns, index=keys[: len(rows)])


def of_polars(rows: list[Row]) -> pl.DataFrame:
    columns = {"title": [text for text, _ in rows], "given": [label for _, label in rows]}
    return pl.DataFrame(columns, schema={"title": pl.String, "given": pl.String})


@given(ROWS, KEYS)
def test_each_text_is_read_from_its_own_row(rows: list[Row], keys: list[int]) -> None:
    usable = [row for row, (text, _) in enumerate(rows, 1) if text and not text.isspace()]
    if not usable:
        return
    for native in (of_pandas(rows, keys), of_polars(rows)):
        columns = Columns(text="title", label="given")
        data = text_data(Frame.of(native), columns, CLASSES, LabelWords(), whole=True)
        assert data.texts.rows == usable
        assert data.texts.texts == [rows[row - 1][0] for row in usable]
        found = [None if label == NO_LABEL else CLASSES[label] for label in data.texts.labels]
        assert found == [rows[row - 1][1] for row in usable]
        without = [row + 1 for row in data.table.without_text]
        assert sorted(usable + without) == list(range(1, len(rows) + 1))


@given(ROWS, KEYS, VALUES)
def test_new_columns_leave_a_pandas_frame_as_it_is(
    rows: list[Row], keys: list[int], values: list[Any]
) -> None:
    native, before = of_pandas(rows, keys), of_pandas(rows, keys)
    frame = Frame.of(native).with_columns({"new": values[: len(rows)]})
    pd.testing.assert_frame_equal(native, before)
    pd.testing.assert_frame_equal(frame[["title", "given"]], before)
    assert list(frame.columns) == ["title", "given", "new"]
    new = zip(frame["new"], frame["new"].isna(), strict=True)
    assert [None if missing else value for value, missing in new] == values[: len(rows)]


@given(ROWS, VALUES)
def test_new_columns_leave_a_polars_frame_as_it_is(rows: list[Row], values: list[Any]) -> None:
    native, before = of_polars(rows), of_polars(rows)
    frame = Frame.of(native).with_columns({"new": values[: len(rows)]})
    assert native.equals(before)
    assert frame.drop("new").equals(before)
    assert frame.columns == ["title", "given", "new"]
    assert frame["new"].to_list() == values[: len(rows)]

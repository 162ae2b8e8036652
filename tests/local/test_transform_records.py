import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.local.transform_records import (
    RecordsError,
    compile_filter,
    join_record,
    make_mini_batches,
    parse_json,
    read_records,
    to_json,
)


def unchanged(record: bytes) -> bytes:
    return record


@pytest.mark.parametrize("text", [b"a\nb\n", b"a\nb", b"a\r\nb\r\n", b"\na\n\nb\n\n"])
def test_a_record_is_a_line_without_its_end_and_blank_lines_are_none(text: bytes) -> None:
    assert list(read_records(io.BytesIO(text), by_line=True)) == [b"a", b"b"]


def test_without_splitting_a_file_is_one_record() -> None:
    assert list(read_records(io.BytesIO(b"a\nb\n"), by_line=False)) == [b"a\nb\n"]


@given(st.lists(st.binary(min_size=1, max_size=8).filter(lambda r: b"\n" not in r)), st.integers(8, 30))
def test_batches_are_full_keep_the_order_and_lose_nothing(records: list[bytes], most: int) -> None:
    batches = list(make_mini_batches(records, most_bytes=most, many=True, prepare=unchanged))
    assert [record for batch, _ in batches for record in batch.records] == records
    assert all(len(body) <= most and body == b"\n".join(batch.records) for batch, body in batches)
    for (_, body), (following, _) in pairwise(batches):
        assert len(body) + 1 + len(following.records[0]) > most, "the next record would have fitted"


def test_single_records_are_sent_one_by_one_and_numbered() -> None:
    batches = list(make_mini_batches([b"a", b"b"], most_bytes=100, many=False, prepare=unchanged))
    assert [(batch.numbers, body) for batch, body in batches] == [("record 1", b"a"), ("record 2", b"b")]


def test_a_batch_knows_the_numbers_of_its_records() -> None:
    batches = [
        batch for batch, _ in make_mini_batches([b"aa"] * 5, most_bytes=5, many=True, prepare=unchanged)
    ]
    assert [batch.numbers for batch in batches] == ["records 1-2", "records 3-4", "record 5"]


def test_a_record_over_the_limit_is_an_error_with_its_number_and_size() -> None:
    with pytest.raises(RecordsError, match="record 2 has 7 bytes, more than the 6 of MaxPayloadInMB"):
        list(make_mini_batches([b"a", b"x" * 7], most_bytes=6, many=True, prepare=unchanged))


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        (None, {"a": {"b": 1}, "c-d": 2, "e": 3}),
        ("$", {"a": {"b": 1}, "c-d": 2, "e": 3}),
        ("$.a", {"b": 1}),
        ("$.a.b", 1),
        ("$['a']['b']", 1),
        ("$['a'].b", 1),
        ("$['c-d']", 2),
        ("$['a','e']", {"a": {"b": 1}, "e": 3}),
        ('$["e", "c-d"]', {"e": 3, "c-d": 2}),
    ],
)
def test_a_filter_selects_what_sagemaker_documents(path: str | None, selected: Any) -> None:
    assert compile_filter(path)({"a": {"b": 1}, "c-d": 2, "e": 3}) == selected


@pytest.mark.parametrize("path", ["a", "$..a", "$[0]", "$.a[*]", "$.", "$['a'", "$ .a", "$[1:]"])
def test_a_filter_it_does_not_know_is_refused(path: str) -> None:
    with pytest.raises(RecordsError, match="is not known here"):
        compile_filter(path)


def test_a_filter_that_finds_nothing_is_an_error() -> None:
    with pytest.raises(RecordsError, match="finds nothing"):
        compile_filter("$['a','b']")({"a": 1})


def test_joining_adds_the_output_to_a_record_or_wraps_what_is_none() -> None:
    assert list(join_record({"z": 1, "a": 2}, [3]).items()) == [("z", 1), ("a", 2), ("SageMakerOutput", [3])]
    assert join_record([1], 2) == {"SageMakerInput": [1], "SageMakerOutput": 2}


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
    )
)
def test_json_survives_reading_and_writing_as_one_line(value: Any) -> None:
    line = to_json(value)
    assert b"\n" not in line
    assert parse_json(line, "it") == value

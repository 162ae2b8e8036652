"""Lines, records, texts and labels: what is read, and what is refused."""

import io
import json

import pytest
from classifier.records import LabelError, RecordError, content_of, label_of, lines_of, parse_record
from hypothesis import given
from hypothesis import strategies as st


def split(content: bytes) -> list[bytes]:
    return list(lines_of(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"\xef\xbb\xbfa\nb\n", [b"a", b"b"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"\n", [b""]),
        (b"", []),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\n".encode(), ["a\u2028b\u2029c\x85d\x0be\x0cf".encode()]),
        (b"a\rb\n", [b"a\rb"]),
    ],
)
def test_lines_end_at_line_feeds_only(content: bytes, lines: list[bytes]) -> None:
    assert split(content) == lines


@pytest.mark.slow
@given(st.lists(st.text()))
def test_every_json_string_comes_back_from_its_line(texts: list[str]) -> None:
    content = "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts if text.isprintable())
    assert [json.loads(line) for line in split(content.encode())] == [t for t in texts if t.isprintable()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"source": "a"', "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8: byte 1"),
        ('{"source": "ä"}'.encode("latin-1"), "not UTF-8: byte 13"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"n": ' + b"9" * 5000 + b"}", "a number in it is too long"),
    ],
)
def test_a_line_without_a_record_is_refused_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        parse_record(line)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"source": "a\\ud800b"}', "a\ud800b"),
        (b'{"source": "a", "n": NaN}', "a"),
        (b'{"source": "a", "n": 123456789012345678901234567890}', "a"),
        (b'{"source": "a", "source": "b"}', "b"),
        (b' \t{"source": "\\u0000"} ', "\0"),
    ],
    ids=["lone surrogate", "NaN", "large", "twice", "NUL"],
)
def test_whatever_the_standard_library_reads_is_read(line: bytes, text: str) -> None:
    assert parse_record(line)["source"] == text


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "'title' is missing"),
        ({"source-ref": "s3://b/k"}, "'title' is missing"),
        ({"title": None}, "'title' is not a string"),
        ({"title": 5}, "'title' is not a string"),
        ({"title": ["a"]}, "'title' is not a string"),
        ({"title": ""}, "'title' is empty"),
        ({"title": " \n\u3000"}, "'title' is empty"),
    ],
)
def test_a_record_without_a_text_is_refused_with_the_reason(record: dict[str, object], reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        content_of(record, "title", "text")


@pytest.mark.parametrize(("label", "index"), [(0, 0), ("0", 0), (2, 2), ("2", 2), ("02", 2), (None, None)])
def test_a_label_is_an_index_written_as_number_or_string(label: object, index: int | None) -> None:
    assert label_of({"category": label}, "category", 3) == index


def test_a_record_may_have_no_label() -> None:
    assert label_of({"other": 1}, "category", 3) is None


@pytest.mark.parametrize("label", [True, False, 1.0, "1.0", "one", "", " 1", "-1", "²", "٣", [1], {"a": 1}])
def test_what_is_no_index_is_refused_as_label(label: object) -> None:
    with pytest.raises(LabelError, match="a label is a class index"):
        label_of({"category": label}, "category", 3)


@pytest.mark.parametrize("label", [3, -1, "3", 10**30])
def test_an_index_outside_the_classes_is_refused_with_their_range(label: object) -> None:
    with pytest.raises(LabelError, match="from 0 to 2"):
        label_of({"category": label}, "category", 3)

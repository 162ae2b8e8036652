import json

import pytest

from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import (
    InputRecord,
    LabelAttribute,
    RecordError,
    add_id,
    append_fields,
    label_attribute_fault,
    object_id,
    read_input_line,
    remove_id,
)

CATEGORY = LabelAttribute("category")
CLASSES = LabelCategories(("business", "health", "technology"))
METADATA = {"human-annotated": "yes", "class-name": "technology"}


def read(record: object, *, raw: bytes | None = None) -> InputRecord:
    return read_input_line(raw if raw is not None else json.dumps(record).encode(), CATEGORY, CLASSES)


@pytest.mark.parametrize(
    "text",
    ["plain", "\u2028 separator", "emoji 🎈", "mojibake â€™", 'quote " and \\', "{braces}", "  spaces  "],
)
def test_a_line_comes_back_as_the_bytes_it_was(text: str) -> None:
    line = json.dumps(
        {"z": 123456789012345678901234567890, "source": text, "a": 1.0}, ensure_ascii=False
    ).encode()
    working = add_id(read(None, raw=line).line, 17)
    assert object_id(working) == 17
    assert json.loads(working)["labelloop-id"] == 17
    assert remove_id(working) == line


def test_labels_are_put_behind_the_users_own_fields() -> None:
    labeled = append_fields(b'{"source":"x","n":1E3 }', {"category": 1})
    assert labeled == b'{"source":"x","n":1E3,"category":1}'


@pytest.mark.parametrize(("value", "label"), [(2, 2), ("2", 2), (0, 0), ("0", 0)])
def test_a_label_may_be_a_number_or_its_digits(value: object, label: int) -> None:
    metadata = {"human-annotated": "yes"}
    record = read({"source": "x", "category": value, "category-metadata": metadata})
    assert record.label == label
    assert record.human_annotated


def test_an_auto_label_of_an_earlier_run_is_no_human_label() -> None:
    record = read({"source": "x", "category": 1, "category-metadata": {"human-annotated": "no"}})
    assert (record.label, record.human_annotated) == (1, False)


def test_the_reason_of_an_earlier_run_is_taken_out_and_the_object_is_unlabeled_again() -> None:
    record = read({"source": "x", "category-metadata": {"failure-reason": "nobody came"}, "n": 2})
    assert json.loads(record.line) == {"source": "x", "n": 2}
    assert record.label is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"source": "x"', "not JSON"),
        (b'["source"]', "not a JSON object but a list"),
        (b'"source"', "not a JSON object but a string"),
        (b"{}", "neither source nor source-ref"),
        (b'{"source": "x", "source-ref": "s3://b/k"}', "both source and source-ref"),
        (b'{"source": "  "}', "is empty"),
        (b'{"source": 7}', "is not text but a number"),
        (b'{"source": null}', "is not text but null"),
        (b'{"source": {}}', "is not text but an object"),
        (b'{"source-ref": "http://b/k"}', "not of the form s3://"),
        (b'{"source": "x", "source": "y"}', "the key 'source' twice"),
        (b'{"source": "x", "m": {"a": 1, "a": 2}}', "the key 'a' twice"),
        (b'{"source": "x", "labelloop-id": 1}', "already has the key labelloop-id"),
        (b'{"source": "x\xff"}', "not UTF-8 at byte 14"),
        (b'{"source": "x", "n": NaN}', "NaN, which is not JSON"),
        (b'{"source": "x", "n": 1e999}', "the number 1e999, which is too large"),
        (b'{"source": "x", "n": ' + b"9" * 5_000 + b"}", "too large"),
        (b'{"source": "\\ud800"}', "surrogate"),
        (b'{"source": "x", "category": 3, "category-metadata": {}}', "not the index of one of the 3 classes"),
        (b'{"source": "x", "category": true, "category-metadata": {}}', "not the index"),
        (b'{"source": "x", "category": 1.0, "category-metadata": {}}', "not the index"),
        (b'{"source": "x", "category": "health", "category-metadata": {}}', "not the index"),
        (b'{"source": "x", "category": null, "category-metadata": {}}', "not the index"),
        (b'{"source": "x", "category": 1}', "no 'category-metadata' object"),
        (b'{"source": "x", "category": 1, "category-metadata": {}}', "human-annotated: yes or no"),
        (b'{"source": "x", "category-metadata": {}}', "but no 'category'"),
        (
            b'{"source":"x","category":1,"category-metadata":{"human-annotated":"yes","class-name":"a"}}',
            "'health' in the label category file, but 'a' in its metadata",
        ),
        (b'{"source": "' + b"x" * 100_000 + b'"}', "takes at most 100,000"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "takes at most 100,000"),
        (b'{"a":' * 12_000 + b"1" + b"}" * 12_000, "nested too deeply"),
    ],
)
def test_an_unusable_line_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as error:
        read(None, raw=raw)
    assert reason in str(error.value)


def test_a_line_of_a_hundred_thousand_characters_is_the_longest_allowed() -> None:
    text = "é" * (100_000 - len('{"source": ""}'))
    assert read({"source": text}, raw=json.dumps({"source": text}, ensure_ascii=False).encode()).label is None


@pytest.mark.parametrize(
    "name",
    ["", 'a"b', "a.b", "a b", "-a", "a-", "a-metadata", "a-ref", "source", "labelloop-x", "ä", "a" * 128],
)
def test_a_label_attribute_name_that_ground_truth_refuses_is_refused(name: str) -> None:
    assert label_attribute_fault(name)


@pytest.mark.parametrize("name", ["category", "News-Category", "a", "9", "a" * 127])
def test_a_usual_label_attribute_name_is_fine(name: str) -> None:
    assert label_attribute_fault(name) is None

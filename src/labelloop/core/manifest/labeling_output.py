"""What came back from people: a labeling job's output manifest, read line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, RecordError, parse_record


@dataclass(frozen=True)
class Answer:
    """One object's answer: its class index and the fields to keep, or why there is none."""

    object_id: int
    label: int | None
    fields: dict[str, Any]
    failure: str | None = None


def read_answers(
    lines: Iterable[bytes], attribute: LabelAttribute, categories: LabelCategories
) -> Iterator[Answer]:
    """Answers in the order of the lines; lines that name no object are passed over.

    An object without its label attribute was not labeled; a label that is no class counts as none.
    """
    for line in lines:
        try:
            record = parse_record(line)
        except RecordError:
            continue
        object_id = record.get(ID_KEY)
        if isinstance(object_id, int) and not isinstance(object_id, bool):
            yield _read_answer(object_id, record, attribute, categories)


def read_labeled(
    lines: Iterable[bytes], attribute: LabelAttribute, categories: LabelCategories
) -> Iterator[tuple[dict[str, Any], int]]:
    """Records of an augmented manifest that have a label, with its class index; others are passed over."""
    for line in lines:
        try:
            record = parse_record(line)
        except RecordError:
            continue
        label = categories.index_of(record.get(attribute.name))
        if label is not None:
            yield record, label


def _read_answer(
    object_id: int, record: dict[str, Any], attribute: LabelAttribute, categories: LabelCategories
) -> Answer:
    metadata = record.get(attribute.metadata)
    metadata = metadata if isinstance(metadata, dict) else {}
    if attribute.name not in record:
        reason = metadata.get("failure-reason")
        return Answer(object_id, None, {}, str(reason)[:1000] if reason else None)
    value = record[attribute.name]
    label = categories.index_of(value)
    if label is None:
        return Answer(object_id, None, {}, f"people's label {value!r:.80} is not one of the classes")
    return Answer(object_id, label, {attribute.name: value, attribute.metadata: metadata})

"""Reads records: lines of a JSON Lines file or request, with a content and, in training, a label."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from classifier.failures import UserError
from classifier.prior_labels import NONE_GIVEN

Record = dict[str, Any]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_INDEX = re.compile(r"[0-9]{1,9}")


class RecordError(Exception):
    """Raised when the model cannot read a line. The message says what is wrong with it."""


class LabelError(UserError):
    """Raised when a record's label is not a class index. The model would learn something wrong from it."""


def lines_of(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file or body opened in binary mode, where only line feeds end lines.

    Other line separators of Unicode are text. A byte-order mark at the start is removed, and the line feed or
    CRLF at the end of each line. Blank lines are included.
    """
    for number, line in enumerate(stream):
        start = line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line
        yield start.removesuffix(b"\n").removesuffix(b"\r")


def parse_record(line: bytes) -> Record:
    """Read one line. Raises RecordError when it is not a JSON object in UTF-8."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = _parse_leniently(line)
    if not isinstance(record, dict):
        raise RecordError("The record is not a JSON object.")
    return record


def _parse_leniently(line: bytes) -> Any:
    """Read JSON that orjson refuses but users write, such as lone surrogates, or say where it is wrong."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RecordError(f"The record is not UTF-8: byte {error.start + 1} cannot be read.") from None
    except json.JSONDecodeError as error:
        raise RecordError(f"The record is not JSON: {error.msg} at character {error.pos + 1}.") from None
    except (ValueError, RecursionError):
        raise RecordError(
            "The record cannot be read: a number in it is too long, or it is nested too deeply."
        ) from None


@dataclass(frozen=True)
class Content:
    """What of a record is classified, and how much of it is read."""

    kind: str
    """`text` or `image`."""
    attribute: str
    """The key that a record has it under."""
    most_characters: int
    """Of its string."""
    most_of_pool: int
    """How many of the channel `pool` are used, chosen at random."""

    def of(self, record: Record) -> str:
        """Raises RecordError."""
        # The model reads only this part, so only this part is kept in memory.
        return content_of(record, self.attribute, self.kind)[: self.most_characters]


def content_of(record: Record, attribute: str, kind: str) -> str:
    """Return the text, or the image's URI, that a record has under a key. Raises RecordError.

    kind: what it is, for the message.
    """
    if attribute not in record:
        raise RecordError(f"The record has no {kind}: the key '{attribute}' is missing.")
    content = record[attribute]
    if not isinstance(content, str):
        raise RecordError(f"The record has no {kind}: '{attribute}' is not a string.")
    if not content.strip():
        raise RecordError(f"The record has no {kind}: '{attribute}' is empty.")
    return content


def label_of(record: Record, label_attribute: str, num_classes: int) -> int | None:
    """Return the class index, written as `2` or `"2"`; None if the record has no label. Raises LabelError."""
    return _index_of(record, label_attribute, num_classes, "label")


def prior_labels_of(record: Record, attributes: Sequence[str], num_classes: int) -> list[tuple[int, float]]:
    """Return class index and confidence of each source: -1 for no label, NaN for no confidence.

    Raises LabelError.
    """
    return [_prior_label_of(record, attribute, num_classes) for attribute in attributes]


def _prior_label_of(record: Record, attribute: str, num_classes: int) -> tuple[int, float]:
    label = _index_of(record, attribute, num_classes, "prior label")
    if label is None:
        return NONE_GIVEN, math.nan
    metadata = record.get(f"{attribute}-metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise LabelError(
            f"'{attribute}-metadata' is {metadata!r:.80}, but it must be an object such as "
            f'{{"confidence": 0.9}}: correct it in the manifest'
        )
    confidence = metadata.get("confidence") if metadata else None
    if confidence is None:
        return label, math.nan
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise LabelError(
            f"the confidence in '{attribute}-metadata' is {confidence!r:.80}, but it must be a number "
            f"from 0 to 1: correct it in the manifest"
        )
    return label, float(confidence)


def _index_of(record: Record, attribute: str, num_classes: int, name: str) -> int | None:
    label = record.get(attribute)
    if label is None:
        return None
    if isinstance(label, str) and _INDEX.fullmatch(label):
        label = int(label)
    if type(label) is not int:
        raise LabelError(
            f"the {name} under '{attribute}' is {label!r:.80}, but a label is a class index "
            f'such as 0 or "0": correct it in the manifest'
        )
    if not 0 <= label < num_classes:
        raise LabelError(
            f"the {name} under '{attribute}' is {label:.9g}, but with num_classes = {num_classes} "
            f"it must be from 0 to {num_classes - 1}: correct it in the manifest, or num_classes"
        )
    return label

"""Lines of a manifest: read, checked, numbered, and given labels without touching the user's own bytes.

A working line is the user's line with `"labelloop-id": N` put in front of its fields; labels are appended
behind them. Nothing in between is ever parsed and written again, so big integers, escapes and key order
come out as they went in.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from labelloop.core.errors import ManifestError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.strict_json import StrictJsonError, kind_of, parse_object
from labelloop.core.model.prior_labels import NONE_GIVEN

ID_KEY = "labelloop-id"
# Ground Truth's limits on the input manifest.
MOST_CHARACTERS = 100_000
LONGEST_LABEL_ATTRIBUTE = 127
# What Ground Truth writes as the confidence of a label that one person gave.
ONE_PERSON_CONFIDENCE = 0.95
_LABEL_ATTRIBUTE = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,126}")
_WORKING_LINE = re.compile(rb'\{"labelloop-id":(\d+),')


class RecordError(ValueError):
    """Raised when one line cannot be used; the message is the reason alone."""


@dataclass(frozen=True)
class LabelAttribute:
    """The key a label stands under, and its metadata's."""

    name: str

    @cached_property
    def metadata(self) -> str:
        return f"{self.name}-metadata"


class PriorLabel(NamedTuple):
    """What a source says about one object; see `model.prior_labels`."""

    label: int
    confidence: float


NO_PRIOR_LABEL = PriorLabel(NONE_GIVEN, math.nan)


class InputRecord(NamedTuple):
    """What a line of the input manifest says about its label."""

    line: bytes
    label: int | None
    human_annotated: bool
    priors: tuple[PriorLabel, ...] = ()  # one of each source


def label_attribute_fault(name: str) -> str | None:
    """Why Ground Truth or labelloop would refuse this label attribute name; None if it is fine."""
    if name in ("source", "source-ref"):
        return "that key holds the data object itself"
    if name.startswith("labelloop-"):
        return "names that begin with labelloop- are labelloop's own"
    if name.endswith(("-metadata", "-ref")):
        return "Ground Truth keeps names that end in -metadata or -ref for itself"
    if len(name) > LONGEST_LABEL_ATTRIBUTE:
        return f"it has {len(name)} characters, and Ground Truth allows {LONGEST_LABEL_ATTRIBUTE}"
    if not _LABEL_ATTRIBUTE.fullmatch(name):
        return "Ground Truth allows letters a-z, digits and hyphens between them"
    return None


def prior_attribute_fault(name: str) -> str | None:
    """Why no prior label can stand under this key; None if it is fine."""
    if not name.strip():
        return "it is empty"
    if name in ("source", "source-ref"):
        return "that key holds the data object itself"
    if name.startswith("labelloop-"):
        return "names that begin with labelloop- are labelloop's own"
    if name.endswith(("-metadata", "-ref")):
        return "a key that ends so holds what belongs to a label, not a label"
    if len(name) > LONGEST_LABEL_ATTRIBUTE:
        return f"it has {len(name)} characters, and at most {LONGEST_LABEL_ATTRIBUTE} are allowed"
    return None


_KEYS = {"text": "source", "image": "source-ref"}


class Reads(NamedTuple):
    """The only kind of data object that a model reads."""

    content: str
    """`text` or `image`."""
    by: str
    """The model's name in messages."""
    instead: str = ""
    """What to do about other objects, at the end of a message."""

    @property
    def key(self) -> str:
        """Where an object has it."""
        return _KEYS[self.content]


def read_input_line(
    line: bytes,
    attribute: LabelAttribute,
    categories: LabelCategories,
    *,
    reads: Reads | None = None,
    prior_labels: tuple[LabelAttribute, ...] = (),
    reserved: tuple[LabelAttribute, ...] = (),
) -> InputRecord:
    """Check one line of the input manifest, given without its line end.

    reads: what the model reads, if it does not read everything
    prior_labels: where the labels are that something else gave
    reserved: where labels will be that the run itself gets

    Raises RecordError with the reason.
    """
    if len(line) > MOST_CHARACTERS:
        _check_length(line)
    record = parse_record(line)
    _check_source(record)
    if reads and reads.key not in record:
        raise RecordError(
            f"it has no {reads.content} under '{reads.key}', and {reads.by} reads nothing else{reads.instead}"
        )
    if ID_KEY in record:
        raise RecordError(f"it already has the key {ID_KEY}, which labelloop uses itself")
    if taken := [key.name for key in reserved if key.name in record or key.metadata in record]:
        raise RecordError(
            f"it already has the key {taken[0]}, which the foundation model's labels get: name another "
            "FoundationModel.Attribute, or take them as PriorLabels"
        )
    priors: tuple[PriorLabel, ...] = ()
    if prior_labels:
        priors = tuple(_read_prior_label(record, source, categories) for source in prior_labels)
    if attribute.name not in record:
        return InputRecord(_without_old_failure(line, record, attribute), None, False, priors)
    label, human_annotated = _read_label(record, attribute, categories)
    return InputRecord(line.strip(), label, human_annotated, priors)


def parse_record(line: bytes) -> dict[str, Any]:
    """Parse a line as one JSON object, as strictly as `strict_json` says.

    Raises RecordError with the reason.
    """
    try:
        return parse_object(line)
    except StrictJsonError as error:
        raise RecordError(str(error)) from None


def add_id(line: bytes, object_id: int) -> bytes:
    """Turn a user's line into a working line."""
    return b'{"labelloop-id":%d,%s' % (object_id, line[line.index(b"{") + 1 :].lstrip())


def remove_id(working_line: bytes) -> bytes:
    """Turn a working line back into the user's line."""
    return b"{" + working_line[_match_id(working_line).end() :]


def object_id(working_line: bytes) -> int:
    """The id of a working line."""
    return int(_match_id(working_line).group(1))


def append_fields(line: bytes, fields: Mapping[str, Any]) -> bytes:
    """Put fields behind the last one of a line that has at least one."""
    return append_json(line, orjson.dumps(fields))


def append_json(line: bytes, fields: bytes) -> bytes:
    """`append_fields`, of fields as a JSON object without white space at its ends."""
    return line[: line.rindex(b"}")].rstrip() + b"," + fields[1:]


def replace_fields(line: bytes, fields: Mapping[str, Any]) -> bytes:
    """Put fields in the place of those of the same names that were appended to a line last.

    Fields before them are not ours, and do not change. Raises ManifestError where the line's last fields are
    others.
    """
    mark = b"," + orjson.dumps(next(iter(fields))) + b":"
    start = len(line)
    while (start := line.rfind(mark, 0, start)) >= 0:
        try:
            last = orjson.loads(b"{" + line[start + 1 :])
        except orjson.JSONDecodeError:
            continue  # The name stands within a value.
        if last.keys() == fields.keys():
            return line[:start] + b"," + orjson.dumps(fields)[1:]
    raise ManifestError(f"the line of object {object_id(line)} does not end in {', '.join(fields)}")


def label_metadata(
    *, class_name: str, confidence: float, human: bool, time: str, job_name: str, of: str = "text"
) -> dict[str, object]:
    """A label's metadata in Ground Truth's form for classification `of` texts or images."""
    return {
        "class-name": class_name,
        "job-name": f"labeling-job/{job_name}",
        "confidence": round(confidence, 4),
        "human-annotated": "yes" if human else "no",
        "creation-date": time,
        "type": f"groundtruth/{of}-classification",
    }


def labeled_line(
    line: bytes, attribute: LabelAttribute, label: int, *, class_name: str, time: str, job_name: str
) -> bytes:
    """A selection's line with one person's label, as a labeling job's output manifest has it."""
    metadata = label_metadata(
        class_name=class_name, confidence=ONE_PERSON_CONFIDENCE, human=True, time=time, job_name=job_name
    )
    return append_fields(line, {attribute.name: label, attribute.metadata: metadata})


def failure_metadata(*, reason: str, time: str, job_name: str, of: str = "text") -> dict[str, object]:
    """The metadata of an object without a label: Ground Truth's own key for the reason."""
    return {
        "failure-reason": reason,
        "human-annotated": "no",
        "creation-date": time,
        "type": f"groundtruth/{of}-classification",
        "job-name": f"labeling-job/{job_name}",
    }


def _match_id(working_line: bytes) -> re.Match[bytes]:
    match = _WORKING_LINE.match(working_line)
    if match is None:
        raise ManifestError(f"not a line of a working manifest: {working_line[:80]!r}")
    return match


def _check_length(line: bytes) -> None:
    characters = len(line.decode(errors="replace"))
    if characters > MOST_CHARACTERS:
        raise RecordError(f"it has {characters:,} characters: Ground Truth takes at most {MOST_CHARACTERS:,}")


def _check_source(record: Mapping[str, Any]) -> None:
    inline = "source" in record
    if inline == ("source-ref" in record):
        raise RecordError(
            "it has both source and source-ref" if inline else "it has neither source nor source-ref"
        )
    key = "source" if inline else "source-ref"
    source = record[key]
    if not isinstance(source, str):
        raise RecordError(f"its {key} is not text but {kind_of(source)}")
    if not source.strip():
        raise RecordError(f"its {key} is empty")
    if not inline and not re.fullmatch(r"s3://[^/]+/.+", source, re.DOTALL):
        raise RecordError(f"its source-ref is not of the form s3://bucket/key: {source[:80]!r}")


def _read_label(
    record: Mapping[str, Any], attribute: LabelAttribute, categories: LabelCategories
) -> tuple[int, bool]:
    label = _class_of(record, attribute, categories)
    metadata = record.get(attribute.metadata)
    if not isinstance(metadata, dict):
        raise RecordError(f"its label has no {attribute.metadata!r} object beside it")
    annotated = metadata.get("human-annotated")
    if annotated not in ("yes", "no"):
        raise RecordError(f"its {attribute.metadata!r} does not say human-annotated: yes or no")
    _check_class_name(label, metadata, categories)
    return label, annotated == "yes"


def _class_of(record: Mapping[str, Any], attribute: LabelAttribute, categories: LabelCategories) -> int:
    value = record[attribute.name]
    label = categories.index_of(value)
    if label is None:
        raise RecordError(
            f"its label {attribute.name!r} is {json.dumps(value)[:80]}, "
            f"not the index of one of the {len(categories)} classes (0 to {len(categories) - 1})"
        )
    return label


def _check_class_name(label: int, metadata: Mapping[str, Any], categories: LabelCategories) -> None:
    name = metadata.get("class-name", categories.names[label])
    if name != categories.names[label]:
        raise RecordError(
            f"its label {label} is {categories.names[label]!r} in the label category file, "
            f"but {str(name)[:80]!r} in its metadata"
        )


def _read_prior_label(
    record: Mapping[str, Any], attribute: LabelAttribute, categories: LabelCategories
) -> PriorLabel:
    metadata = record.get(attribute.metadata, {})
    if not isinstance(metadata, dict):
        raise RecordError(f"its {attribute.metadata!r} is not an object but {kind_of(metadata)}")
    if attribute.name not in record:
        if metadata and "failure-reason" not in metadata:
            raise RecordError(f"it has {attribute.metadata!r} but no {attribute.name!r}")
        return NO_PRIOR_LABEL
    label = _class_of(record, attribute, categories)
    _check_class_name(label, metadata, categories)
    confidence = metadata.get("confidence", math.nan)
    if not isinstance(confidence, int | float) or isinstance(confidence, bool):
        raise RecordError(
            f"the confidence in its {attribute.metadata!r} is {json.dumps(confidence)[:80]}, not a number"
        )
    if confidence < 0 or confidence > 1:
        raise RecordError(
            f"the confidence in its {attribute.metadata!r} is {confidence}: it is from 0 to 1 (87 % is 0.87)"
        )
    return PriorLabel(label, float(confidence))


def _without_old_failure(line: bytes, record: Mapping[str, Any], attribute: LabelAttribute) -> bytes:
    """Without an earlier run's reason for leaving the object unlabeled: this run tries again."""
    if attribute.metadata not in record:
        return line.strip()
    metadata = record[attribute.metadata]
    if not isinstance(metadata, dict) or "failure-reason" not in metadata:
        raise RecordError(f"it has {attribute.metadata!r} but no {attribute.name!r}")
    kept = {key: value for key, value in record.items() if key != attribute.metadata}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

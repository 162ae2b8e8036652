"""Putting labels into a manifest, in one pass over sorted streams."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from operator import itemgetter
from typing import Any

from labelloop.core.errors import ManifestError
from labelloop.core.manifest.lines import append_json, object_id, replace_fields

# An object's id, and the fields that it gets, as the bytes of a JSON object.
Addition = tuple[int, bytes]


def first_of_each(*streams: Iterable[Addition]) -> Iterator[Addition]:
    """One stream of several that each ascend by id. Of an id that comes twice, the first one counts."""
    before = None
    for addition in merge(*streams, key=itemgetter(0)):
        if addition[0] != before:
            before = addition[0]
            yield addition


def merge_fields(working_lines: Iterable[bytes], additions: Iterable[Addition]) -> Iterator[bytes]:
    """Append each addition's fields to its object's line; all other lines pass through as they are.

    Both streams ascend by id, and no id comes twice. Raises ManifestError when an addition finds no line.
    """
    remaining = iter(additions)
    pending = next(remaining, None)
    for line in working_lines:
        if pending is not None and object_id(line) == pending[0]:
            line = append_json(line, pending[1])
            pending = next(remaining, None)
        yield line
    if pending is not None:
        raise ManifestError(f"the manifest has no line for object {pending[0]}, which has a label")


def replace_labels(working_lines: Iterable[bytes], changed: Mapping[int, dict[str, Any]]) -> Iterable[bytes]:
    """Put the fields of labels that change in the place of those their lines have."""
    return _replaced(working_lines, changed) if changed else working_lines


def _replaced(working_lines: Iterable[bytes], changed: Mapping[int, dict[str, Any]]) -> Iterator[bytes]:
    for line in working_lines:
        fields = changed.get(object_id(line))
        yield line if fields is None else replace_fields(line, fields)

"""Putting labels into a manifest, in one pass over two sorted streams."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labelloop.core.errors import ManifestError
from labelloop.core.manifest.lines import append_fields, object_id, replace_fields

Addition = tuple[int, dict[str, Any]]


def merge_fields(working_lines: Iterable[bytes], additions: Iterable[Addition]) -> Iterator[bytes]:
    """Append each addition's fields to its object's line; all other lines pass through as they are.

    Both streams ascend by id, and no id comes twice. Raises ManifestError when an addition finds no line.
    """
    remaining = iter(additions)
    pending = next(remaining, None)
    for line in working_lines:
        if pending is not None and object_id(line) == pending[0]:
            line = append_fields(line, pending[1])
            pending = next(remaining, None)
        yield line
    if pending is not None:
        raise ManifestError(f"the manifest has no line for object {pending[0]}, which has a label")


def replace_labels(working_lines: Iterable[bytes], changed: Mapping[int, dict[str, Any]]) -> Iterator[bytes]:
    """Put the fields of labels that change in the place of those their lines have."""
    for line in working_lines:
        fields = changed.get(object_id(line)) if changed else None
        yield line if fields is None else replace_fields(line, fields)

"""Putting labels into a manifest, in one pass over two sorted streams."""

from collections.abc import Iterable, Iterator
from typing import Any

from labelloop.core.errors import ManifestError
from labelloop.core.manifest import append_fields, object_id

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

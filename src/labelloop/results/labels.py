"""The label of each data object, as a manifest has it: which one, by whom, how sure, and since when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.errors import ManifestError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute

PEOPLE, MODEL, GIVEN, CHECKED = "people", "model", "given", "checked"
# The end of a job's name: its round, and behind that the number of a part or of a repetition.
_ROUND = re.compile(r"-r(\d{3,})(?:-p?\d+)*\Z")


class GivenLabel(NamedTuple):
    """The label of one object. Where it has none, all fields are empty."""

    label: str
    labeled_by: str  # people, model, given: it was in the input; checked: people looked at it again
    confidence: float | None
    round: int | None  # 0 for a label that was in the input


NO_LABEL_GIVEN = GivenLabel("", "", None, None)


def read_labels(
    lines: Iterable[bytes],
    attribute: LabelAttribute,
    categories: LabelCategories,
    rounds: npt.NDArray[np.uint16] | None = None,
    checked: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
) -> Iterator[GivenLabel]:
    """The label of each line, in order.

    `rounds`: the ledger's; without a ledger, what the jobs' names say. `checked`: by the number of a line,
    from 0, the fields of the label that people gave it when they looked again. Raises ManifestError.
    """
    for number, line in enumerate(lines):
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ManifestError(f"line {number + 1} of the manifest is not JSON: {error}") from error
        if rounds is not None and number >= len(rounds):
            raise ManifestError(f"the manifest has more lines than the ledger has objects: {len(rounds):,}")
        since = None if rounds is None else int(rounds[number])
        if attribute.name not in record:
            yield NO_LABEL_GIVEN
            continue
        given = _label(record, attribute, categories, since)
        if number in checked:
            again = _label(checked[number], attribute, categories, given.round)
            given = again._replace(labeled_by=CHECKED)
        yield given


def _label(
    record: Mapping[str, Any], attribute: LabelAttribute, categories: LabelCategories, since: int | None
) -> GivenLabel:
    index = categories.index_of(record[attribute.name])
    if index is None:
        raise ManifestError(f"the manifest has a label that is no class: {record[attribute.name]!r}")
    metadata = record.get(attribute.metadata, {})
    if since is None:
        since = _round_of(metadata.get("job-name", ""))
    by = GIVEN if since == 0 else PEOPLE if metadata.get("human-annotated") == "yes" else MODEL
    return GivenLabel(categories.names[index], by, metadata.get("confidence"), since)


def _round_of(job_name: str) -> int:
    """0 for a label that no job of a run gave."""
    found = _ROUND.search(job_name)
    return int(found[1]) if found else 0

"""The rows of the user's files with a label each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labelloop.core.errors import ManifestError
from labelloop.preparation.kept_rows import KeptRows
from labelloop.results.labels import GivenLabel

# The user's fields, and those that say what became of the label, which is the first of them.
Row = tuple[tuple[str, ...], Sequence[object]]
_PREFIX = "labelloop_"


@dataclass(frozen=True, slots=True)
class LabeledTable:
    """The user's columns, those of the labels with their types, and the rows: they can be read once."""

    columns: tuple[str, ...]
    label_columns: tuple[str, ...]
    rows: Iterator[Row]
    label_types: tuple[type, ...] = (str, str, float, int)  # of a GivenLabel


def labeled_table(kept: KeptRows, labels: Iterable[GivenLabel]) -> LabeledTable:
    """Row N of the files with label N. Raises ManifestError, as the rows are read, if one is too many."""
    return LabeledTable(kept.columns, label_columns(kept.columns), _joined(kept, labels))


def _joined(kept: KeptRows, labels: Iterable[GivenLabel]) -> Iterator[Row]:
    given = iter(labels)
    for row in kept:
        label = next(given, None)
        if label is None:
            raise ManifestError(_mismatch(f"it has only {row.number:,} lines"))
        yield row.fields, label
    if next(given, None) is not None:
        raise ManifestError(_mismatch("it has more lines than there are rows"))


def _mismatch(reason: str) -> str:
    return f"the manifest is not that of the rows that were kept (rows.csv): {reason}"


def label_columns(taken: Sequence[str]) -> tuple[str, ...]:
    """All with the same prefix where the user has a column of one of these names."""
    names = GivenLabel._fields
    prefix = ""
    while any(prefix + name in taken for name in names):
        prefix += _PREFIX
    return tuple(prefix + name for name in names)

"""The class list: which classes there are, in which order, and under which names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelloop.core.label_words import without_case
from labelloop.preparation.errors import ClassListError

# The version Ground Truth's label category files carry; there is no other.
_DOCUMENT_VERSION = "2018-11-28"
# A label is kept in 16 bits, and one of its values means that there is none.
MOST_CLASSES = 32_767
# Step Functions passes on at most 262,144 bytes. The answer of a nested execution holds the state of the run
# twice, as its input and its output; the rest is for what else is in the state.
MOST_NAME_BYTES = 100_000
# With fewer rows, each may well have a class of its own.
_ROWS_TO_TELL_IDS = 50


@dataclass(frozen=True, slots=True)
class ClassList:
    """The classes in order: a class's position is the index under the label attribute.

    `labels` are as in the data, `names` are what people and the workflow see; both have the same order.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Ground Truth's label category file."""
        return {"document-version": _DOCUMENT_VERSION, "labels": [{"label": name} for name in self.names]}


def class_list(
    found: Collection[str],
    given: Sequence[str] | None,
    class_names: Mapping[str, str],
    notes: Iterable[str] = (),
) -> ClassList:
    """Make the class list: the `given` order, or the labels `found` in the data sorted by name.

    `class_names` maps labels to the names to show, `notes` tell how labels were read. Raises ClassListError.
    """
    labels = tuple(sorted(found)) if given is None else tuple(given)
    if not labels:
        raise ClassListError(
            " ".join(("No row has a label, so say which classes there are: --classes A,B,C.", *notes))
        )
    if len(labels) < 2:
        sentences = (
            f"A class list needs at least two classes; there is only {labels[0]!r}. Is it the right label "
            "column? Classes that are not in the file can be named with --classes.",
            *notes,
        )
        raise ClassListError(" ".join(sentences))
    _refuse_repeats(labels)
    if unknown := sorted(set(class_names) - set(labels)):
        raise ClassListError(
            f"--class-names names {unknown[0]!r}, which is not a class. The classes are: {listing(labels)}."
        )
    names = tuple(class_names.get(label, label) for label in labels)
    _refuse_repeats(names)
    _refuse_too_many(names)
    return ClassList(labels, names)


def refuse_unlike_classes(labels: Collection[str], labeled_rows: int) -> None:
    """Refuse a column that gives every row a label of its own. Raises ClassListError."""
    if len(labels) == labeled_rows >= _ROWS_TO_TELL_IDS:
        shown = listing(sorted(labels), 3)
        raise ClassListError(
            f"Each of the {labeled_rows:,} labels is different ({shown}): these are not classes. Name "
            "another --label-column, or name the classes with --classes."
        )


def _refuse_too_many(names: Sequence[str]) -> None:
    size = len(json.dumps(names))
    if len(names) > MOST_CLASSES:
        raise ClassListError(
            f"There are {len(names):,} classes, and at most {MOST_CLASSES:,} are possible. Is it the right "
            "column? You can name classes with --classes: rows with any other label are then bad rows."
        )
    if size > MOST_NAME_BYTES:
        raise ClassListError(
            f"The names of the {len(names):,} classes take {size:,} bytes, and at most {MOST_NAME_BYTES:,} "
            "are possible: they travel from step to step in the state of the run. Shorten them in the file, "
            "or with --class-names."
        )


def check_given_classes(given: Sequence[str]) -> None:
    """Refuse a class list with an empty name. Raises ClassListError."""
    if any(not name.strip() for name in given):
        raise ClassListError("--classes contains an empty name; separate the names with single commas.")


def alike(names: Collection[str]) -> list[tuple[str, ...]]:
    """Group names that differ only in case or spelling: probably one class written in two ways."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(without_case(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def listing(names: Sequence[str], shown: int = 20) -> str:
    """The first `shown` names, separated by commas, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(repr(name) for name in names[:shown]) + more


def _refuse_repeats(names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ClassListError(f"The class list contains {name!r} {count} times.")

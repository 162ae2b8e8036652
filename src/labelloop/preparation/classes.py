"""The class list: which classes there are, in which order, and under which names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelloop.preparation.errors import ClassListError

# The version Ground Truth's label category files carry; there is no other.
_DOCUMENT_VERSION = "2018-11-28"


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
    found: Collection[str], given: Sequence[str] | None, class_names: Mapping[str, str]
) -> ClassList:
    """Make the class list: the `given` order, or the labels `found` in the data sorted by name.

    `class_names` maps labels to the names to show. Raises ClassListError.
    """
    labels = tuple(sorted(found)) if given is None else tuple(given)
    if len(labels) < 2:
        known = f"there is only {labels[0]!r}" if labels else "there is none"
        raise ClassListError(
            f"A class list needs at least two classes; {known}. Is it the right label column? "
            "Classes that are not in the file can be named with --classes."
        )
    _refuse_repeats(labels)
    if unknown := sorted(set(class_names) - set(labels)):
        raise ClassListError(
            f"--class-names names {unknown[0]!r}, which is not a class. The classes are: {listing(labels)}."
        )
    names = tuple(class_names.get(label, label) for label in labels)
    _refuse_repeats(names)
    return ClassList(labels, names)


def check_given_classes(given: Sequence[str]) -> None:
    """Refuse a class list with an empty name. Raises ClassListError."""
    if any(not name.strip() for name in given):
        raise ClassListError("--classes contains an empty name; separate the names with single commas.")


def alike(names: Collection[str]) -> list[tuple[str, ...]]:
    """Group names that differ only in case or surrounding space: probably one class written in two ways."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.strip().casefold(), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def listing(names: Sequence[str], shown: int = 20) -> str:
    """The first `shown` names, separated by commas, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(repr(name) for name in names[:shown]) + more


def _refuse_repeats(names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ClassListError(f"The class list contains {name!r} {count} times.")

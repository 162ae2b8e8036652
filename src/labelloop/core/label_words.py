"""Labels as people have them: words that mean that there is none, and one class written in several ways.

No class differs from another by white space around its name, by the Unicode form of its letters, or by a
decimal zero (`1` and `1.0`): these are read as one. Case may tell classes apart, so it counts, unless the
user says otherwise or has listed the classes. Whatever was read other than as it is written is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# What programs write where there is no value. In small letters, "none" is a class of many data sets.
DEFAULT_MISSING = ("NaN", "nan", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "<NA>", "-")
_MAY_MEAN_NONE = frozenset({"nan", "na", "n/a", "#n/a", "null", "none", "<na>", "-", "--", "?", "unlabeled"})
_DECIMAL_ZERO = re.compile(r"([+-]?\d+)\.0+", re.ASCII)
_SHOWN = 5


def without_case(label: str) -> str:
    """What two spellings of one class have in common."""
    return as_number(spelled(label)).casefold()


def spelled(label: str) -> str:
    """The label in Unicode's composed form, without white space around it."""
    return unicodedata.normalize("NFC", label.strip())


def as_number(label: str) -> str:
    """A whole number without decimal zeros; any other label as it is."""
    match = _DECIMAL_ZERO.fullmatch(label)
    return match[1] if match else label


@dataclass(slots=True)
class LabelWords:
    """Reads labels. `classes` are those that are given, `missing` the words that mean no label.

    `exact` reads each label as it is written, `merge_case` those as one that differ only in case.
    """

    classes: Sequence[str] | None = None
    missing: Sequence[str] = DEFAULT_MISSING
    exact: bool = False
    merge_case: bool = False
    written: Counter[str] = field(default_factory=Counter)  # how often each label was read, as it is written
    _read: dict[str, str] = field(default_factory=dict)
    _merged: Mapping[str, str] = field(default_factory=dict)
    _given: dict[str, str] = field(default_factory=dict)
    _allowed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        classes = self.classes or ()
        self._allowed = frozenset(classes)
        for key_of in (spelled, lambda label: as_number(spelled(label)), without_case):
            for key in _only_one(classes, key_of):
                self._given.setdefault(key[0], key[1])

    def read(self, label: str) -> str:
        """The class that is meant; empty for none."""
        if label not in self._read:
            found = self._found(label)
            self._read[label] = self._merged.get(found, found)
        return self._read[label]

    def allow(self, label: str) -> bool:
        """Whether what was read is a class, as far as classes are given."""
        return self.classes is None or label in self._allowed

    def merge(self, rows: Mapping[str, int]) -> dict[str, str]:
        """Find out which labels are one, and read them so from now on: what each of them becomes.

        `rows` has how many rows each label has that was read. With given classes, none is merged.
        """
        merged = dict[str, str]()
        if self.classes is None and not self.exact:
            merged = {label: as_number(label) for label in rows if as_number(label) in rows}
        if self.classes is None and self.merge_case:
            merged = _without_case_differences(rows)
        self._merged = {label: into for label, into in merged.items() if label != into}
        self._read.clear()
        return dict(self._merged)

    def notes(self) -> Iterator[str]:
        """What was read other than as it is written, with the option that decides."""
        by_meaning = {label: self.read(label) for label in self.written}
        missing = {label: rows for label, rows in self.written.items() if label and not by_meaning[label]}
        if missing:
            yield (
                f"In {_rows(missing.values())}, the label is {_listed(missing)}: read as no label. If "
                "that is a class, name it in --classes, or say with --missing which words mean no label."
            )
        changed = {
            label: self.written[label] for label, read in by_meaning.items() if read not in ("", label)
        }
        if changed:
            example = min(changed, key=lambda label: (-changed[label], label))
            yield (
                f"In {_rows(changed.values())}, the label is another spelling of a class, such as "
                f"{example!r} for {by_meaning[example]!r}: read as that class. "
                "--exact-labels takes each as it is."
            )
        read = set(by_meaning.values())
        doubtful = sorted(label for label in read if label.casefold() in _MAY_MEAN_NONE)
        if doubtful and self.classes is None:
            yield (
                f"{_listed(doubtful)} is read as a class. If it means that there is no label, add "
                f"--missing {doubtful[0]!r}."
            )

    def _found(self, label: str) -> str:
        if self.exact:
            return "" if label in self.missing and label not in self._allowed else label
        plain = spelled(label)
        for key in (plain, as_number(plain), without_case(plain)):
            if key in self._given:
                return self._given[key]
        return "" if plain in self.missing else plain


def _only_one(classes: Sequence[str], key_of: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The classes by a key, where no other class has the same."""
    counts = Counter(map(key_of, classes))
    return ((key_of(label), label) for label in classes if counts[key_of(label)] == 1)


def _without_case_differences(rows: Mapping[str, int]) -> dict[str, str]:
    """For each label the most frequent one that differs from it in case alone, if at all."""
    by_rank = sorted(rows, key=lambda label: (-rows[label], label))
    first = dict[str, str]()
    for label in by_rank:
        first.setdefault(without_case(label), label)
    return {label: first[without_case(label)] for label in rows}


def _rows(counts: Iterable[int]) -> str:
    total = sum(counts)
    return f"{total:,} row{'' if total == 1 else 's'}"


def _listed(labels: Iterable[str]) -> str:
    names = [repr(label) for label in labels]
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

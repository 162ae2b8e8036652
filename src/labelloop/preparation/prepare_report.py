"""The account of a preparation: what became of every row, for people and as `prepare_report.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labelloop.preparation.classes import ClassList, alike, listing
from labelloop.preparation.manifest_files import WrittenRows
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.sample import Choice
from labelloop.preparation.survey import Census


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that is known after the two passes. `origin` says where the rows are from."""

    origin: str
    source_notes: tuple[str, ...]
    census: Census
    classes: ClassList
    choice: Choice
    written: WrittenRows
    options: PreparationOptions

    def notes(self) -> tuple[str, ...]:
        """Sentences about all that was left out, is missing or looks odd; none where all is plain."""
        return (*self.source_notes, *self._notes_on_rows(), *self._notes_on_labels(), *self._notes_on_texts())

    def report(self) -> dict[str, Any]:
        """Account for every row: `bad_rows.count` + `not_sampled` + `rows_written` = `rows_read`."""
        return {
            "origin": self.origin,
            "rows_read": self.census.rows_read,
            "rows_written": len(self.choice.taken),
            "not_sampled": len(self.census.codes) - len(self.choice.taken),
            "bad_rows": self._bad_rows(),
            "blank_lines": {"count": len(self.census.blank_lines), "lines": self.census.blank_lines},
            "labels": {
                "shown_in_manifest": len(self.choice.labeled),
                "not_known": self.written.by_class[""],
                "by_class": self.rows_by_class(),
                "renamed": self._renamed(),
            },
            "repeated_texts": {
                "rows": self.written.repeats,
                "texts_with_different_labels": self.written.contradicted,
            },
            "options": {
                "labeled_share": self.options.labeled_share,
                "sample": self.options.sample,
                "seed": self.options.seed,
                "label_attribute": self.options.label_attribute,
            },
            "notes": list(self.notes()),
        }

    def rows_by_class(self) -> dict[str, int]:
        """Count the rows of each class, in class order."""
        return {name: self.written.by_class[name] for name in self.classes.names}

    def _bad_rows(self) -> dict[str, Any]:
        rows = self.census.bad_rows
        return {
            "count": len(rows),
            "by_kind": dict(Counter(row.kind for row in rows).most_common()),
            "rows": [{"line": row.line, "last_line": row.last_line, "reason": row.reason} for row in rows],
        }

    def _renamed(self) -> dict[str, str]:
        pairs = zip(self.classes.labels, self.classes.names, strict=True)
        return {label: name for label, name in pairs if label != name}

    def _notes_on_rows(self) -> Iterator[str]:
        census, sample = self.census, self.options.sample
        if census.bad_rows:
            yield f"Left out: {_count(census.bad_rows, 'bad row')}, each listed in prepare_report.json."
        if census.blank_lines:
            yield f"Passed over: {_count(census.blank_lines, 'blank line')} between the rows."
        if sample is not None and sample > len(census.codes):
            yield f"A sample of {sample:,} was asked for; all {len(census.codes):,} usable rows were taken."

    def _notes_on_labels(self) -> Iterator[str]:
        choice, by_class = self.choice, self.written.by_class
        if unknown := by_class[""]:
            yield f"Rows without a true label: {unknown:,}."
        if len(choice.labeled) < choice.labels_wanted:
            asked, held = f"{choice.labels_wanted:,}", f"{len(choice.labeled):,}"
            yield f"Labels for {asked} rows were asked for; only {held} rows have one."
        if missing := [name for name in self.classes.names if not by_class[name]]:
            yield f"No row has the class {listing(missing)}."
        for group in alike(self.classes.names):
            yield f"The classes {listing(group)} differ only in case or surrounding space. Are they one?"

    def _notes_on_texts(self) -> Iterator[str]:
        if self.written.repeats:
            yield f"Rows that repeat an earlier text: {self.written.repeats:,}. They were kept."
        if self.written.contradicted:
            yield f"Texts that come with different labels: {self.written.contradicted:,}. They were kept."


def _count(things: list[Any], name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"

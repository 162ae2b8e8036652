"""What became of every row: as notes for people, and as `prepare_report.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labelloop.preparation.classes import ClassList, alike, listing
from labelloop.preparation.manifest_files import WrittenRows
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.sample import Sample
from labelloop.preparation.survey import Survey

_FEW_ROWS = 5
_FEW_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What is known after the two passes. `origin` says where rows come from, `read_as` how they are read."""

    origin: str
    read_as: tuple[str, ...]
    source_notes: tuple[str, ...]
    survey: Survey
    classes: ClassList
    sample: Sample
    written: WrittenRows
    options: PreparationOptions

    def notes(self) -> tuple[str, ...]:
        """A sentence about everything that was left out, is missing or looks odd."""
        return (*self.source_notes, *self._notes_on_rows(), *self._notes_on_labels(), *self._notes_on_texts())

    def document(self) -> dict[str, Any]:
        """What became of every row: `bad_rows.count` + `not_sampled` + `rows_written` = `rows_read`."""
        return {
            "origin": self.origin,
            "read_as": list(self.read_as),
            "rows_read": self.survey.rows_read,
            "rows_written": len(self.sample.taken),
            "not_sampled": len(self.survey.codes) - len(self.sample.taken),
            "bad_rows": self._bad_rows(),
            "blank_lines": {"count": len(self.survey.blank_lines), "lines": self.survey.blank_lines},
            "labels": {
                "shown_in_manifest": len(self.sample.labeled),
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
        """The number of rows of each class, in class order."""
        return {name: self.written.by_class[name] for name in self.classes.names}

    def _bad_rows(self) -> dict[str, Any]:
        rows = self.survey.bad_rows
        return {
            "count": len(rows),
            "by_kind": dict(Counter(row.kind for row in rows).most_common()),
            "rows": [
                {
                    **({"file": row.file} if row.file else {}),
                    "line": row.line,
                    "last_line": row.last_line,
                    "reason": row.reason,
                }
                for row in rows
            ],
        }

    def _renamed(self) -> dict[str, str]:
        pairs = zip(self.classes.labels, self.classes.names, strict=True)
        return {label: name for label, name in pairs if label != name}

    def _notes_on_rows(self) -> Iterator[str]:
        survey, wanted = self.survey, self.options.sample
        if survey.bad_rows:
            yield f"Left out: {_count(survey.bad_rows, 'bad row')}, each listed in prepare_report.json."
        if survey.blank_lines:
            yield f"Skipped: {_count(survey.blank_lines, 'blank line')} between the rows."
        if wanted is not None and wanted > len(survey.codes):
            yield f"A sample of {wanted:,} was asked for; all {len(survey.codes):,} usable rows were taken."

    def _notes_on_labels(self) -> Iterator[str]:
        sample, by_class = self.sample, self.written.by_class
        unknown = by_class[""]
        if self.survey.labels and unknown:
            yield f"Rows without a true label: {unknown:,}."
        if len(sample.labeled) < sample.labels_wanted:
            asked, held = f"{sample.labels_wanted:,}", f"{len(sample.labeled):,}"
            yield f"Labels for {asked} rows were asked for; only {held} rows have one."
        missing = [name for name in self.classes.names if not by_class[name]]
        if self.survey.labels and missing:
            yield f"No row has the class {listing(missing)}."
        if not unknown and (few := [name for name in self.classes.names if 0 < by_class[name] < _FEW_ROWS]):
            mostly = len(few) > len(self.classes.names) / 2
            doubt = " Most classes are like that: is it the right --label-column?" if mostly else ""
            yield (
                f"Classes of fewer than {_FEW_ROWS} rows: {listing(few, _FEW_SHOWN)}. A model can hardly "
                "learn them, and little can be promised about them. To leave their rows out, name the other "
                f"classes with --classes, and add --skip-bad-rows.{doubt}"
            )
        for group in alike(self.classes.names):
            yield (
                f"The classes {listing(group)} differ only in how they are written. Are they one? "
                "--merge-case reads labels that differ in case as one class."
            )

    def _notes_on_texts(self) -> Iterator[str]:
        if self.written.repeats:
            yield f"Rows that repeat an earlier text: {self.written.repeats:,}. They were kept."
        if self.written.contradicted:
            yield f"Texts that come with different labels: {self.written.contradicted:,}. They were kept."


def _count(things: list[Any], name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"

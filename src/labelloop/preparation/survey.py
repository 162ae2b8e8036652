"""The first pass over the rows: which ones can be used, their labels, and what is wrong with the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from labelloop.core.ledger import NO_LABEL
from labelloop.core.manifest.lines import MOST_CHARACTERS
from labelloop.preparation.errors import BadRowsError, InputFileError
from labelloop.preparation.manifest_lines import ManifestLines
from labelloop.preparation.source import BadRow, BlankLine, LabeledText, Source, undecodable


@dataclass(frozen=True, slots=True)
class RowRules:
    """What a row must be. `allowed` are the labels of the class list; None allows any."""

    allowed: frozenset[str] | None
    class_names: Mapping[str, str]
    lines: ManifestLines

    def fault(self, row: LabeledText) -> BadRow | None:
        """What is wrong with the row, if anything."""
        kind, detail = self._text_fault(row) or self._label_fault(row.label) or ("", "")
        return BadRow(row.line, row.line, kind, detail) if kind else None

    def _text_fault(self, row: LabeledText) -> tuple[str, str] | None:
        if not row.text:
            return "empty text", ""
        if row.text.isspace():
            return "empty text", "it is only white space"
        if fault := undecodable(row.text) or undecodable(row.label + "".join(row.priors)):
            return "not valid Unicode", fault
        priors = [self.class_names.get(label, label) for label in row.priors[::2]]
        length = self.lines.longest(row.text, self.class_names.get(row.label, row.label), priors)
        if length > MOST_CHARACTERS:
            found = f"its manifest line would have {length:,} characters, and Ground Truth allows"
            return "text too long", f"{found} {MOST_CHARACTERS:,}"
        return None

    def _label_fault(self, label: str) -> tuple[str, str] | None:
        if label.isspace():
            return "empty label", "it is only white space; leave it empty if the label is not known"
        if label and self.allowed is not None and label not in self.allowed:
            return "label outside the class list", repr(label)
        return None


@dataclass(slots=True)
class Survey:
    """What the rows contain. Memory: a few bytes per usable row, and no text.

    `codes` has one entry per usable row, in order: the position of its label in `labels`, or NO_LABEL. So
    have `priors` and `lines` where there are prior labels.
    """

    labels: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    blank_lines: list[int] = field(default_factory=list)
    priors: list[tuple[str, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        return len(self.codes) + len(self.bad_rows)


def survey_source(rows: Source, rules: RowRules) -> Survey:
    """Read every row once and note what it contains."""
    survey = Survey()
    code_of: dict[str, int] = {"": NO_LABEL}
    for row in _checked(rows, rules):
        if isinstance(row, BadRow):
            survey.bad_rows.append(row)
        elif isinstance(row, BlankLine):
            survey.blank_lines.append(row.line)
        else:
            survey.codes.append(code_of.setdefault(row.label, len(code_of) - 1))
            if row.priors:
                # There are few different ones: each is kept once.
                survey.priors.append(tuple(map(sys.intern, row.priors)))
                survey.lines.append(row.line)
    survey.labels = list(code_of)[1:]
    return survey


def refuse_unusable(survey: Survey, *, skip_bad_rows: bool) -> None:
    """Raises BadRowsError for bad rows unless they may be skipped, InputFileError if no row can be used."""
    if survey.bad_rows and not skip_bad_rows:
        raise BadRowsError(survey.bad_rows, survey.rows_read)
    if not survey.rows_read:
        raise InputFileError("There are no rows to prepare.")
    if not survey.codes:
        raise InputFileError(
            f"None of the {survey.rows_read:,} rows can be used. The first: {survey.bad_rows[0]}."
        )


def usable_rows(rows: Source, rules: RowRules) -> Iterator[LabeledText]:
    """The rows that can be used, in order: as many as the survey has codes."""
    return (row for row in _checked(rows, rules) if isinstance(row, LabeledText))


def _checked(rows: Source, rules: RowRules) -> Iterator[LabeledText | BadRow | BlankLine]:
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, LabeledText):
            yield row
            continue
        numbered = row if row.line else replace(row, line=place)
        yield rules.fault(numbered) or numbered

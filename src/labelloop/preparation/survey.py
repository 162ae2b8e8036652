"""The first pass over the rows: which ones can be used, their labels, and what is wrong with the others."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from labelloop.core.label_words import LabelWords
from labelloop.core.ledger import NO_LABEL
from labelloop.core.manifest.lines import MOST_CHARACTERS
from labelloop.preparation.errors import BadRowsError, InputFileError
from labelloop.preparation.manifest_lines import ManifestLines
from labelloop.preparation.row_ids import RowIds
from labelloop.preparation.source import BadRow, BlankLine, LabeledText, Source, undecodable


@dataclass(frozen=True, slots=True)
class RowRules:
    """What a row must be, and what its label means. `words.classes` are all there may be; None allows any."""

    words: LabelWords
    class_names: Mapping[str, str]
    lines: ManifestLines

    def fault(self, row: LabeledText) -> BadRow | None:
        """What is wrong with the row, if anything."""
        label = self.words.read(row.label)
        kind, detail = self._text_fault(row, label) or self._label_fault(row.label, label) or ("", "")
        file = row.origin.named_file if row.origin else ""
        return BadRow(row.line, row.line, kind, detail, file) if kind else None

    def read(self, row: LabeledText) -> LabeledText:
        """The row with the label that is meant."""
        label = self.words.read(row.label)
        return row if label == row.label else replace(row, label=label)

    def _text_fault(self, row: LabeledText, label: str) -> tuple[str, str] | None:
        if not row.text:
            return "empty text", ""
        if row.text.isspace():
            return "empty text", "it is only white space"
        if fault := undecodable(row.text) or undecodable(row.label + "".join(row.priors)):
            return "not valid Unicode", fault
        priors = [self.class_names.get(label, label) for label in row.priors[::2]]
        length = self.lines.longest(row.text, self.class_names.get(label, label), priors)
        if length > MOST_CHARACTERS:
            found = f"its manifest line would have {length:,} characters, and Ground Truth allows"
            return "text too long", f"{found} {MOST_CHARACTERS:,}"
        return None

    def _label_fault(self, written: str, label: str) -> tuple[str, str] | None:
        if label and not self.words.allow(label):
            return "label outside the class list", repr(written)
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
    ids: RowIds = field(default_factory=RowIds)

    @property
    def rows_read(self) -> int:
        return len(self.codes) + len(self.bad_rows)

    @property
    def labeled_rows(self) -> int:
        return len(self.codes) - self.codes.count(NO_LABEL)


def survey_source(rows: Source, rules: RowRules) -> Survey:
    """Read every row once and note what it contains. From then on, labels of one class are read as one."""
    survey = Survey()
    code_of: dict[str, int] = {"": NO_LABEL}
    for row in _checked(rows, rules):
        if isinstance(row, BadRow):
            survey.bad_rows.append(row)
        elif isinstance(row, BlankLine):
            survey.blank_lines.append(row.line)
        else:
            rules.words.written[row.label] += 1
            survey.codes.append(code_of.setdefault(rules.words.read(row.label), len(code_of) - 1))
            survey.ids.add(row)
            if row.priors:
                # There are few different ones: each is kept once.
                survey.priors.append(tuple(map(sys.intern, row.priors)))
                survey.lines.append(row.line)
    labels = list(code_of)[1:]
    _merge(survey, labels, rules.words)
    return survey


def _merge(survey: Survey, labels: list[str], words: LabelWords) -> None:
    counts = Counter(survey.codes)
    merged = words.merge({label: counts[code] for code, label in enumerate(labels)})
    survey.labels = [label for label in labels if label not in merged]
    if merged:
        code_of = {label: code for code, label in enumerate(survey.labels)}
        codes = [code_of[merged.get(label, label)] for label in labels]
        survey.codes = [code if code == NO_LABEL else codes[code] for code in survey.codes]


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
    return (rules.read(row) for row in _checked(rows, rules) if isinstance(row, LabeledText))


def _checked(rows: Source, rules: RowRules) -> Iterator[LabeledText | BadRow | BlankLine]:
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, LabeledText):
            yield row
            continue
        numbered = row if row.line else replace(row, line=place)
        yield rules.fault(numbered) or numbered

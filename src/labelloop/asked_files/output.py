"""The user's rows, and behind them what the model says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelloop.foundation_model.answer_cache import AnswerCache, cache_beside
from labelloop.foundation_model.reading import Reading
from labelloop.preparation.errors import ColumnError, OptionError, OutputFolderError
from labelloop.preparation.options import DEFAULT_LABEL_ATTRIBUTE, prior_attributes, propose_label_attribute
from labelloop.preparation.source import LabeledText
from labelloop.results import LabeledTable, check_format, write_table


@dataclass(frozen=True, slots=True)
class AnswerColumns:
    """The names of the columns."""

    label: str
    confidence: str
    error: str

    @classmethod
    def named(cls, name: str | None, model: str, taken: Sequence[str]) -> AnswerColumns:
        """By the user's name, or a tidy form of the model's. Raises PreparationError."""
        label = _tidy(model) if name is None else name.strip()
        if not label:
            raise OptionError("--name is the name of a column, and cannot be empty.")
        prior_attributes(((label, ""),))
        columns = cls(label, f"{label}_confidence", f"{label}_error")
        for column in columns.names:
            if column in taken:
                raise ColumnError(
                    f"The file has a column {column!r} already: choose other names with --name."
                )
        return columns

    @property
    def names(self) -> tuple[str, str, str]:
        return (self.label, self.confidence, self.error)


def refuse_output(out: Path, inputs: Sequence[Path]) -> None:
    """Raises PreparationError for a file that cannot be written, or must not."""
    check_format(out)
    for path in inputs:
        if out.exists() and out.samefile(path):
            raise OutputFolderError(f"{out} is the file that is read: name another --out.")
    if out.exists() and not cache_beside(out).exists():
        raise _not_ours(out)


def refuse_changed_output(out: Path, cache: AnswerCache) -> None:
    """Raises OutputFolderError for a file that somebody else wrote, or changed."""
    if out.exists() and not cache.wrote(out):
        raise _not_ours(out)


def _not_ours(out: Path) -> OutputFolderError:
    return OutputFolderError(
        f"{out} exists, and is not what this command wrote last: name another --out, or move it away."
    )


def write_answers(
    out: Path,
    columns: Sequence[str],
    ours: AnswerColumns,
    rows: Sequence[LabeledText],
    readings: Sequence[Reading],
    cache: AnswerCache,
) -> None:
    """Write it completely or not at all; `readings` are those of the rows. Raises PreparationError."""
    fields = (tuple(row.origin.fields) if row.origin else () for row in rows)
    given = zip(fields, map(_fields, readings), strict=True)
    write_table(out, LabeledTable(tuple(columns), ours.names, given, (str, float, str)))
    cache.keep_output(out)


def _fields(reading: Reading) -> tuple[str, float | None, str]:
    return reading.label, reading.confidence, reading.fault


def _tidy(model: str) -> str:
    """Of `meta-llama/Llama-3.2-3B` what stands behind the company."""
    proposal = propose_label_attribute(model.rpartition("/")[2])
    return "model" if proposal == DEFAULT_LABEL_ATTRIBUTE else proposal

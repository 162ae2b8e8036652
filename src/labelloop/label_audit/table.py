"""Files of objects whose labels are given, read and checked as a whole before anyone is asked."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labelloop.core.errors import RequestError
from labelloop.core.label_words import LabelWords
from labelloop.core.ledger import NO_LABEL
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.preparation.classes import class_list, listing, refuse_unlike_classes
from labelloop.preparation.prior_columns import PriorColumn, read_prior_columns
from labelloop.preparation.source import BadRow, BlankLine
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.tables import Record

_BAD_ROWS_SHOWN = 10


@dataclass(frozen=True)
class Columns:
    """Which columns of the file are used, and as what."""

    text: str
    labels: tuple[str, ...]  # one for each source
    confidences: tuple[str, ...] = ()  # none, or one for each source; empty for one that states none
    truth: str | None = None
    shown: tuple[str, ...] = ()  # what people see above the text

    def check(self) -> None:
        """Raises RequestError for columns that contradict each other."""
        if self.confidences and len(self.confidences) != len(self.labels):
            raise RequestError(
                f"there are {len(self.labels)} --label-column and {len(self.confidences)} "
                "--confidence-column: give one for each label column, in the same order ('' for a source "
                "that states none), or none at all"
            )
        for option, names in (("--label-column", self.labels), ("--confidence-column", self.confidences)):
            repeated = [name for name in names if name and names.count(name) > 1]
            if repeated:
                raise RequestError(f"{option} names the column {repeated[0]!r} more than once")
        if self.truth in self.labels:
            raise RequestError(
                f"the column {self.truth!r} is named as the truth and as given labels: an audit compares the "
                "labels that are given with what people say, so they must be two columns"
            )


@dataclass(frozen=True)
class AuditTable:
    """The user's rows, and what they say."""

    paths: tuple[Path, ...]
    columns: Columns
    header: tuple[str, ...]
    rows: list[list[str]]  # every field as it is in the file
    lines: list[int]  # each row's first line in the file
    texts: list[str]  # what people see
    classes: tuple[str, ...]
    priors: PriorLabels
    truth: npt.NDArray[np.int16] | None  # class index, -1 where it is not known; shape (rows,)
    read_as: tuple[str, ...]  # for people, how each file was read
    notes: tuple[str, ...]
    delimiter: str  # of the files; a comma where they have none
    byte_order_mark: bool

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def given(self) -> npt.NDArray[np.int16]:
        """The first source's label of each row, -1 for none; shape (rows,)."""
        return np.ascontiguousarray(self.priors.labels[:, 0])

    @cached_property
    def confidence(self) -> npt.NDArray[np.float32]:
        """The first source's confidence, NaN for none; shape (rows,)."""
        return np.ascontiguousarray(self.priors.confidence[:, 0])


@dataclass(frozen=True)
class Written:
    """How the files are written, where the user says it; see `TableFormat`."""

    delimiter: str = ""
    encoding: str = ""
    column_names: tuple[str, ...] = ()
    quoted: bool | None = None
    sheet: str = ""
    escaped: bool | None = None

    def table_format(self, columns: Columns) -> TableFormat:
        return TableFormat(
            columns.text,
            columns.labels[0],
            self.delimiter,
            self.column_names,
            self.quoted,
            encoding=self.encoding,
            sheet=self.sheet,
            escaped=self.escaped,
        )


def read_table(
    paths: Sequence[Path],
    columns: Columns,
    *,
    written: Written = Written(),
    words: LabelWords | None = None,
) -> AuditTable:
    """Read the files. `words` reads their labels, and has the classes if they are given; else they are found.

    Raises LabelloopError, which says what is wrong and where.
    """
    columns.check()
    return audit_table(TableSource.open(paths, written.table_format(columns)), columns, words)


def audit_table(source: TableSource, columns: Columns, words: LabelWords | None = None) -> AuditTable:
    """The rows of tables that are open already, otherwise as `read_table`."""
    columns.check()
    words = words or LabelWords()
    for name in filter(None, (*columns.labels, *columns.confidences, *columns.shown, columns.truth)):
        source.position(name)
    rows, notes = _rows_of(source, columns)
    lines, fields = [row.line for row in rows], [row.fields for row in rows]

    def column(name: str) -> list[str]:
        place = source.position(name)
        return [row[place] for row in fields]

    given = [column(name) for name in columns.labels]
    truth = column(columns.truth) if columns.truth else None
    found = _classes(given, truth, words)
    given = [list(map(words.read, labels)) for labels in given]
    truth = list(map(words.read, truth)) if truth is not None else None
    stated = columns.confidences or ("",) * len(columns.labels)
    priors = read_prior_columns(
        [
            PriorColumn(
                name,
                given[number],
                sure,
                column(sure) if sure else None,
            )
            for number, (name, sure) in enumerate(zip(columns.labels, stated, strict=True))
        ],
        found,
        lines=lines,
    )
    known = _truth(columns.truth, truth, found, lines) if columns.truth and truth else None
    if known is not None and (known == priors.priors.labels[:, 0]).all():
        notes.append(
            f"The columns {columns.truth!r} and {columns.labels[0]!r} say the same in every row: is one of "
            "them a copy of the other?"
        )
    return AuditTable(
        paths=source.paths,
        columns=columns,
        header=tuple(source.columns),
        rows=fields,
        lines=lines,
        texts=_texts(columns, column),
        classes=found,
        priors=priors.priors,
        truth=known,
        read_as=source.read_as,
        notes=(
            *source.notes,
            *notes,
            *words.notes(),
            *priors.notes,
            *_notes_on_texts(column(columns.text), given[0]),
        ),
        delimiter=source.delimiter,
        byte_order_mark=source.byte_order_mark,
    )


def _rows_of(source: TableSource, columns: Columns) -> tuple[list[Record], list[str]]:
    text = source.position(columns.text)
    rows, bad, blank = list[Record](), list[BadRow](), 0
    for row in source.records():
        if isinstance(row, BlankLine):
            blank += 1
        elif isinstance(row, BadRow):
            bad.append(row)
        elif not row.fields[text].strip():
            bad.append(BadRow(row.line, row.line, "empty text", "people would have nothing to judge"))
        else:
            rows.append(row)
    if bad:
        shown = "".join(f"\n  {row}" for row in bad[:_BAD_ROWS_SHOWN])
        more = f"\n  and {len(bad) - _BAD_ROWS_SHOWN:,} more" if len(bad) > _BAD_ROWS_SHOWN else ""
        raise RequestError(
            f"{len(bad):,} of {len(bad) + len(rows):,} rows cannot be used; nothing was asked or "
            f"written.{shown}{more}\nCorrect them, or take them out of the file."
        )
    if len(rows) < 2:
        raise RequestError(
            f"{source.paths[0]} has one row: there is nothing to draw from, so just let a person label it"
        )
    return rows, [f"{blank:,} blank lines were left out."] if blank else []


def _classes(
    given: Sequence[Sequence[str]], truth: Sequence[str] | None, words: LabelWords
) -> tuple[str, ...]:
    for labels in (*given, truth or ()):
        words.written.update(labels)
    rows = Counter[str]()
    for label, count in words.written.items():
        rows[words.read(label)] += count
    del rows[""]
    words.merge(rows)
    if words.classes is not None:
        return class_list((), tuple(words.classes), {}).labels
    stated = sorted({words.read(label) for label in rows})
    refuse_unlike_classes(stated, sum(rows.values()))
    if len(stated) < 2:
        known = f"All labels are {stated[0]!r}" if stated else "There is no label in any row"
        example = f"{stated[0]},..." if stated else "yes,no"
        raise RequestError(
            f"{known}, so the file does not tell which other classes people may choose: name all of them "
            f"with --classes {example}"
        )
    return class_list(stated, None, {}).labels


def _truth(
    name: str, fields: Sequence[str], classes: Sequence[str], lines: Sequence[int]
) -> npt.NDArray[np.int16]:
    index_of = {label: index for index, label in enumerate(classes)}
    for field, line in zip(fields, lines, strict=True):
        if field.strip() and field not in index_of:
            raise RequestError(
                f"Column {name!r}, line {line}: {field[:80]!r} is not one of the classes. "
                f"The classes are: {listing(classes)}. Correct it, or leave the field empty where the truth "
                "is not known."
            )
    return np.array([index_of.get(field, NO_LABEL) for field in fields], np.int16)


def _texts(columns: Columns, column: Callable[[str], list[str]]) -> list[str]:
    texts = column(columns.text)
    if not columns.shown:
        return texts
    parts = [(name, column(name)) for name in (*columns.shown, columns.text)]
    return ["\n\n".join(f"{name}: {values[row]}" for name, values in parts) for row in range(len(texts))]


def _notes_on_texts(texts: Sequence[str], given: Sequence[str]) -> list[str]:
    first, repeated, differing = dict[str, str](), 0, 0
    for text, label in zip(texts, given, strict=True):
        if text in first:
            repeated += 1
            differing += first[text] != label
        first.setdefault(text, label)
    if not differing:
        return []
    return [
        f"{repeated:,} rows repeat the text of an earlier row, {differing:,} of them with another label: "
        "each row is looked at by itself."
    ]

"""Which columns of a frame are used, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelloop.core.label_words import LabelWords
from labelloop.frames.frame import Frame, FrameTable
from labelloop.preparation import (
    PreparationOptions,
    TableFormat,
    TableSource,
    TextData,
    propose_label_attribute,
    read_text_data,
)
from labelloop.preparation.errors import BadRowsError, OptionError
from labelloop.preparation.options import DEFAULT_BUCKET, DEFAULT_LABEL_ATTRIBUTE, prior_attributes
from labelloop.preparation.tables.cells import as_text

Sources = str | Sequence[str] | Mapping[str, str | None] | None
# Faults of a label are the caller's to mend; a text that no run can take only stays without a label.
_OF_THE_TEXT = ("empty text", "text too long", "not valid Unicode")


@dataclass(frozen=True)
class Columns:
    """The names of the columns, by the arguments that name them."""

    text: str
    label: str | None = None
    id: str | None = None
    prior: Sources = None

    @property
    def priors(self) -> tuple[tuple[str, str], ...]:
        """Each column of prior labels with that of its confidences, "" for none."""
        return pairs(self.prior)

    def require_in(self, frame: Frame[Any]) -> None:
        """Raises FrameError where the frame lacks one."""
        frame.require({"text": self.text, "label": self.label, "id": self.id})
        for labels, confidences in self.priors:
            frame.require({"prior": labels})
            frame.require({"prior": confidences or None})

    @property
    def used(self) -> list[str]:
        """All of them."""
        names = [self.text, self.label, self.id, *(name for pair in self.priors for name in pair)]
        return [name for name in names if name]


@dataclass(frozen=True)
class FrameData:
    """The frame's texts, and what they were read from."""

    table: FrameTable
    source: TableSource
    table_format: TableFormat
    options: PreparationOptions
    texts: TextData


def pairs(sources: Sources) -> tuple[tuple[str, str], ...]:
    """Columns of labels, each with that of its confidences, "" for none."""
    if sources is None:
        return ()
    if isinstance(sources, str):
        return ((sources, ""),)
    if isinstance(sources, Mapping):
        return tuple((name, confidence or "") for name, confidence in sources.items())
    return tuple((name, "") for name in sources)


def classes_of(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    """The classes as texts. Raises OptionError for less than two, for repeated ones, and for empty names."""
    if classes is None:
        return None
    if isinstance(classes, str):
        raise OptionError(f"classes={classes!r} is one text: give a list of names, such as {['yes', 'no']}")
    names = tuple(map(as_text, classes))
    if len(names) < 2:
        raise OptionError(f"classes={list(names)} is too few: a text must be one of at least two classes")
    if repeated := [name for name in names if names.count(name) > 1]:
        raise OptionError(f"classes= names {repeated[0]!r} more than once")
    if not all(name.strip() for name in names):
        raise OptionError("classes= contains an empty name")
    return names


def text_data(
    frame: Frame[Any],
    columns: Columns,
    classes: tuple[str, ...] | None,
    words: LabelWords,
    *,
    whole: bool,
    bucket: str = DEFAULT_BUCKET,
) -> FrameData:
    """Read the columns. `whole`: the others too, which are kept with the input of a run.

    Raises FrameError, PreparationError and RequestError.
    """
    columns.require_in(frame)
    if classes is None and columns.label is None and not columns.priors:
        raise OptionError(
            "say which classes there are: --classes A,B,C. If the frame has labels, name their column: "
            "label=, prior=, or both"
        )
    table = FrameTable(frame, columns.text, frame.columns if whole else columns.used)
    table_format = TableFormat(
        columns.text, columns.label or "", id_column=columns.id or "", prior_columns=columns.priors
    )
    priors = prior_attributes(columns.priors)
    name = propose_label_attribute(columns.label or DEFAULT_LABEL_ATTRIBUTE)
    options = PreparationOptions(
        label_attribute=f"{name}-by-people" if name in priors else name,
        prior_attributes=priors,
        classes=classes,
        skip_bad_rows=True,
        overwrite=True,
        bucket=bucket,
        missing=tuple(words.missing),
        exact_labels=words.exact,
        merge_case=words.merge_case,
    )
    source = TableSource([table], table_format)
    data = read_text_data(source, table_format, options)
    if wrong := [row for row in data.bad_rows if row.kind not in _OF_THE_TEXT]:
        raise BadRowsError(wrong, len(frame))
    return FrameData(table, source, table_format, options, data)

"""What can go wrong while a data set is prepared. `labelloop.core.errors` draws the tree."""

from __future__ import annotations

from collections.abc import Sequence

from labelloop.core.errors import LabelloopError
from labelloop.preparation.source import WRONG_NUMBER_OF_FIELDS, BadRow

_SHOWN = 10
# Where more than so many rows have one fault, it is of the whole file.
_MOST = 0.5
_MANY = 0.05


class PreparationError(LabelloopError):
    """Raised when a data set cannot be prepared as asked; one class below for each kind of fault."""


class InputFileError(PreparationError):
    """Raised when a file cannot be read, or not with certainty, or holds no rows."""


class ColumnError(PreparationError):
    """Raised when a column is not in the file or there twice, or does not give each row an id of its own."""


class ClassListError(PreparationError):
    """Raised when there are too few classes or too many, or the list repeats one or lacks one in use."""


class LabelAttributeError(PreparationError):
    """Raised when the label attribute is not a name Ground Truth accepts."""


class OptionError(PreparationError):
    """Raised when an option's value is outside what it may be."""


class OutputFolderError(PreparationError):
    """Raised when the output folder is in use or cannot be written."""


class BadRowsError(PreparationError):
    """Raised when rows cannot be used. `bad_rows` has all of them; the message shows the first ten."""

    def __init__(self, bad_rows: Sequence[BadRow], rows_read: int) -> None:
        self.bad_rows = tuple(bad_rows)
        shown = "".join(f"\n  {row}" for row in bad_rows[:_SHOWN])
        more = len(bad_rows) - _SHOWN
        rest = f"\n  and {more:,} more" if more > 0 else ""
        super().__init__(
            f"{len(bad_rows):,} of {rows_read:,} rows cannot be used; nothing was written.{shown}{rest}\n"
            f"{_remedy(bad_rows, rows_read)}"
        )


def _remedy(bad_rows: Sequence[BadRow], rows_read: int) -> str:
    """What helps: where most rows have one fault, it is the file that is read wrongly."""
    if sum(row.kind == WRONG_NUMBER_OF_FIELDS for row in bad_rows) > _MOST * rows_read:
        return (
            "So many at once tell of another way to write the file: try --delimiter, or --quotes or "
            "--plain-quotes."
        )
    if sum(row.in_other_encoding for row in bad_rows) > max(1, _MANY * rows_read):
        return "So many at once tell of another encoding: name it with --encoding, or name none."
    return "Fix them, or leave them out with --skip-bad-rows."

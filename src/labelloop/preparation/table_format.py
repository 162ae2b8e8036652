"""What a user says of the files: which columns to use, and how they are written, where what they contain does
not tell.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from labelloop.preparation.errors import ColumnError, OptionError


@dataclass(frozen=True, slots=True)
class TableFormat:
    """The columns to use, and how the files are written: None and "" leave that to what they contain.

    `label_column` is empty for texts without labels, `id_column` where no column names the rows.
    `prior_columns` are, for each source of prior labels, the column of its labels and the one that says how
    sure they are (empty: none says it). `column_names` names the columns of a file without a header line.
    `quoted=False` reads quotation marks as plain characters. `escaped`: whether a backslash takes the meaning
    from the mark, the delimiter or the backslash behind it. `sheet`: of a workbook.
    """

    text_column: str
    label_column: str = ""
    delimiter: str = ""
    column_names: tuple[str, ...] = ()
    quoted: bool | None = None
    prior_columns: tuple[tuple[str, str], ...] = ()
    id_column: str = ""
    encoding: str = ""
    sheet: str = ""
    escaped: bool | None = None

    def __post_init__(self) -> None:
        if self.delimiter and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise OptionError(
                f"The delimiter must be one character, not {self.delimiter!r}; write \\t for a tab."
            )
        _check_encoding(self.encoding)
        if self.text_column == self.label_column:
            raise ColumnError(f"The text column and the label column are both {self.text_column!r}.")
        self._check_prior_columns()

    @property
    def named_columns(self) -> set[str]:
        """The columns that a file must have."""
        priors = {name for pair in self.prior_columns for name in pair}
        return {self.text_column, self.label_column, self.id_column, *priors} - {""}

    def _check_prior_columns(self) -> None:
        """Refuse a column that would be used for two things."""
        used = {self.text_column: "the text column"}
        if self.label_column:
            used[self.label_column] = "the label column"
        names = [(name, "a prior column") for name, _ in self.prior_columns]
        names += [(name, "a prior confidence column") for _, name in self.prior_columns if name]
        for name, use in names:
            if name in used:
                raise ColumnError(
                    f"Column {name!r} cannot be {use}: it is {used[name]} already. Name another column."
                )
            used[name] = use


def _check_encoding(name: str) -> None:
    if not name:
        return
    try:
        if codecs.lookup(name)._is_text_encoding:
            return
    except LookupError:
        pass
    raise OptionError(
        f"--encoding {name!r} is not an encoding that Python knows. Common ones: utf-8, utf-16, "
        "windows-1252, windows-1250, windows-1251, shift_jis, gb18030, big5, euc-kr, koi8-r."
    )

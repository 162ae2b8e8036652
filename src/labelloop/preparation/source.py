"""What a source of rows gives: texts with their labels, and the places where it could not read one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

WRONG_NUMBER_OF_FIELDS = "wrong number of fields"
_BYTE = "byte "


@dataclass(frozen=True, slots=True)
class Origin:
    """A row in its file: `row` counts the file's rows from 1, bad ones too."""

    file: str
    row: int
    id: str
    fields: list[str]
    one_of_several: bool = False  # files: then messages name it

    @property
    def named_file(self) -> str:
        return self.file if self.one_of_several else ""


@dataclass(frozen=True, slots=True)
class LabeledText:
    """One text and its true label; an empty `label` means that it is not known.

    `line` is the row's first line in its file, 0 without a file. `priors`: for each source of prior labels,
    the label and how sure it is, as they are written. `origin`: the row in its file.
    """

    text: str
    label: str = ""
    line: int = 0
    priors: tuple[str, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: its first and last line, the kind of fault, and exactly what was found."""

    line: int  # from 1; 0 for a file of a folder, which is named in what was found
    last_line: int
    kind: str
    detail: str = ""
    file: str = ""  # where there are several

    @property
    def in_other_encoding(self) -> bool:
        return self.detail.startswith(_BYTE)

    @property
    def reason(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind

    def __str__(self) -> str:
        if not self.line:
            return self.reason
        place = f"line {self.line}" if self.last_line <= self.line else f"lines {self.line}-{self.last_line}"
        return f"{f'{self.file}, ' if self.file else ''}{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BlankLine:
    """An empty line between the rows."""

    line: int


Source: TypeAlias = Iterable[LabeledText | BadRow | BlankLine]


def in_unicode(path: Path | str) -> str:
    """A path as it is told: a file name is not necessarily UTF-8, but what is written is."""
    return os.fsencode(path).decode(errors="replace")


def undecodable(text: str) -> str:
    """The part of `text` that is not a Unicode character; empty if there is none.

    A byte that is not UTF-8 is read as a lone surrogate (`errors="surrogateescape"`), so that its row can be
    named instead of refusing the whole file.
    """
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        return f"{_BYTE}0x{code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else f"lone surrogate U+{code:04X}"
    return ""

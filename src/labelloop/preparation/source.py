"""What a source of rows gives: texts with their labels, and the places where it could not read one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class LabeledText:
    """One text and its true label; an empty `label` means that it is not known.

    `line` is the row's first line in its file, 0 without a file. `priors`: for each source of prior labels,
    the label and how sure it is, as they are written.
    """

    text: str
    label: str = ""
    line: int = 0
    priors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: its first and last line, the kind of fault, and exactly what was found."""

    line: int
    last_line: int
    kind: str
    detail: str = ""

    @property
    def reason(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind

    def __str__(self) -> str:
        place = f"line {self.line}" if self.last_line <= self.line else f"lines {self.line}-{self.last_line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BlankLine:
    """An empty line between the rows."""

    line: int


Source: TypeAlias = Iterable[LabeledText | BadRow | BlankLine]


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
        return f"byte 0x{code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else f"lone surrogate U+{code:04X}"
    return ""

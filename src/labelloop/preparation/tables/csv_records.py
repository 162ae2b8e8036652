"""The records of CSV, in lines of text. No character is changed; a faulty record ends where it really does.

Python's csv module goes on in the line after a fault. If that lies inside quotation marks, what follows in
the field would become rows of its own. So the lines are handed to it one by one, and after a fault they are
given back from where a row begins again.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from labelloop.preparation.source import BadRow, BlankLine

if TYPE_CHECKING:
    from _csv import Reader

# A field may be as long as it is: whether a text is too long for a manifest is judged elsewhere. More
# than this does not fit what C calls a long on every system.
LONGEST_FIELD = 2**31 - 1
csv.field_size_limit(LONGEST_FIELD)
_MOST_IN_RECORD = 1 << 24
# With backslashes, what MySQL writes for no value.
_NULL = "\\N"
_BACKSLASH = re.compile(r"\\(.?)", re.DOTALL)
_LINES_TO_FIND_AN_END = 200
_LINES_TO_BE_SURE_OF_IT = 20


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The fields of a record, and the lines they are in."""

    fields: list[str]
    line: int
    lines: list[str]


class _NeverClosedError(Exception):
    """Raised when a record has grown so long that a quotation mark must have been left open."""


class CsvRecords:
    """Iterates over records, faulty ones and blank lines; `columns`: how many fields a record should have."""

    def __init__(
        self,
        lines: Iterable[str],
        delimiter: str,
        *,
        quoted: bool,
        escaped: bool = False,
        columns: int = 0,
        line: int = 1,
    ) -> None:
        """`line`: the number of the first line. `escaped`: backslashes make what follows plain."""
        self._lines = _Lines(lines, line)
        self._delimiter, self._quoted, self.columns = delimiter, quoted, columns
        self._escaped = escaped
        self._reader = self._reader_of(self._lines)

    def header(self) -> list[str]:
        """The first record, which says how many fields there are. Raises csv.Error."""
        while True:
            self._lines.begin()
            try:
                fields = next(self._reader)
            except StopIteration:
                return []
            except _NeverClosedError as error:
                raise csv.Error("unexpected end of data") from error
            if fields:
                self.columns = len(fields)
                return fields

    def __iter__(self) -> Iterator[RawRecord | BadRow | BlankLine]:
        lines = self._lines
        while True:
            lines.begin()
            line = lines.number + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _NeverClosedError) as error:
                yield self._faulty(line, error)
                continue
            if self._escaped:
                fields = ["" if field == _NULL else field for field in fields]
            yield RawRecord(fields, line, lines.taken) if fields else BlankLine(line)

    def _reader_of(self, lines: Iterable[str]) -> Reader:
        # strict: the lenient mode would silently repair faulty quoting, and so change texts.
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self._quoted else csv.QUOTE_NONE
        if not self._escaped:
            return csv.reader(lines, delimiter=self._delimiter, quoting=quoting, strict=True)
        return csv.reader(
            map(self._with_plain_backslashes_kept, lines),
            delimiter=self._delimiter,
            quoting=quoting,
            escapechar="\\",
            strict=True,
        )

    def _with_plain_backslashes_kept(self, line: str) -> str:
        r"""The csv module drops every backslash that escapes nothing, such as the one in `C:\new`."""
        if "\\" not in line:
            return line
        special = set(f'"\\\r\n{self._delimiter}')
        return _BACKSLASH.sub(lambda found: found[0] if found[1] in special else f"\\{found[0]}", line)

    def _faulty(self, line: int, error: Exception) -> BadRow:
        last = line + self._end() - 1
        what = quoting_fault(error)
        if not self._escaped and any('\\"' in taken for taken in self._lines.taken):
            what = f"{what}; if a backslash makes a mark a part of the text, add --backslashes"
        return BadRow(line, last, "not valid CSV", what)

    def _end(self) -> int:
        """How many lines the faulty record has; those behind it are given back."""
        lines = self._lines.with_following(_LINES_TO_FIND_AN_END + _LINES_TO_BE_SURE_OF_IT)
        ends = range(1, min(len(lines), _LINES_TO_FIND_AN_END) + 1)
        # Where no end is to be found, the fault is taken to be of one line.
        end = next((end for end in ends if self._rows_begin(lines[end:])), 1)
        self._lines.give_back(end)
        return end

    def _rows_begin(self, lines: list[str]) -> bool:
        """Whether rows begin here, as far as is told by the lines up to the next quotation mark."""
        for line in lines[:_LINES_TO_BE_SURE_OF_IT]:
            content = line.rstrip("\r\n")
            if not content:
                continue
            if '"' in content:
                before = content[: content.index('"')]
                return not before or before.endswith(self._delimiter)
            if content.count(self._delimiter) + 1 != self.columns:
                return False
        return True


class _Lines:
    """Lines with their number, those of the record under way, and a way to give some back."""

    def __init__(self, lines: Iterable[str], number: int) -> None:
        self._lines = iter(lines)
        self._given_back: deque[str] = deque()
        self.number = number - 1
        self.taken: list[str] = []
        self._characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        self._characters += len(line)
        if self._characters > _MOST_IN_RECORD and len(self.taken) > 1:
            raise _NeverClosedError
        return line

    def begin(self) -> None:
        """Another record begins."""
        self.taken = []
        self._characters = 0

    def with_following(self, count: int) -> list[str]:
        """The lines of the record under way, and those behind it: `count` together, if there are so many."""
        missing = count - len(self.taken) - len(self._given_back)
        if missing > 0:
            self._given_back.extend(islice(self._lines, missing))
        return [*self.taken, *islice(self._given_back, max(0, count - len(self.taken)))][:count]

    def give_back(self, kept: int) -> None:
        """The record under way has `kept` lines; more or fewer may have been taken."""
        for _ in range(kept - len(self.taken)):
            next(self)
        self.number -= len(self.taken) - kept
        self._given_back.extendleft(reversed(self.taken[kept:]))
        self.taken = self.taken[:kept]


def quoting_fault(error: Exception) -> str:
    """What is wrong, in words that help."""
    message = str(error)
    if isinstance(error, _NeverClosedError) or "unexpected end of data" in message:
        return "a quotation mark is opened and never closed"
    if "expected after" in message:
        return "text follows a closing quotation mark (a quotation mark inside a field is written twice)"
    return message

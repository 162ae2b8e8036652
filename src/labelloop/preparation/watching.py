"""How far the reading of a long file is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias, runtime_checkable

from labelloop.preparation.source import BadRow, BlankLine, LabeledText, Source

# What is being done, and what share of it is done.
Watcher: TypeAlias = Callable[[str, float], None]
_ROWS_BETWEEN = 5_000


@runtime_checkable
class _TellsShare(Protocol):
    def share_read(self) -> float: ...


def watched(rows: Source, doing: str, watcher: Watcher | None) -> Iterator[LabeledText | BadRow | BlankLine]:
    """The rows; the watcher is told every few thousand, if they come from something that knows its size."""
    share_read = rows.share_read if isinstance(rows, _TellsShare) else None
    for number, row in enumerate(rows):
        if watcher is not None and share_read is not None and number % _ROWS_BETWEEN == 0:
            watcher(doing, share_read())
        yield row

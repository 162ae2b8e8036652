"""The ids that the user's column gives to the rows: each must have one, and no two the same."""

from __future__ import annotations

from collections.abc import Sequence

from labelloop.preparation.errors import ColumnError
from labelloop.preparation.source import LabeledText

_SHOWN = 5


class RowIds:
    """Notes the ids of rows as they are read."""

    def __init__(self) -> None:
        self._place_of: dict[str, tuple[str, int] | int] = {}
        self._empty: list[tuple[str, int]] = []
        self._repeated: dict[str, list[tuple[str, int]]] = {}

    def add(self, row: LabeledText) -> None:
        """Rows that come from no file have no ids."""
        if row.origin is None:
            return
        name, place = row.origin.id, (row.origin.named_file, row.line)
        if not name.strip():
            self._empty.append(place)
        elif name not in self._place_of:
            # A number takes a fraction of a pair's memory, and most tables are of one file.
            self._place_of[name] = place if place[0] else row.line
        else:
            self._repeated.setdefault(name, []).append(place)

    def refuse_faults(self, column: str) -> None:
        """Raises ColumnError, which names the lines."""
        if not (self._empty or self._repeated):
            return
        faults = [f"{_listed(self._empty)}: it is empty"] if self._empty else []
        for name, places in list(self._repeated.items())[:_SHOWN]:
            first = self._place_of[name]
            all_places = [first if isinstance(first, tuple) else ("", first), *places]
            faults.append(f"{_listed(all_places)}: {name!r}")
        if len(self._repeated) > _SHOWN:
            faults.append(f"and {len(self._repeated) - _SHOWN:,} more that come more than once")
        raise ColumnError(
            f"Column {column!r} must give each row a different id, to join the results with your data."
            + "".join(f"\n  {fault}" for fault in faults)
            + "\nCorrect them, or leave out --id-column: each row then has its file and number."
        )


def _listed(places: Sequence[tuple[str, int]]) -> str:
    named = [f"{file}:{line}" if file else f"{line:,}" for file, line in places[:_SHOWN]]
    more = f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else ""
    return f"line{'' if len(places) == 1 else 's'} {', '.join(named)}{more}"

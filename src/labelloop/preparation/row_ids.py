"""The ids that the user's column gives to the rows: each must have one, and no two the same."""

from __future__ import annotations

from collections.abc import Sequence

from labelloop.preparation.errors import ColumnError
from labelloop.preparation.source import LabeledText

_SHOWN = 5


class RowIds:
    """Notes the ids of rows as they are read."""

    def __init__(self) -> None:
        self._place_of: dict[str, tuple[int, int] | int] = {}
        self._empty: list[tuple[int, int]] = []
        self._repeated: dict[str, list[tuple[int, int]]] = {}

    def add(self, row: LabeledText) -> None:
        """Rows that come from no file have no ids."""
        if row.origin is None:
            return
        name, place = row.origin.id, (row.origin.file, row.line)
        if not name.strip():
            self._empty.append(place)
        elif name not in self._place_of:
            # A number takes a fraction of a pair's memory, and most tables are of one file.
            self._place_of[name] = place if row.origin.file else row.line
        else:
            self._repeated.setdefault(name, []).append(place)

    def refuse_faults(self, column: str, files: Sequence[str]) -> None:
        """Raises ColumnError, which names the lines. `files`: their names."""
        if not (self._empty or self._repeated):
            return
        faults = [f"{self._listed(self._empty, files)}: it is empty"] if self._empty else []
        for name, places in list(self._repeated.items())[:_SHOWN]:
            first = self._place_of[name]
            all_places = [first if isinstance(first, tuple) else (0, first), *places]
            faults.append(f"{self._listed(all_places, files)}: {name!r}")
        if len(self._repeated) > _SHOWN:
            faults.append(f"and {len(self._repeated) - _SHOWN:,} more that come more than once")
        raise ColumnError(
            f"Column {column!r} must give each row an id of its own, so that results can be joined back."
            + "".join(f"\n  {fault}" for fault in faults)
            + "\nCorrect them, or leave out --id-column: each row then has its file and number."
        )

    @staticmethod
    def _listed(places: Sequence[tuple[int, int]], files: Sequence[str]) -> str:
        named = [f"{files[file]}:{line}" if len(files) > 1 else f"{line:,}" for file, line in places[:_SHOWN]]
        more = f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else ""
        return f"line{'' if len(places) == 1 else 's'} {', '.join(named)}{more}"

"""The rows of the user's files, as texts with their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from labelloop.preparation.errors import ColumnError, InputFileError, OptionError
from labelloop.preparation.source import BadRow, BlankLine, LabeledText, Origin, in_unicode
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.tables import Record, Table, open_table
from labelloop.preparation.tables.table import position

_SHOWN = 5


class TableSource:
    """The rows of one or more tables. It can be iterated more than once: each time, they are read again.

    Raises ColumnError when a column is missing or there twice, or when the tables have different columns.
    """

    def __init__(self, tables: Sequence[Table], table_format: TableFormat) -> None:
        self.paths = tuple(table.path for table in tables)
        self.file_names = _names(self.paths)
        self.tables = tables
        self.columns = self.tables[0].columns
        self._orders = [_order(self.tables[0], table) for table in self.tables]
        self._text = self.position(table_format.text_column)
        self._label = self._position_if_named(table_format.label_column)
        self._id = self._position_if_named(table_format.id_column)
        self._priors = [self._position_if_named(name) for pair in table_format.prior_columns for name in pair]
        self._reading = 0

    @classmethod
    def open(cls, paths: Sequence[Path], table_format: TableFormat) -> TableSource:
        """The rows of files. Raises InputFileError too, when one cannot be read."""
        _refuse_repeats(paths)
        return cls([open_table(path, table_format) for path in paths], table_format)

    @property
    def read_as(self) -> tuple[str, ...]:
        """For people, how each file is read."""
        named = zip(self.file_names, self.tables, strict=True)
        return tuple(f"{name}: {table.read_as}" for name, table in named)

    @property
    def notes(self) -> tuple[str, ...]:
        several = len(self.tables) > 1
        return tuple(
            f"{name}: {note}" if several else note
            for name, table in zip(self.file_names, self.tables, strict=True)
            for note in table.notes
        )

    @property
    def delimiter(self) -> str:
        """What separates the columns of the first file; a comma where it is no CSV."""
        return self.tables[0].delimiter

    @property
    def byte_order_mark(self) -> bool:
        return self.tables[0].byte_order_mark

    def share_read(self) -> float:
        """How much of the files the iteration under way has read, 0 to 1."""
        return (self._reading + self.tables[self._reading].share_read()) / len(self.tables)

    def position(self, name: str) -> int:
        """Where the column stands, from 0. Raises ColumnError."""
        return position(self.paths[0], self.columns, name)

    def __iter__(self) -> Iterator[LabeledText | BadRow | BlankLine]:
        row, file = 0, -1
        for number, record in self._records():
            row, file = (row, file) if number == file else (0, number)
            if isinstance(record, BlankLine):
                yield record
                continue
            row += 1
            yield self._labeled(record, self.file_names[file], row) if isinstance(record, Record) else record

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        """The rows with all their fields, in the order of the first file's columns."""
        return (record for _, record in self._records())

    def _records(self) -> Iterator[tuple[int, Record | BadRow | BlankLine]]:
        several = len(self.tables) > 1
        for number, (table, order) in enumerate(zip(self.tables, self._orders, strict=True)):
            self._reading, seen = number, False
            for record in table.records():
                seen = seen or not isinstance(record, BlankLine)
                if isinstance(record, Record) and order is not None:
                    yield number, Record(order(record.fields), record.line)
                elif isinstance(record, BadRow) and several:
                    yield number, replace(record, file=self.file_names[number])
                else:
                    yield number, record
            if not seen:
                raise InputFileError(f"{table.path} has a header line and no rows below it.")

    def _labeled(self, record: Record, file: str, row: int) -> LabeledText:
        fields = record.fields
        label = "" if self._label is None else fields[self._label]
        priors = tuple("" if place is None else fields[place] for place in self._priors)
        name = "" if self._id is None else fields[self._id]
        origin = Origin(file, row, name, fields, one_of_several=len(self.tables) > 1)
        return LabeledText(fields[self._text], label, record.line, priors, origin)

    def _position_if_named(self, name: str) -> int | None:
        return self.position(name) if name else None


def _names(paths: Sequence[Path]) -> tuple[str, ...]:
    """The names of the files; with their folders where two have the same."""
    alike = len({path.name for path in paths}) < len(paths)
    return tuple(in_unicode(path if alike else path.name) for path in paths)


def _refuse_repeats(paths: Sequence[Path]) -> None:
    for path, count in Counter(path.resolve() for path in paths).items():
        if count > 1:
            raise OptionError(f"{path} is named {count} times: its rows would count as often.")


def _order(first: Table, table: Table) -> Callable[[list[str]], list[str]] | None:
    """What brings the fields of a table into the order of the first one's; None if they are in it.

    Raises ColumnError for other columns.
    """
    if table.columns == first.columns:
        return None
    missing = [name for name in first.columns if name not in table.columns]
    added = [name for name in table.columns if name not in first.columns]
    if missing or added or len(table.columns) != len(first.columns):
        what = [f"lacks {_listed(missing)}"] * bool(missing) + [f"has also {_listed(added)}"] * bool(added)
        raise ColumnError(
            f"{table.path} and {first.path} must have the same columns; {table.path.name} "
            f"{' and '.join(what) or 'has some of them more than once'}."
        )
    places = [position(table.path, table.columns, name) for name in first.columns]
    return lambda fields: [fields[place] for place in places]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more

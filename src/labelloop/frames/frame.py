"""A data frame as a table of texts, and with new columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import narwhals as nw
from narwhals.exceptions import DuplicateError
from narwhals.typing import IntoDataFrameT

from labelloop.core.near_names import nearest_name
from labelloop.frames.errors import FrameError
from labelloop.preparation.source import BadRow, BlankLine
from labelloop.preparation.tables import Record
from labelloop.preparation.tables.cells import as_text

NO_TEXT = "no text"
_LISTED = 20


@dataclass(frozen=True)
class Frame(Generic[IntoDataFrameT]):
    """The user's frame. It is never changed."""

    data: "nw.DataFrame[IntoDataFrameT]"
    columns: tuple[str, ...]

    @classmethod
    def of(cls, native: IntoDataFrameT) -> "Frame[IntoDataFrameT]":
        """Raises FrameError for anything else than a data frame in memory with rows."""
        try:
            data = nw.from_native(native, eager_only=True)
            columns = tuple(map(str, data.columns))
        except TypeError as error:
            lazy = hasattr(native, "collect")
            raise FrameError(
                f"{type(native).__name__} is not a data frame that can be labeled: "
                + ("collect() it first" if lazy else "give a pandas or polars data frame, or a pyarrow table")
            ) from error
        except DuplicateError as error:
            raise FrameError(f"two columns of the data frame have the same name: {error}") from error
        if not len(data):
            raise FrameError("the data frame has no rows")
        return cls(data, columns)

    def __len__(self) -> int:
        return len(self.data)

    def require(self, names: Mapping[str, str | None]) -> None:
        """Raises FrameError for a column that the frame does not have; `names` are by argument."""
        for argument, name in names.items():
            if name is not None and name not in self.columns:
                near = nearest_name(str(name), self.columns)
                meant = f" Did you mean {near!r}?" if near else ""
                listed = ", ".join(map(repr, self.columns[:_LISTED]))
                more = f" and {len(self.columns) - _LISTED} more" if len(self.columns) > _LISTED else ""
                raise FrameError(
                    f"{argument}={name!r}: the data frame has no such column.{meant} Its columns are: "
                    f"{listed}{more}."
                )

    def texts(self, name: str) -> list[str]:
        """A column of texts, empty where there is none. Raises FrameError where a value is no text."""
        series = self._column(name)
        values = self._values(series)
        for row, value in enumerate(values, 1):
            if value is not None and not isinstance(value, str):
                raise FrameError(
                    f"row {row} of the column {name!r} is {value!r}, which is not a text: name the column "
                    "with the texts, or convert it to strings"
                )
        return [value or "" for value in values]

    def fields(self, name: str) -> list[str]:
        """Any column, each value written as a text, empty where there is none."""
        return list(map(as_text, self._values(self._column(name))))

    def with_columns(self, columns: Mapping[str, Sequence[Any]]) -> IntoDataFrameT:
        """A frame of the same kind, with the same rows, order and index, and these columns behind the others.

        Columns of texts, of floats or of integers; None where there is no value.
        """
        return self.data.with_columns(
            *(self._series(name, values) for name, values in columns.items())
        ).to_native()

    def with_rows(self, names: Sequence[str], rows: Mapping[int, Sequence[Any]]) -> IntoDataFrameT:
        """The same from rows, by their positions from 0; those that are missing have no values."""
        nothing = [None] * len(names)
        filled = [rows.get(row, nothing) for row in range(len(self))]
        return self.with_columns(dict(zip(names, map(list, zip(*filled, strict=True)), strict=True)))

    def rows(self, positions: Sequence[int]) -> IntoDataFrameT:
        """Some of the rows, by their positions from 0."""
        return self.data[list(positions)].to_native()

    def _column(self, name: str) -> "nw.Series[Any]":
        return self.data[self.data.columns[self.columns.index(name)]]

    @staticmethod
    def _values(series: "nw.Series[Any]") -> list[Any]:
        missing = series.is_null().to_list()
        return [None if no else value for no, value in zip(missing, series.to_list(), strict=True)]

    def _series(self, name: str, values: Sequence[Any]) -> "nw.Series[Any]":
        kind = next((type(value) for value in values if value is not None), str)
        backend = self.data.implementation
        if not backend.is_pandas_like():
            dtype = {str: nw.String, float: nw.Float64, int: nw.Int64}[kind]
            return nw.new_series(name, values, dtype(), backend=backend)
        # NumPy's integers know no missing values, pandas' own do. Texts get the dtype that this pandas uses.
        dtypes = {str: None, float: "float64", int: "Int64"}
        series = self.data.__native_namespace__().Series(list(values), name=name, dtype=dtypes[kind])
        return nw.from_native(series, series_only=True)


@dataclass
class FrameTable:
    """The rows that have a text, as the readers of files read them; a row's number takes the line's place."""

    frame: Frame[Any]
    text: str
    used: Sequence[str]  # columns that are read; the others are left empty
    path: Path = Path("the data frame")
    read_as: str = "data frame"
    notes: tuple[str, ...] = ()
    delimiter: str = ","
    byte_order_mark: bool = False

    def __post_init__(self) -> None:
        self._fields = {
            name: self.frame.texts(name) if name == self.text else self.frame.fields(name)
            for name in self.frame.columns
            if name in {self.text, *self.used}
        }
        texts = self._fields[self.text]
        self.without_text = [row for row, text in enumerate(texts) if not text or text.isspace()]
        if len(self.without_text) == len(texts):
            raise FrameError(f"no row has a text in the column {self.text!r}")

    @property
    def columns(self) -> tuple[str, ...]:
        return self.frame.columns

    def records(self) -> Iterator[Record | BadRow | BlankLine]:
        """The rows in order, numbered from 1; those without a text are left out."""
        nothing = [""] * len(self.frame)
        empty = set(self.without_text)
        columns = (self._fields.get(name, nothing) for name in self.frame.columns)
        for row, fields in enumerate(zip(*columns, strict=True)):
            if row not in empty:
                yield Record(list(fields), row + 1)

    def share_read(self) -> float:
        return 1.0

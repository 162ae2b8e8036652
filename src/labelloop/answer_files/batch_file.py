"""Batches that people fill in, as CSV files.

Until a batch is whole, its file is the only place where people's answers are, and nothing writes to it again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelloop.answer_files.csv_file import read_rows, write_csv
from labelloop.core.errors import RequestError
from labelloop.preparation.classes import listing
from labelloop.reporting.text import no_formula

# What people write where they looked and cannot say.
CANNOT_SAY = "?"
_COLUMNS = ("id", "line", "again", "text", "label")
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Question:
    """An object that people are asked about."""

    number: int  # of the object, from 0
    line: int  # in the user's file
    text: str
    again: bool = False  # somebody has answered about it before


@dataclass(frozen=True)
class BatchFile:
    """A batch for people to fill in, as a CSV file."""

    path: Path
    classes: Sequence[str]
    delimiter: str = ","

    def write(self, questions: Iterable[Question]) -> None:
        """The rows that people are asked about. No machine's label is shown: that would sway people."""
        rows = (
            [
                str(one.number + 1),
                str(one.line),
                "yes" if one.again else "",
                no_formula(one.text),
                "",
            ]
            for one in questions
        )
        # With a mark, a spreadsheet knows that it is UTF-8.
        write_csv(self.path, _COLUMNS, rows, delimiter=self.delimiter, mark=True)

    def read(self, asked: Collection[int]) -> tuple[dict[int, int | None], list[int]]:
        """The answers, and the objects of those asked about that have none yet.

        Raises RequestError, which names the row and says how to mend it.
        """
        index_of: dict[str, int | None] = {_plain(CANNOT_SAY): None}
        for number, name in enumerate(self.classes):
            index_of.setdefault(_plain(name), number)
        exact = {name: number for number, name in enumerate(self.classes)}
        answers, seen = dict[int, int | None](), dict[int, int]()
        for place, (given_id, given_label) in enumerate(self._rows(), 2):
            where, name = f"{self.path.name}, row {place}", given_id.strip()
            if not name and not given_label.strip():
                continue
            number = int(name) - 1 if name.isdecimal() else -1
            if number not in asked:
                raise RequestError(
                    f"{where}: the id {name!r} is not in this batch. Each row keeps the id it was written "
                    "with: take out rows that were added, and put back ids that were changed"
                )
            if number in seen:
                raise RequestError(
                    f"{where}: the id {name!r} is already in row {seen[number]}. Keep one of the two rows"
                )
            seen[number] = place
            label = given_label.strip()
            if not label:
                continue
            if label not in exact and _plain(label) not in index_of:
                raise RequestError(
                    f"{where}: {label[:80]!r} is not one of the classes. Write one of "
                    f"{listing(self.classes)}; {CANNOT_SAY} if you can't tell; or leave it empty, "
                    "to be asked again"
                )
            answers[number] = exact.get(label, index_of.get(_plain(label)))
        return answers, sorted(set(asked) - answers.keys())

    def _rows(self) -> Iterable[tuple[str, str]]:
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            header = file.readline()
        # A spreadsheet may save with another delimiter than it was given.
        delimiter = max(_DELIMITERS, key=header.count)
        for fields in read_rows(self.path, delimiter, ("id", "label")):
            yield fields[0], fields[1]


def _plain(text: str) -> str:
    return text.strip().casefold()

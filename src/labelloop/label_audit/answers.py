"""People's answers in files: the record of all answers, and the batches that people fill in.

An audit is replayed from the record, so it has each batch as a whole or not at all. Until a batch is whole,
the file that people fill in is the only place where their answers are, and nothing writes to it again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labelloop.core.errors import RequestError
from labelloop.in_memory.answer_record import CANNOT_SAY, read_rows, write_csv
from labelloop.in_memory.batch_run import Batch
from labelloop.label_audit.table import AuditTable
from labelloop.preparation.classes import listing
from labelloop.reporting.text import no_formula

_BATCH_COLUMNS = ("id", "line", "again", "text", "label")
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class BatchFile:
    """A batch for people to fill in, as a CSV file."""

    path: Path
    table: AuditTable

    def write(self, batch: Batch) -> None:
        """The rows that people are asked about. Their given labels are not shown: that would sway people."""
        again = set(batch.again.tolist())
        rows = (
            [
                str(number + 1),
                str(self.table.lines[number]),
                "yes" if number in again else "",
                no_formula(self.table.texts[number]),
                "",
            ]
            for number in batch.asked.tolist()
        )
        # With a mark, a spreadsheet knows that it is UTF-8.
        write_csv(self.path, _BATCH_COLUMNS, rows, delimiter=self.table.delimiter, mark=True)

    def read(self, batch: Batch) -> tuple[dict[int, int | None], list[int]]:
        """The answers, and the ids of the objects that have none yet.

        Raises RequestError, which names the row and says how to mend it.
        """
        index_of: dict[str, int | None] = {_plain(CANNOT_SAY): None}
        for number, name in enumerate(self.table.classes):
            index_of.setdefault(_plain(name), number)
        exact = {name: number for number, name in enumerate(self.table.classes)}
        asked, answers, seen = set(batch.asked.tolist()), dict[int, int | None](), dict[int, int]()
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
                    f"{where}: the id {name!r} stands in row {seen[number]} already. Keep one of the two rows"
                )
            seen[number] = place
            label = given_label.strip()
            if not label:
                continue
            if label not in exact and _plain(label) not in index_of:
                raise RequestError(
                    f"{where}: {label[:80]!r} is not one of the classes. Write one of "
                    f"{listing(self.table.classes)}; {CANNOT_SAY} where you cannot say; or leave it empty, "
                    "to be asked again"
                )
            answers[number] = exact.get(label, index_of.get(_plain(label)))
        return answers, sorted(asked - answers.keys())

    def _rows(self) -> Iterable[tuple[str, str]]:
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            header = file.readline()
        # A spreadsheet may save with another delimiter than it was given.
        delimiter = max(_DELIMITERS, key=header.count)
        for fields in read_rows(self.path, delimiter, ("id", "label")):
            yield fields[0], fields[1]


def _plain(text: str) -> str:
    return text.strip().casefold()

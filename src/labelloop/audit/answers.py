"""People's answers in files: the record of all answers, and the batches that people fill in.

An audit is replayed from the record, so it has each batch as a whole or not at all. Until a batch is whole,
the file that people fill in is the only place where their answers are, and nothing writes to it again.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelloop.audit.audit_run import Answers, AuditBatch
from labelloop.audit.table import AuditTable
from labelloop.core.errors import RequestError
from labelloop.preparation.classes import listing
from labelloop.preparation.output_folder import replacing
from labelloop.reporting.text import no_formula

# What people write where they looked and cannot say.
CANNOT_SAY = "?"
_RECORD_COLUMNS = ("batch", "id", "label")
_BATCH_COLUMNS = ("id", "line", "again", "text", "label")
_DELIMITERS = ",;\t"


class AnswerRecord:
    """answers.csv: what people said in each batch, in the order of the batches."""

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self.path = path
        self._classes = classes
        self._rows: list[tuple[int, int, str]] = []

    def load(self) -> dict[int, Answers]:
        """The answers of each batch, by its number. Raises RequestError where the file was damaged."""
        if not self.path.exists():
            return {}
        index_of: dict[str, int | None] = {name: number for number, name in enumerate(self._classes)}
        index_of[CANNOT_SAY] = None
        found: dict[int, dict[int, int | None]] = {}
        for place, fields in enumerate(_read_rows(self.path, ",", _RECORD_COLUMNS), 2):
            batch, number, label = fields
            if not (batch.isdecimal() and number.isdecimal()) or label not in index_of:
                raise _damaged(self.path, f"line {place} is {','.join(fields)!r}")
            if int(number) in found.setdefault(int(batch), {}):
                raise _damaged(self.path, f"line {place} answers about object {number} once more")
            found[int(batch)][int(number)] = index_of[label]
            self._rows.append((int(batch), int(number), label))
        return dict(found)

    def add(self, batch: int, answers: Answers) -> None:
        """Note a whole batch: in the file are all of its answers or none, even if the process is killed."""
        for number, label in sorted(answers.items()):
            self._rows.append((batch, number, CANNOT_SAY if label is None else self._classes[label]))
        write_csv(
            self.path,
            _RECORD_COLUMNS,
            ([str(batch), str(number), label] for batch, number, label in self._rows),
        )


@dataclass(frozen=True)
class BatchFile:
    """A batch for people to fill in, as a CSV file."""

    path: Path
    table: AuditTable

    def write(self, batch: AuditBatch) -> None:
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

    def read(self, batch: AuditBatch) -> tuple[dict[int, int | None], list[int]]:
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
        for fields in _read_rows(self.path, delimiter, ("id", "label")):
            yield fields[0], fields[1]


def check_replayed(batch: AuditBatch, answers: Answers, path: Path) -> None:
    """Raises RequestError where a record has answers that were not asked for."""
    strange = sorted(answers.keys() - set(batch.asked.tolist()))
    if strange:
        raise _damaged(
            path, f"in batch {batch.number} it answers about object {strange[0]}, which was not asked"
        )


def write_csv(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = ",",
    mark: bool = False,
) -> None:
    """Write the file completely or not at all. `mark`: it begins with a byte-order mark."""
    encoding = "utf-8-sig" if mark else "utf-8"
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding=encoding, newline="", write_through=True)
        # With CRLF, the writer's default line end, it quotes a lone CR in a field as well as a lone LF.
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
        text.detach()


def _read_rows(path: Path, delimiter: str, wanted: Sequence[str]) -> Iterable[list[str]]:
    """The wanted fields of each row."""
    content = io.StringIO(path.read_bytes().decode("utf-8-sig", errors="replace"), newline="")
    reader = csv.DictReader(content, delimiter=delimiter)
    missing = [name for name in wanted if name not in (reader.fieldnames or ())]
    if missing:
        raise RequestError(
            f"{path} has no column {missing[0]!r}: keep the columns as they were written, and save it as CSV"
        )
    for row in reader:
        yield [row[name] or "" for name in wanted]


def _damaged(path: Path, what: str) -> RequestError:
    return RequestError(
        f"{path} is not as the audit wrote it: {what}. Restore the file, or begin anew in another --out"
    )


def _plain(text: str) -> str:
    return text.strip().casefold()

"""People's answers in a file: the record of all answers of a run.

A run is replayed from the record, so it has each batch as a whole or not at all.
"""

from collections.abc import Sequence
from pathlib import Path

from labelloop.answer_files.batch_file import CANNOT_SAY
from labelloop.answer_files.csv_file import read_rows, write_csv
from labelloop.core.errors import RequestError
from labelloop.in_memory.batch_run import Answers, Batch

_RECORD_COLUMNS = ("batch", "id", "label")


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
        for place, fields in enumerate(read_rows(self.path, ",", _RECORD_COLUMNS), 2):
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


def check_replayed(batch: Batch, answers: Answers, path: Path) -> None:
    """Raises RequestError where a record has answers that were not asked for."""
    strange = sorted(answers.keys() - set(batch.asked.tolist()))
    if strange:
        raise _damaged(
            path, f"in batch {batch.number} it answers about object {strange[0]}, which was not asked"
        )


def _damaged(path: Path, what: str) -> RequestError:
    return RequestError(
        f"{path} was changed after it was written, or another version of labelloop wrote it: {what}. Restore "
        "the file, go on with the version that wrote it, or start again in another --out"
    )

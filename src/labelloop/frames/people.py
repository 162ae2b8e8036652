"""Who answers: a function of the caller, the workbench, or people who know the truth."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from labelloop.core.near_names import nearest_name
from labelloop.frames.errors import AnswersError
from labelloop.frames.label_folder import LabelFolder
from labelloop.in_memory.answer_record import AnswerRecord
from labelloop.in_memory.batch_run import Answers, Batch, People
from labelloop.in_memory.people import SimulatedTruth
from labelloop.label_audit.audit_folder import AuditFolder
from labelloop.preparation.classes import listing
from labelloop.preparation.tables.cells import as_text
from labelloop.simulation import Labels

# Texts in, for each the name of its class, or None where it cannot be said.
Answer = Callable[[list[str]], Iterable[str | None]]
Who = Literal["workbench", "simulated"] | Answer


@dataclass(frozen=True)
class PeopleFunction:
    """A function of the caller. What it has answered well is kept, also where the rest cannot be used."""

    function: Answer
    texts: Sequence[str]
    classes: tuple[str, ...]
    kept: Path  # the answers about the open batch

    def ask(self, batch: Batch) -> Answers:
        """Raises AnswersError, which says what is wrong with the function's answers."""
        answers = {**self._open_batch().load().get(batch.number, {})}
        left = [number for number in batch.asked.tolist() if number not in answers]
        if left:
            said = _list(self.function([self.texts[number] for number in left]), len(left))
            fault = None
            for number, answer in zip(left, said, strict=True):
                try:
                    answers[number] = self._class(answer, self.texts[number])
                except AnswersError as error:
                    fault = fault or error
            if fault is not None:
                self.kept.unlink(missing_ok=True)
                self._open_batch().add(batch.number, answers)
                raise fault
        self.kept.unlink(missing_ok=True)
        return answers

    def _open_batch(self) -> AnswerRecord:
        return AnswerRecord(self.kept, self.classes)

    def _class(self, answer: Any, text: str) -> int | None:
        # NaN and pandas' NA stand for nothing.
        if answer is None or type(answer).__name__ == "NAType" or answer != answer:
            return None
        name = as_text(answer)
        if name in self.classes:
            return self.classes.index(name)
        near = nearest_name(name, self.classes)
        meant = f" Did it mean {near!r}?" if near else ""
        raise AnswersError(
            f"people() answered {answer!r} about the text {text[:60]!r}, which is not one of the classes: "
            f"{listing(self.classes)}.{meant} None says that it cannot tell. With out=, the other answers "
            "are kept, and the same call goes on"
        )


def _list(said: Any, wanted: int) -> list[Any]:
    if isinstance(said, str | bytes | dict) or not hasattr(said, "__iter__"):
        raise AnswersError(
            f"people() returned {said!r:.60}: it takes a list of texts, and returns a list with a class, or "
            "None, for each of them, in their order"
        )
    answers = list(said)
    if len(answers) != wanted:
        raise AnswersError(
            f"people() gave {len(answers):,} answers about {wanted:,} texts: it must return a class, or "
            "None, for each of them, in their order. With out=, earlier batches are kept, and the same call "
            "goes on"
        )
    return answers


@contextlib.contextmanager
def answering(
    who: Who,
    folder: LabelFolder | AuditFolder,
    kind: str,
    texts: Sequence[str],
    classes: tuple[str, ...],
    truth: Labels | None,
    *,
    host: str,
    port: int,
) -> Iterator[People]:
    """Those who answer; `truth` is what simulated people know. The workbench says its address on stdout."""
    if who == "simulated":
        assert truth is not None, "checked before"
        yield SimulatedTruth(truth)
    elif callable(who):
        yield PeopleFunction(who, texts, classes, folder.open_batch)
    else:
        # Here, since FastAPI is slow to import.
        from labelloop.in_memory.workbench import PeopleAtWorkbench

        with PeopleAtWorkbench.serving(
            _say, folder.workbench, kind, texts, classes, host=host, port=port
        ) as served:
            yield served


def _say(line: str) -> None:
    # Without the address nobody could label.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def name_of(who: Who) -> str:
    """What a report calls them."""
    return "function" if callable(who) else who

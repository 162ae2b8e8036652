"""What a function that takes minutes tells the caller."""

from collections.abc import Callable
from dataclasses import dataclass

from labelloop.core.ledger import Counts
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.in_memory.batch_run import Batch
from labelloop.simulation import Watcher


@dataclass(frozen=True)
class Progress:
    """How far a run is. `str(progress)` is one line, so `progress=print` shows it."""

    round: int  # from 1
    doing: str  # in words
    rows: int
    by_people: int  # rows that people have labeled
    by_model: int  # rows that the model has labeled, certified; in an audit, given labels that are kept

    def __str__(self) -> str:
        done = f"{self.by_people:,} of {self.rows:,} rows labeled by people"
        machine = f", {self.by_model:,} by machine" if self.by_model else ""
        return f"round {self.round}: {self.doing} ({done}{machine})"


Tell = Callable[[Progress], object]


@dataclass
class Telling(Watcher):
    """Tells what a run does, if anybody wants to know."""

    tell: Tell | None
    answered_before: int = 0  # batches whose answers are replayed: nothing is told of them
    after_batch: Callable[[], object] = lambda: None  # what else is done when people have answered

    def training(self, loop: Loop) -> None:
        self._say(loop.round, "the model learns", loop.counts)

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        self._say(outcome.record.round, "people have answered", loop.counts)

    def replaying(self, batch: Batch) -> None:
        """Nothing new."""

    def asking(self, batch: Batch) -> None:
        """`people_heard` tells the rest."""

    def answered(self, batch: Batch) -> None:  # noqa: ARG002
        """`people_heard` has told it."""
        self.after_batch()

    def _say(self, number: int, doing: str, counts: Counts) -> None:
        if self.tell is not None and number > self.answered_before:
            self.tell(Progress(number, doing, counts.input, counts.human_labels, counts.auto))

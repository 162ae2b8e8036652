"""A run in memory on the terminal, round by round."""

from rich.console import Console

from labelloop.cli.progress import Progress, what_happened
from labelloop.core.ledger import Counts
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.core.model.predictions import Predictions
from labelloop.core.records import ModelRecord
from labelloop.simulation import Watcher


class SimulationProgress(Progress, Watcher):
    """Prints a line for each round, and meanwhile what the run is doing."""

    def __init__(self, console: Console) -> None:
        self._model: ModelRecord | None = None
        self._before: Counts | None = None  # when the model had learned
        super().__init__(console)

    def training(self, loop: Loop) -> None:
        self.doing, self.round, self.counts = "the model learns and predicts", loop.round, loop.counts

    def model_heard(self, loop: Loop, predictions: Predictions) -> None:  # noqa: ARG002
        self._model, self._before = loop.model, loop.counts
        self.doing = "choosing what people see next"

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        record = outcome.record
        pool = self._before.pool if self._before else 0
        happened = what_happened(
            self._model, pool, record.test, loop.certificate, record.sent_to_people, left=loop.counts.pool
        )
        self.print_round(record.round, happened, loop.counts)
        if self._before is not None:
            self.print_other_promises(self._model, self._before, loop.settings)
        self._model, self.counts = None, loop.counts

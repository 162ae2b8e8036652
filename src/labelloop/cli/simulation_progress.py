"""A run in memory on the terminal, round by round."""

from rich.console import Console

from labelloop.cli.progress import Progress, what_happened
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.core.model.predictions import Predictions
from labelloop.core.records import ModelRecord
from labelloop.simulation import Watcher


class SimulationProgress(Progress, Watcher):
    """Prints a line for each round, and meanwhile what the run is doing."""

    def __init__(self, console: Console) -> None:
        self._model: ModelRecord | None = None
        self._pool = 0
        super().__init__(console)

    def training(self, loop: Loop) -> None:
        self.doing, self.round, self.counts = "the model learns and predicts", loop.round, loop.counts

    def model_heard(self, loop: Loop, predictions: Predictions) -> None:  # noqa: ARG002
        self._model, self._pool = loop.model, loop.counts.pool
        self.doing = "choosing what people see next"

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        record = outcome.record
        happened = what_happened(
            self._model, self._pool, record.test, loop.certificate, record.sent_to_people
        )
        self.print_round(record.round, happened, loop.counts)
        self.print_other_promises(self._model, loop.counts, loop.settings)
        self._model, self.counts = None, loop.counts

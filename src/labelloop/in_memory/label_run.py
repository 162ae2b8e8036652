"""Texts that a model labels, and people: the run in memory whose answers come from outside."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.errors import PredictionsError
from labelloop.core.ledger import Ledger
from labelloop.core.loop import EndedLoop, RoundOutcome
from labelloop.core.model.predictions import Predictions
from labelloop.in_memory.batch_run import Answers, BatchRun
from labelloop.preparation.output_folder import replacing
from labelloop.simulation import Model, ask_model


@dataclass(frozen=True)
class KeptPredictions:
    """What the model of each round said. A run that goes on need not train again, nor could say the same."""

    folder: Path

    def read(self, number: int) -> Predictions | None:
        """None where they are not kept. Raises PredictionsError when the file was damaged."""
        path = self._path(number)
        if not path.exists():
            return None
        try:
            return Predictions.from_bytes(path.read_bytes())
        except PredictionsError as error:
            raise PredictionsError(f"{path}: {error}") from error

    def write(self, number: int, predictions: Predictions) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(number)) as file:
            file.write(predictions.to_bytes())

    def _path(self, number: int) -> Path:
        return self.folder / f"round-{number:03d}.npz"


@dataclass(kw_only=True)
class LabelRun(BatchRun):
    """A run with a model that learns."""

    inputs: Any  # the objects as the model sees them; its rows can be picked by an array of ids
    classes: int
    model: Model
    kept: KeptPredictions
    confidence: npt.NDArray[np.float32] = field(init=False)  # of the model in its labels, else NaN
    _said: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        self.confidence = np.full(len(self.loop.ledger), np.nan, np.float32)

    def predictions(self) -> Predictions:
        predictions = self.kept.read(self.loop.round)
        if predictions is None:
            predictions = self._ask_model()
            self.kept.write(self.loop.round, predictions)
        else:
            # It notes how many labels the first model learned from.
            self.loop.split()
        self._said = predictions.confidence
        return predictions

    def _ask_model(self) -> Predictions:
        # Here, because they come with scikit-learn, which takes a second to import.
        from threadpoolctl import threadpool_limits

        from labelloop.quick_model import THREADS

        # Not for the whole run: a function that answers may compute, too.
        with threadpool_limits(THREADS, user_api="blas"):
            return ask_model(self.model, self.inputs, self.loop, self.classes)

    def hear(self, answers: Answers) -> RoundOutcome:
        outcome = super().hear(answers)
        # While a test goes on, nothing is trained: the last model is the one whose labels it was of.
        if self._said is not None:
            self.confidence[outcome.auto_labels] = self._said[outcome.auto_labels]
        return outcome

    @property
    def ledger(self) -> Ledger:
        return self.loop.ledger

    @property
    def ended(self) -> EndedLoop:
        return self.export()

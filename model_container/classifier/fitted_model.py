"""The result of training: the nets, their mixture, and the use of neighbors and nearest examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from classifier.calibration import Mixture, NetProbabilities, Probabilities
from classifier.distillation import PriorSignals
from classifier.encoded import EncodedObjects
from classifier.ensemble import Ensemble, SecondNetwork
from classifier.nearest_examples import NearestExamples
from classifier.neighbors import Places, Weights
from classifier.smoothing import Smoothing
from classifier.stacking import Stacking


@dataclass(frozen=True)
class FittedModel:
    """Computes probabilities from the features of objects."""

    ensemble: Ensemble
    mixture: Mixture
    smoothing: Smoothing
    nearest_examples: NearestExamples
    stacking: Stacking | None = None
    """None if prior labels do not count."""

    def predict(
        self, objects: EncodedObjects, weights: Weights, places: Places, signals: PriorSignals | None = None
    ) -> tuple[Probabilities, NetProbabilities]:
        """Return the probabilities, shape (objects, classes), and the prediction of each net.

        weights: how much the references count for the objects, shape (objects, references); places: shape
        (objects, axes); signals: of prior labels, needed if they count.
        """
        of_nets = self.ensemble.predict(objects)
        smoothed = self.smoothing.probabilities(self.mixture.probabilities(of_nets), weights)
        probabilities = self.nearest_examples.probabilities(smoothed, places)
        if self.stacking and signals is not None:
            probabilities = self.stacking.probabilities(probabilities, signals)
        return probabilities, of_nets

    def save(self, folder: Path) -> None:
        """Write everything except the mixture, which is in the contract."""
        self.ensemble.save(folder)
        self.smoothing.save(folder)
        self.nearest_examples.save(folder)
        if self.stacking:
            self.stacking.save(folder)

    @classmethod
    def load(
        cls, folder: Path, mixture: Mixture, num_classes: int, second: SecondNetwork | None
    ) -> FittedModel:
        return cls(
            Ensemble.load(folder, second),
            mixture,
            Smoothing.load(folder),
            NearestExamples.load(folder, num_classes),
            Stacking.load(folder),
        )

"""The result of training: the nets, their mixture, and the use of neighbors and nearest examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from text_classifier.calibration import Mixture, NetProbabilities, Probabilities
from text_classifier.distillation import PriorSignals
from text_classifier.ensemble import Ensemble
from text_classifier.features import EncodedTexts
from text_classifier.nearest_examples import NearestExamples
from text_classifier.neighbors import Places, Weights
from text_classifier.smoothing import Smoothing
from text_classifier.stacking import Stacking


@dataclass(frozen=True)
class FittedModel:
    """Computes probabilities from the features of texts."""

    ensemble: Ensemble
    mixture: Mixture
    smoothing: Smoothing
    nearest_examples: NearestExamples
    stacking: Stacking | None = None
    """None if prior labels do not count."""

    def predict(
        self, texts: EncodedTexts, weights: Weights, places: Places, signals: PriorSignals | None = None
    ) -> tuple[Probabilities, NetProbabilities]:
        """Return the probabilities, shape (texts, classes), and the prediction of each net.

        weights: how much the references count for the texts, shape (texts, references); places: shape (texts,
        axes); signals: of prior labels, needed if they count.
        """
        of_nets = self.ensemble.predict(texts)
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
    def load(cls, folder: Path, mixture: Mixture, num_classes: int) -> FittedModel:
        return cls(
            Ensemble.load(folder),
            mixture,
            Smoothing.load(folder),
            NearestExamples.load(folder, num_classes),
            Stacking.load(folder),
        )

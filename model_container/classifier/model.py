"""The trained model: everything in the model artifact, and the prediction of objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from classifier.calibration import Mixture, Probabilities, mutual_information
from classifier.contract import Contract
from classifier.distillation import Distillation, PriorSignals, folds_of
from classifier.encoded import EncodedObjects, Encoder
from classifier.ensemble import SecondNetwork
from classifier.failures import UserError
from classifier.fitted_model import FittedModel
from classifier.neighbors import Places
from classifier.predictions import Predictions
from classifier.principal_axes import PrincipalAxes
from classifier.prior_labels import PriorLabels
from classifier.reference_objects import ReferenceObjects


class ModelError(UserError):
    """Raised when a file of a model artifact is missing or damaged."""


class Classifier:
    """Training and serving both use this class to predict, so they cannot differ."""

    def __init__(
        self,
        contract: Contract,
        encoder: Encoder,
        axes: PrincipalAxes,
        references: ReferenceObjects,
        fitted: FittedModel,
        distillation: Distillation | None = None,
    ) -> None:
        self.contract = contract
        self._encoder = encoder
        self._axes = axes
        self._references = references
        self._fitted = fitted
        self._distillation = distillation

    def predict(self, contents: Sequence[str], priors: PriorLabels | None = None) -> Predictions:
        """Predict objects, with the prior labels of each, if there are any.

        Raises UserError when a pretrained part's files are damaged.
        """
        encoding = self._encoder.encode(contents)
        if encoding.problems:
            readable = encoding.readable(len(contents))
            contents = [contents[number] for number in readable]
            priors = None if priors is None else priors[readable]
        encoded = encoding.objects
        places = self._axes.embedding(encoded.features)
        weights = self._references.weights(places)
        seen = self._references.aggregate(encoded.features, weights)
        signals = self._signals(contents, places, priors)
        probabilities, of_nets = self._fitted.predict(
            EncodedObjects(seen, encoded.second), weights, places, signals
        )
        return Predictions(
            probabilities,
            places[:, : self.contract.embedding_size],
            mutual_information(of_nets.dense),
            encoding.problems,
        )

    def _signals(
        self, contents: Sequence[str], places: Places, priors: PriorLabels | None
    ) -> PriorSignals | None:
        if self._distillation is None:
            return None
        given = PriorLabels.none(len(contents), len(self.contract.prior_labels)) if priors is None else priors
        folds = folds_of(contents, self._encoder.most_characters)
        return self._distillation.signals(places, folds, given)

    def probabilities(self, contents: Sequence[str], priors: PriorLabels | None = None) -> Probabilities:
        """Return each readable object's probability of each class, shape (objects, classes).

        Each row sums to 1.
        """
        return self.predict(contents, priors).probabilities

    def save(self, folder: Path) -> None:
        """Write the model artifact: everything for predicting, except what was trained before."""
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder.save(folder)
        self._axes.save(folder)
        self._references.save(folder)
        self._fitted.save(folder)
        if self._distillation:
            self._distillation.save(folder)
        self.contract.save(folder)

    @classmethod
    def read(
        cls,
        folder: Path,
        contract: Contract,
        load_encoder: Callable[[], Encoder],
        second: SecondNetwork | None,
    ) -> Classifier:
        """Read a model artifact with this contract. Raises ModelError when it is damaged."""
        try:
            encoder = load_encoder()
            axes = PrincipalAxes.load(folder)
            references = ReferenceObjects.load(folder)
            mixture = Mixture(contract.second_share, contract.temperature)
            fitted = FittedModel.load(folder, mixture, contract.num_classes, second)
            distillation = Distillation.load(folder) if fitted.stacking else None
        except Exception as error:  # the libraries raise many kinds of errors for wrong files
            raise ModelError(f"The model in {folder} cannot be loaded ({error}): train it again.") from error
        return cls(contract, encoder, axes, references, fitted, distillation)

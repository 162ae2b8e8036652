"""The trained model: everything in the model artifact, and the prediction of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from text_classifier.calibration import Mixture, Probabilities, mutual_information
from text_classifier.contract import Contract
from text_classifier.distillation import Distillation, PriorSignals, folds_of
from text_classifier.encoder import SentenceEncoder
from text_classifier.failures import UserError
from text_classifier.features import EncodedTexts, PrincipalAxes, TextFeatures
from text_classifier.fitted_model import FittedModel
from text_classifier.neighbors import Places
from text_classifier.predictions import Predictions
from text_classifier.prior_labels import PriorLabels
from text_classifier.reference_texts import ReferenceTexts
from text_classifier.static_embedding import StaticEmbedding


class ModelError(UserError):
    """Raised when a file of a model artifact is missing or damaged."""


class TextClassifier:
    """Training and serving both use this class to predict, so they cannot differ."""

    def __init__(
        self,
        contract: Contract,
        features: TextFeatures,
        axes: PrincipalAxes,
        references: ReferenceTexts,
        fitted: FittedModel,
        distillation: Distillation | None = None,
    ) -> None:
        self.contract = contract
        self._features = features
        self._axes = axes
        self._references = references
        self._fitted = fitted
        self._distillation = distillation

    def predict(self, texts: Sequence[str], priors: PriorLabels | None = None) -> Predictions:
        """Predict texts, with the prior labels of each, if there are any.

        Raises EncoderError when the sentence encoder's files are damaged.
        """
        encoded = self._features.encode(texts)
        places = self._axes.embedding(encoded.features)
        weights = self._references.weights(places)
        seen = self._references.aggregate(encoded.features, weights)
        texts_seen = EncodedTexts(seen, encoded.tokens)
        signals = self._signals(texts, places, priors)
        probabilities, of_nets = self._fitted.predict(texts_seen, weights, places, signals)
        return Predictions(
            probabilities,
            places[:, : self.contract.embedding_size],
            mutual_information(of_nets.dense),
        )

    def _signals(
        self, texts: Sequence[str], places: Places, priors: PriorLabels | None
    ) -> PriorSignals | None:
        if self._distillation is None:
            return None
        given = PriorLabels.none(len(texts), len(self.contract.prior_labels)) if priors is None else priors
        folds = folds_of(texts, self._features.vocabulary.max_characters)
        return self._distillation.signals(places, folds, given)

    def probabilities(self, texts: Sequence[str], priors: PriorLabels | None = None) -> Probabilities:
        """Return each text's probability of each class, shape (texts, classes): each row sums to 1."""
        return self.predict(texts, priors).probabilities

    def save(self, folder: Path) -> None:
        """Write the model artifact: everything for predicting, except the two frozen sets of embeddings."""
        folder.mkdir(parents=True, exist_ok=True)
        self._features.save(folder)
        self._axes.save(folder)
        self._references.save(folder)
        self._fitted.save(folder)
        if self._distillation:
            self._distillation.save(folder)
        self.contract.save(folder)

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None) -> TextClassifier:
        """Read a model artifact, for use with this encoder.

        Raises ContractError when there is no artifact or it was trained with another encoder, ModelError when
        it is damaged, and StaticEmbeddingError when the token vectors are missing.
        """
        contract = Contract.load(folder)
        static = StaticEmbedding.of_package()
        contract.require(static.identity, encoder.identity if encoder else None)
        try:
            features = TextFeatures.load(folder, static, encoder)
            axes = PrincipalAxes.load(folder)
            references = ReferenceTexts.load(folder)
            mixture = Mixture(contract.token_share, contract.temperature)
            fitted = FittedModel.load(folder, mixture, contract.num_classes)
            distillation = Distillation.load(folder) if fitted.stacking else None
        except Exception as error:  # the libraries raise many kinds of errors for wrong files
            raise ModelError(f"The model in {folder} cannot be loaded ({error}): train it again.") from error
        return cls(contract, features, axes, references, fitted, distillation)

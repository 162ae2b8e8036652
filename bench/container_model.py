"""The container's own nets, trained in process: seconds a round, where the other models take milliseconds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from text_classifier.calibration import mutual_information
from text_classifier.features import EncodedTexts
from text_classifier.fitting import fit
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.stopping import StopOrder

from bench.features import principal_components
from bench.simulated_loop import Answers, Labels, Predict


@dataclass(frozen=True)
class TextsInPlace:
    """Encoded texts with their embeddings: rows are objects."""

    encoded: EncodedTexts
    embedding: np.ndarray[tuple[int, int], np.dtype[np.float32]]

    @classmethod
    def of(cls, encoded: EncodedTexts, embedding_size: int) -> "TextsInPlace":
        return cls(encoded, principal_components(encoded.features, embedding_size))

    def __getitem__(self, ids: npt.NDArray[np.int64]) -> "TextsInPlace":
        return TextsInPlace(self.encoded[ids], self.embedding[ids])

    def __len__(self) -> int:
        return len(self.embedding)


class ContainerModel:
    """What `train` and `serve` do with the same features, without their files."""

    def fit(self, inputs: TextsInPlace, labels: Labels, classes: int, seed: int) -> Predict:
        settings = Hyperparameters(num_classes=classes, label_attribute="label", seed=seed)
        stop = StopOrder()
        stop.heed_later()
        fitted = fit(inputs.encoded, labels.astype(np.int64), settings, stop)

        def predict(unseen: TextsInPlace) -> Answers:
            of_nets = fitted.ensemble.predict(unseen.encoded)
            probabilities = fitted.mixture.probabilities(of_nets)
            return Answers(probabilities, unseen.embedding, mutual_information(of_nets.dense))

        return predict

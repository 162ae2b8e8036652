"""The container's own nets, trained in process: seconds a round, where the other models take milliseconds."""

import numpy as np
from text_classifier.calibration import mutual_information
from text_classifier.fitting import References, fit
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.smoothing import Neighborhoods
from text_classifier.stopping import StopOrder

from bench.neighborhoods import InPlace
from labelloop.simulation import Labels, ModelAnswers, Predict


class ContainerModel:
    """What `train` and `serve` do with the same features, without their files; it sees EncodedTexts.

    It knows all texts of the data set beforehand, without their labels: the container's channel `pool`.
    """

    def __init__(self, texts: InPlace, *, smooth: bool = True) -> None:
        self._texts = texts
        self._smooth = smooth

    def fit(self, inputs: InPlace, labels: Labels, classes: int, seed: int) -> Predict:
        settings = Hyperparameters(num_classes=classes, label_attribute="label", seed=seed)
        stop = StopOrder()
        stop.heed_later()
        references = None
        if self._smooth:
            around = Neighborhoods(self._texts.neighbors, inputs.neighbors, inputs.numbers)
            references = References(self._texts.seen, around, inputs.places)
        targets = labels.astype(np.int64)
        fitted = fit(inputs.seen, targets, settings, stop, references=references, signals=inputs.priors)

        def predict(unseen: InPlace) -> ModelAnswers:
            probabilities, of_nets = fitted.model.predict(
                unseen.seen, unseen.neighbors, unseen.places, unseen.priors
            )
            return ModelAnswers(probabilities, unseen.embedding, mutual_information(of_nets.dense))

        return predict

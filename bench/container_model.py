"""The container's own nets, trained in process: seconds a round, where the other models take milliseconds."""

import numpy as np
from classifier.calibration import mutual_information
from classifier.ensemble import SecondNetwork
from classifier.fitting import References, fit
from classifier.hyperparameters import Hyperparameters
from classifier.smoothing import Neighborhoods
from classifier.stopping import StopOrder
from text_classifier.token_network import TOKENS

from bench.neighborhoods import InPlace
from labelloop.simulation import Labels, ModelAnswers, Predict


class ContainerModel:
    """What `train` and `serve` do with the same features, without their files; it sees EncodedObjects.

    It knows all texts of the data set beforehand, without their labels: the container's channel `pool`.
    """

    def __init__(self, texts: InPlace, *, smooth: bool = True, second: SecondNetwork | None = TOKENS) -> None:
        self._texts = texts
        self._smooth = smooth
        self._second = second

    def fit(self, inputs: InPlace, labels: Labels, classes: int, seed: int) -> Predict:
        settings = Hyperparameters(num_classes=classes, label_attribute="label", seed=seed)
        stop = StopOrder()
        stop.heed_later()
        references = None
        if self._smooth:
            around = Neighborhoods(self._texts.neighbors, inputs.neighbors, inputs.numbers)
            unlabeled = np.delete(self._texts.places, inputs.numbers, axis=0)
            references = References(self._texts.seen, around, inputs.places, unlabeled)
        targets = labels.astype(np.int64)
        fitted = fit(
            inputs.seen,
            targets,
            settings,
            stop,
            references=references,
            signals=inputs.priors,
            second=self._second,
        )

        def predict(unseen: InPlace) -> ModelAnswers:
            probabilities, of_nets = fitted.model.predict(
                unseen.seen, unseen.neighbors, unseen.places, unseen.priors
            )
            return ModelAnswers(probabilities, unseen.embedding, mutual_information(of_nets.dense))

        return predict

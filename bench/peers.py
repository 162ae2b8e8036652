"""Another library's query strategies behind labelloop's interface: same model, same budget, same rules."""

import importlib
from typing import Any

import numpy as np

from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.simulation import Labels, Model, ModelAnswers, Predict, Probabilities

# What each asks for, in scikit-activeml's own words.
SCIKIT_ACTIVEML = {
    "scikit-activeml Falcun": ("Falcun", "clf"),  # Gilhuber et al., 2024
    "scikit-activeml Clue": ("Clue", "estimator"),  # Prabhu et al., 2021
}


class Remembering:
    """A model that keeps all the probabilities it last gave: labelloop's own strategies need only two."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.probabilities: Probabilities = np.empty((0, 0))

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        predict = self._model.fit(inputs, labels, classes, seed)

        def remember(unseen: Any) -> ModelAnswers:
            answers = predict(unseen)
            assert isinstance(answers, ModelAnswers)
            self.probabilities = answers.probabilities
            return answers

        return remember


class ScikitActiveml:
    """A strategy of scikit-activeml's, given the model's probabilities and embeddings."""

    def __init__(self, name: str, model: Remembering) -> None:
        self._class, self._asks_as = SCIKIT_ACTIVEML[name]
        self._model = model

    def rank(
        self, candidates: Ids, predictions: Predictions, rng: np.random.Generator, batch_size: int = 1
    ) -> Ids:
        assert predictions.embedding is not None
        rows = np.searchsorted(np.flatnonzero(predictions.present), candidates)
        places = predictions.embedding[candidates].astype(np.float64)
        probabilities = self._model.probabilities[rows]
        asked = {
            "batch_size": min(batch_size, len(candidates)),
            self._asks_as: _classifier(probabilities),
            f"fit_{self._asks_as}": False,
        }
        options: dict[str, Any] = {"random_state": int(rng.integers(2**31))}
        if self._class == "Clue":
            # Thousands of objects in hundreds of clusters: the quicker k-means.
            options["cluster_algo"] = importlib.import_module("sklearn.cluster").MiniBatchKMeans
            seed = int(rng.integers(2**31))
            options["cluster_algo_dict"] = {
                "n_init": 1,
                "max_iter": 5,
                "init": "random",
                "random_state": seed,
            }
        strategy = getattr(importlib.import_module("skactiveml.pool"), self._class)(**options)
        unlabeled = np.full(len(candidates), np.nan)
        chosen = np.asarray(strategy.query(places, unlabeled, **asked))
        rest = np.setdiff1d(np.arange(len(candidates)), chosen)
        # Only a few of the rest are ever taken: when fewer of the batch than expected lie in the pool.
        rest = rest[np.argsort(predictions.margin[candidates[rest]], kind="stable")]
        ranked: Ids = candidates[np.concatenate([chosen, rest])]
        return ranked


def _classifier(probabilities: Probabilities) -> Any:
    """What scikit-activeml takes for a classifier: it is only asked about all candidates, in order."""
    base: Any = importlib.import_module("skactiveml.base").SkactivemlClassifier

    class Answering(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(classes=list(range(probabilities.shape[1])), random_state=0)
            self.classes_ = np.arange(probabilities.shape[1])

        def fit(self, _inputs: Any, _labels: Any, _weights: Any = None) -> Any:
            return self

        def predict_proba(self, inputs: Any) -> Any:
            assert len(inputs) == len(probabilities)
            return probabilities

    return Answering()

"""The trained model: all that lies in the model artifact, and the one way from a text to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from text_classifier.contract import Contract
from text_classifier.failures import UserError
from text_classifier.features import Vocabulary
from text_classifier.network import Network, Probabilities, load_network, prediction_function

_TEXTS_AT_ONCE = 1_000


class ModelError(UserError):
    """Raised when a file of a model artifact is missing or damaged."""


class TextClassifier:
    """Training and serving both predict through this class, so they cannot differ."""

    def __init__(self, contract: Contract, vocabulary: Vocabulary, network: Network) -> None:
        self.contract = contract
        self._vocabulary = vocabulary
        self._network = network
        self._predict = prediction_function(network)

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return each text's probability of each class, shape (texts, classes): each row sums to 1."""
        chunks = range(0, len(texts), _TEXTS_AT_ONCE)
        rows = [self._predict(self._vocabulary.encode(texts[i : i + _TEXTS_AT_ONCE])) for i in chunks]
        return np.concatenate([np.empty((0, self.contract.num_classes), np.float32), *rows])

    def save(self, folder: Path) -> None:
        """Write the model artifact: what it takes to predict, wherever the folder is taken."""
        folder.mkdir(parents=True, exist_ok=True)
        self._vocabulary.save(folder / "vocabulary.json")
        self._network.save(folder / "network.keras")
        self.contract.save(folder)

    @classmethod
    def load(cls, folder: Path) -> TextClassifier:
        """Read a model artifact. Raises ContractError when there is none, ModelError when it is damaged."""
        contract = Contract.load(folder)
        try:
            vocabulary = Vocabulary.load(folder / "vocabulary.json")
            network = load_network(folder / "network.keras")
        except Exception as error:  # whatever Keras makes of a file that is not its own
            raise ModelError(f"The model in {folder} cannot be loaded ({error}): train it again.") from error
        return cls(contract, vocabulary, network)

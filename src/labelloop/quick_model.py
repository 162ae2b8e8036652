"""A model of texts that learns in milliseconds: what a simulation of hundreds of trainings can afford.

Texts become features once, before any of them has a label: words and parts of words, weighted by TF-IDF, in
a few hundred dimensions (latent semantic analysis). Each round trains a least-squares regression on them.
Parts of words serve languages with endings or without spaces.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from labelloop.simulation import Labels, ModelAnswers, Predict

Matrix = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

DIMENSIONS = 300
# As many as the shipped container gives.
EMBEDDING_SIZE = 32
_MOST_TERMS = 100_000  # of each kind
# Longer texts say little more of their class, and their parts of words take most of the time.
_MOST_CHARACTERS = 1_000
_PENALTIES = (0.1, 1.0, 10.0)
_TEMPERATURES = (0.01, 3.0)


@dataclass(frozen=True)
class Ridge:
    """Least squares on one-hot labels, made probabilities by a temperature; well calibrated.

    Penalty and temperature are those that make the labels likeliest when each is predicted by a model that
    has not seen it, which for least squares has a closed form (Allen's PRESS, 1974).

    `embedding_size` numbers of the inputs' first are given as the embedding: principal components, say.
    """

    embedding_size: int = 0

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:  # noqa: ARG002
        rows = _with_constant(inputs)
        targets = np.eye(classes)[labels]
        values, vectors = eigh(rows.T @ rows)
        rotated = rows @ vectors
        found = [_fit_one(rotated, values, targets, penalty) for penalty in _PENALTIES]
        _, weights, temperature = min(found, key=lambda fitted: fitted[0])
        weights = vectors @ weights

        def predict(unseen: Any) -> ModelAnswers:
            scores = _with_constant(unseen) @ weights
            embedding = unseen[:, : self.embedding_size] if self.embedding_size else None
            return ModelAnswers(softmax(scores / temperature, axis=1), embedding)

        return predict


def text_features(texts: Sequence[str], dimensions: int = DIMENSIONS) -> Features:
    """Where each text lies in a space of at most `dimensions`: rows of length 1, the same at each call."""
    # Here, since only this function needs it, and it takes a second to import.
    from scipy.sparse import hstack
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    blocks = _term_weights([text[:_MOST_CHARACTERS] for text in texts])
    terms = hstack(blocks).tocsr() if blocks else np.zeros((len(texts), 0))
    dimensions = min(dimensions, *(size - 1 for size in terms.shape))
    if dimensions < 1:
        return np.zeros((len(texts), 1), np.float32)
    # Where all texts are the same, it divides by their variance, for a figure that is not used here.
    with np.errstate(invalid="ignore"):
        places = TruncatedSVD(dimensions, random_state=0).fit_transform(terms)
    return np.asarray(normalize(places), np.float32)


def _term_weights(texts: Sequence[str]) -> list[Any]:
    """TF-IDF of words and their pairs, and of parts of words; each sparse, shape (texts, terms)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    common = {"sublinear_tf": True, "min_df": 2, "max_features": _MOST_TERMS, "dtype": np.float32}
    found = []
    for kind in ({"ngram_range": (1, 2)}, {"analyzer": "char_wb", "ngram_range": (2, 5)}):
        # No two texts may have a term of this kind in common.
        with contextlib.suppress(ValueError):
            found.append(TfidfVectorizer(**common, **kind).fit_transform(texts))
    return found


def _with_constant(inputs: Any) -> Matrix:
    return np.column_stack([inputs, np.ones(len(inputs))]).astype(np.float64)


def _fit_one(rotated: Matrix, values: Matrix, targets: Matrix, penalty: float) -> tuple[float, Matrix, float]:
    """Loss when left out, weights in the rotated space, and temperature."""
    shrunk = rotated / (values + penalty)
    weights = shrunk.T @ targets
    leverage = np.einsum("ij,ij->i", rotated, shrunk)[:, np.newaxis]
    left_out = (rotated @ weights - leverage * targets) / np.maximum(1 - leverage, 1e-6)

    def loss(logarithm: float) -> float:
        return -float((targets * log_softmax(left_out / np.exp(logarithm), axis=1)).sum())

    least, most = np.log(_TEMPERATURES).tolist()
    best = minimize_scalar(loss, bounds=(least, most), method="bounded", options={"xatol": 0.1})
    return float(best.fun), weights, float(np.exp(best.x))

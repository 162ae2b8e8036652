"""A model of texts that learns in milliseconds: what a simulation of hundreds of trainings can afford.

Texts become features once, before any of them has a label: words and parts of words, weighted by TF-IDF, in
a few hundred dimensions (latent semantic analysis). Each round trains a least-squares regression on them.
Parts of words serve languages with endings or without spaces.

Prior labels have their say as in the shipped container (`stacking.py` and `distillation.py` there, which tell
more). The code is here as well since the container imports nothing of labelloop, nor labelloop of it.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.simulation import Labels, ModelAnswers, Predict

Matrix = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

# Its products are small, and threads wait for each other: on a busy machine, a run with more of them took 15
# times as long.
THREADS = 1
DIMENSIONS = 300
# As many as the shipped container gives.
EMBEDDING_SIZE = 32
_MOST_TERMS = 100_000  # of each kind
# Longer texts say little more of their class, and their parts of words take most of the time.
_MOST_CHARACTERS = 1_000
_PENALTIES = (0.1, 1.0, 10.0)
_TEMPERATURES = (0.01, 3.0)
# Of the stacked model; the container's.
_FOLDS = 10
_PRECISION_OF_TEXT, _PRECISION_OF_SOURCE, _PRECISION_OF_CLASS = 5.0, 1.0, 10.0
_MOST_CLASSES_APART = 50
_LEAST_GAIN = 1.0
_LEAST_CONFIDENCE, _MOST_DEVIATIONS = 0.02, 3.0
_BINS, _OF_BIN = 5, (_PRECISION_OF_SOURCE / _PRECISION_OF_CLASS) ** 0.5
_EXPECTED_DEVIATION, _LOGARITHMS = 0.5, (-2.3, 2.3)


@dataclass(frozen=True)
class WithPriorLabels:
    """Objects with prior labels; rows are objects."""

    features: Any
    votes: Matrix  # of the sources for classes, shape (objects, classes, votes)
    by_class: Matrix  # what moves each class on its own, shape (objects, inputs)

    @classmethod
    def of(cls, features: Any, priors: PriorLabels, classes: int) -> "WithPriorLabels":
        """All objects of a data set: what a source says of similar ones is learned from them."""
        # Here, since it comes with scikit-learn, which a run in memory with a container does not need.
        from threadpoolctl import threadpool_limits

        # The products are small: threads that wait for each other took fifty times as long on a busy machine.
        with threadpool_limits(1, user_api="blas"):
            return cls._of(features, priors, classes)

    @classmethod
    def _of(cls, features: Any, priors: PriorLabels, classes: int) -> "WithPriorLabels":
        votes, by_class = [], [np.ones((len(features), 1))]
        for labels, confidence in zip(priors.labels.T, priors.confidence.T, strict=True):
            chosen = (labels[:, np.newaxis] == np.arange(classes)).astype(np.float64)
            odds = _log_odds(labels, confidence)
            surer = chosen * _sureness(odds)[:, np.newaxis]
            votes += [chosen, surer, _expected(features, labels, classes) / 2]
            votes += [chosen * _OF_BIN * of_bin[:, np.newaxis] for of_bin in _bins(odds).T]
            by_class.append((labels == NONE_GIVEN)[:, np.newaxis].astype(np.float64))
            if classes <= _MOST_CLASSES_APART:
                by_class += [chosen, surer]
        return cls(features, np.stack(votes, axis=2), np.concatenate(by_class, axis=1))

    @property
    def without_sources(self) -> "WithPriorLabels":
        return WithPriorLabels(self.features, self.votes[..., :0], self.by_class[:, :1])

    def __len__(self) -> int:
        return len(self.votes)

    def __getitem__(self, ids: Any) -> "WithPriorLabels":
        return WithPriorLabels(self.features[ids], self.votes[ids], self.by_class[ids])


@dataclass(frozen=True)
class Ridge:
    """Least squares on one-hot labels, made probabilities by a temperature; well calibrated.

    Penalty and temperature are those that make the labels likeliest when each is predicted by a model that
    has not seen it, which for least squares has a closed form (Allen's PRESS, 1974).

    `embedding_size` numbers of the inputs' first are given as the embedding: principal components, say.
    Inputs may be features, or `WithPriorLabels`.
    """

    embedding_size: int = 0

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        priors = inputs if isinstance(inputs, WithPriorLabels) else None
        rows = _with_constant(priors.features if priors else inputs)
        targets = np.eye(classes)[labels]
        values, vectors = eigh(rows.T @ rows)
        rotated = rows @ vectors
        found = [_fit_one(rotated, values, targets, penalty) for penalty in _PENALTIES]
        _, weights, temperature, left_out = min(found, key=lambda fitted: fitted[0])
        weights = vectors @ weights
        stacked = _stacked(left_out / temperature, priors, labels, seed) if priors else None

        def predict(unseen: Any) -> ModelAnswers:
            features = unseen.features if priors else unseen
            scores = _with_constant(features) @ weights
            embedding = features[:, : self.embedding_size] if self.embedding_size else None
            if stacked:
                scores = stacked.scores(log_softmax(scores / temperature, axis=1), unseen)
                return ModelAnswers(softmax(scores, axis=1), embedding)
            return ModelAnswers(softmax(scores / temperature, axis=1), embedding)

        return predict


def text_features(texts: Sequence[str], dimensions: int = DIMENSIONS) -> Features:
    """Where each text lies in a space of at most `dimensions`: rows of length 1, the same at each call."""
    # Here, since only this function needs it, and it takes a second to import.
    from scipy.sparse import hstack
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    blocks = _term_weights([text[:_MOST_CHARACTERS] for text in texts])
    terms = hstack(blocks).tocsr() if blocks else np.zeros((len(texts), 0))
    dimensions = min(dimensions, *(size - 1 for size in terms.shape))
    if dimensions < 1:
        return np.zeros((len(texts), 1), np.float32)
    # Where all texts are the same, it divides by their variance, for a figure that is not used here.
    with np.errstate(invalid="ignore"), threadpool_limits(THREADS, user_api="blas"):
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


def _fit_one(
    rotated: Matrix, values: Matrix, targets: Matrix, penalty: float
) -> tuple[float, Matrix, float, Matrix]:
    """Loss when left out, weights in the rotated space, temperature, and scores when left out."""
    shrunk = rotated / (values + penalty)
    weights = shrunk.T @ targets
    leverage = np.einsum("ij,ij->i", rotated, shrunk)[:, np.newaxis]
    left_out = (rotated @ weights - leverage * targets) / np.maximum(1 - leverage, 1e-6)

    def loss(logarithm: float) -> float:
        return -float((targets * log_softmax(left_out / np.exp(logarithm), axis=1)).sum())

    least, most = np.log(_TEMPERATURES).tolist()
    best = minimize_scalar(loss, bounds=(least, most), method="bounded", options={"xatol": 0.1})
    return float(best.fun), weights, float(np.exp(best.x)), left_out


@dataclass(frozen=True)
class _Stacked:
    """A penalized multinomial regression on log probabilities of the texts' model, and on prior labels."""

    text: float
    votes: Matrix  # shape (votes,)
    by_class: Matrix  # shape (inputs, classes)
    temperature: float = 1.0

    @classmethod
    def fit(cls, texts: Matrix, priors: WithPriorLabels, labels: Labels) -> "_Stacked":
        classes, votes = priors.votes.shape[1:]
        targets = np.eye(classes)[labels]
        start = np.zeros(1 + votes + priors.by_class.shape[1] * classes)
        start[0] = 1.0
        precision = np.full(len(start), _PRECISION_OF_CLASS)
        precision[0] = _PRECISION_OF_TEXT
        precision[1 : 1 + votes] = _PRECISION_OF_SOURCE

        def of(flat: Matrix) -> "_Stacked":
            return cls(float(flat[0]), flat[1 : 1 + votes], flat[1 + votes :].reshape(-1, classes))

        def unlikelihood(flat: Matrix) -> tuple[float, Matrix]:
            logarithms = log_softmax(of(flat).scores(texts, priors), axis=1)
            surplus, away = np.exp(logarithms) - targets, flat - start
            of_votes = np.einsum("tc,tcv->v", surplus, priors.votes)
            slope = np.concatenate(
                [[(surplus * texts).sum()], of_votes, (priors.by_class.T @ surplus).ravel()]
            )
            value = -(targets * logarithms).sum() + (precision * away**2).sum() / 2
            return float(value), slope + precision * away

        return of(minimize(unlikelihood, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x)

    def scores(self, texts: Matrix, priors: WithPriorLabels) -> Matrix:
        scores = self.text * texts + priors.votes @ self.votes + priors.by_class @ self.by_class
        return np.asarray(scores / self.temperature)


def _stacked(left_out: Matrix, priors: WithPriorLabels, labels: Labels, seed: int) -> _Stacked | None:
    """None where prior labels do not make people's labels likelier.

    `left_out`: scores of the texts' model for each object without its label, shape (objects, classes).
    """
    if len(labels) < 2:
        return None
    texts = np.asarray(log_softmax(left_out, axis=1))
    folds = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    stacked, temperature = _likelihoods_of_stacked(texts, priors, labels, folds)
    # Without sources, the regression still calibrates.
    calibrated, _ = _likelihoods_of_stacked(texts, priors.without_sources, labels, folds)
    plain = texts[np.arange(len(labels)), labels]
    gains = stacked - max(calibrated, plain, key=lambda each: float(each.sum()))
    if gains.sum() <= max(_LEAST_GAIN, gains.std() * np.sqrt(len(gains))):
        return None
    return replace(_Stacked.fit(texts, priors, labels), temperature=temperature)


def _likelihoods_of_stacked(
    texts: Matrix, priors: WithPriorLabels, labels: Labels, folds: Labels
) -> tuple[Matrix, float]:
    """Log likelihood of each label when predicted without it, and the temperature that serves them best."""
    scores = np.empty(texts.shape)
    for fold in np.unique(folds):
        members, others = folds == fold, folds != fold
        fitted = _Stacked.fit(texts[others], priors[others], labels[others])
        scores[members] = fitted.scores(texts[members], priors[members])

    def likelihoods(logarithm: float) -> Matrix:
        of_classes = log_softmax(scores / np.exp(logarithm), axis=1)
        return np.asarray(of_classes[np.arange(len(labels)), labels])

    def loss(logarithm: float) -> float:
        return -float(likelihoods(logarithm).sum()) + (logarithm / _EXPECTED_DEVIATION) ** 2 / 2

    best = minimize_scalar(loss, bounds=_LOGARITHMS, method="bounded", options={"xatol": 1e-3})
    return likelihoods(float(best.x)), float(np.exp(best.x))


def _log_odds(labels: Labels, confidence: npt.NDArray[np.floating]) -> Matrix:
    """Of how sure a source is; NaN where it does not say, or always says the same."""
    kept = np.clip(confidence.astype(np.float64), _LEAST_CONFIDENCE, 1 - _LEAST_CONFIDENCE)
    odds = np.where(labels == NONE_GIVEN, np.nan, np.log(kept / (1 - kept)))
    stated = odds[~np.isnan(odds)]
    return odds if len(stated) and stated.std() > 1e-6 else np.full(len(odds), np.nan)


def _sureness(odds: Matrix) -> Matrix:
    """How much surer than usual a source is, in deviations of its log odds; 0 where they are not known."""
    stated = odds[~np.isnan(odds)]
    if not len(stated):
        return np.zeros(len(odds))
    away = np.nan_to_num((odds - stated.mean()) / stated.std())
    return np.asarray(np.clip(away, -_MOST_DEVIATIONS, _MOST_DEVIATIONS))


def _bins(odds: Matrix) -> Matrix:
    """1 for the fifth of a source's log odds that each is in; shape (objects, bins)."""
    stated = ~np.isnan(odds)
    inner = np.arange(1, _BINS) / _BINS
    edges = np.quantile(odds[stated], inner) if stated.any() else np.zeros(_BINS - 1)
    number = (odds[:, np.newaxis] >= edges).sum(axis=1)
    return np.where(stated[:, np.newaxis], number[:, np.newaxis] == np.arange(_BINS), 0.0)


def _expected(features: Any, labels: Labels, classes: int) -> Matrix:
    """Log probabilities of what a source says of texts like each, by regressions without the text's fold."""
    rows = _with_constant(features)
    # Equal texts stand in one fold.
    folds = np.unique(features, axis=0, return_inverse=True)[1] % _FOLDS
    expected = np.zeros((len(rows), classes))
    for fold in range(_FOLDS):
        learned, members = (labels != NONE_GIVEN) & (folds != fold), folds == fold
        if not learned.any():
            continue
        targets = np.eye(classes)[labels[learned]]
        values, vectors = eigh(rows[learned].T @ rows[learned])
        rotated = rows[learned] @ vectors
        found = [_fit_one(rotated, values, targets, penalty) for penalty in _PENALTIES]
        _, weights, temperature, _ = min(found, key=lambda fitted: fitted[0])
        expected[members] = log_softmax(rows[members] @ vectors @ weights / temperature, axis=1)
    return np.asarray(expected - expected.mean(axis=1, keepdims=True))

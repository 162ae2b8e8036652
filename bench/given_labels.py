"""Data sets with given labels, how sure the labeler was, and the truth; and what a method makes of them.

The labels are a language model's, or those of a simulated labeler.
"""

import csv
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.datasets import DatasetMissingError, Texts, movie_sentiment, uci_news
from labelloop.simulation import Labels

LLM_LABELS = "LABELLOOP_LLM_LABELS"
TARGET_ERROR, CONFIDENCE = 0.05, 0.95
LEVEL = 1 - CONFIDENCE
_FOLDS = 5
# How far what a labeler errs on, and what it feels, stray from hardness, whose own spread is 1.
_ERRS_BESIDE, _FEELS_BESIDE = 1.0, 1.0
_STEP = 0.05  # to which a labeler rounds how sure it is
_TOO_SURE = 2.0  # how many times its odds are what they should be
_LOW_AND_HIGH = 0.6, 0.95  # what such words are read as


@dataclass(frozen=True)
class GivenLabels:
    """Texts with given labels; `data.labels` is the truth: what people answer, and a method pays for each."""

    data: Texts
    labels: Labels
    confidences: npt.NDArray[np.float64]

    @property
    def truth(self) -> Labels:
        return self.data.labels

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.labels != self.truth)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Outcome:
    """What a method ends with: which labels are a machine's, all labels, and how many answers people gave."""

    kept: npt.NDArray[np.bool_]
    labels: Labels
    answers: int


Method = Callable[[GivenLabels, int], Outcome]


def kept_as_given(given: GivenLabels, kept: npt.NDArray[np.bool_]) -> Outcome:
    """Some given labels are kept; people label all the rest."""
    return Outcome(kept, np.where(kept, given.labels, given.truth), int((~kept).sum()))


def surest_first(given: GivenLabels, rng: np.random.Generator | None = None) -> npt.NDArray[np.integer]:
    """Objects by falling confidence. Ties stand in the file's order, or in a random one."""
    ties = np.arange(len(given)) if rng is None else rng.permutation(len(given))
    return np.lexsort((ties, -given.confidences))


def stance() -> GivenLabels:
    """Whether a headline agrees that global warming is serious (Luo et al. 2020), as GPT-4o sees it.

    The labels and confidences are those of PAC labeling (arXiv 2506.10908). Raises DatasetMissingError.
    """
    return _of_language_model("stance")


def misinformation() -> GivenLabels:
    """Whether a headline is misinformation (Gabriel et al. 2022), as GPT-4o sees it; of the same source.

    Raises DatasetMissingError.
    """
    return _of_language_model("misinfo")


def simulated(load: Callable[[], Texts], accuracy: float, seed: int) -> GivenLabels:
    """A labeler that errs where texts are hard, and feels it in part.

    How hard a text is: the loss of a model that learned from the true labels of other texts. The accuracy
    fixes the number of errors. Which texts they fall on follows hardness and chance, and so does how sure the
    labeler says it is: apart from hardness, the two have nothing in common. A wrong label is one the model
    takes for likely. Raises DatasetMissingError.
    """
    rng = np.random.default_rng([seed, round(1000 * accuracy)])
    data, probabilities = _out_of_fold(load)
    size, truth = len(data.labels), data.labels
    hardness = _log_odds_of_rank(-probabilities[np.arange(size), truth], rng)
    errs = hardness + _ERRS_BESIDE * rng.logistic(size=size)
    feels = hardness + _FEELS_BESIDE * rng.logistic(size=size)
    wrong = np.argsort(errs)[size - round((1 - accuracy) * size) :]
    labels = truth.copy()
    labels[wrong] = _likely_other(probabilities[wrong], truth[wrong], rng)
    return GivenLabels(data, labels, _stated(feels, accuracy))


def in_two_words(given: GivenLabels) -> GivenLabels:
    """The same labels by somebody who says "high" or "low" of each: "low" of the least sure third."""
    low = given.confidences <= np.quantile(given.confidences, 1 / 3)
    return replace(given, confidences=np.where(low, *_LOW_AND_HIGH))


SETS: dict[str, Callable[[int], GivenLabels]] = {
    "stance": lambda seed: stance(),  # noqa: ARG005
    "misinfo": lambda seed: misinformation(),  # noqa: ARG005
    **{
        f"{name}, labeler of {accuracy:.0%}".replace("%", " %"): functools.partial(simulated, load, accuracy)
        for name, load in (("uci-news", uci_news), ("movie-sentiment", movie_sentiment))
        for accuracy in (0.8, 0.9, 0.95)
    },
    "uci-news, labeler of 90 % in two words": lambda seed: in_two_words(simulated(uci_news, 0.9, seed)),
}


@functools.cache
def _of_language_model(name: str) -> GivenLabels:
    folder = os.environ.get(LLM_LABELS)
    if not folder:
        raise DatasetMissingError(
            f"set {LLM_LABELS} to a folder of CSV files with the columns text,truth,llm_label,llm_confidence"
        )
    with (Path(folder) / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    classes = sorted({row[column] for row in rows for column in ("truth", "llm_label")})
    truth, labels = (
        np.array([classes.index(row[column]) for row in rows]) for column in ("truth", "llm_label")
    )
    data = Texts(name, f"{len(rows):,} headlines, labels of GPT-4o", [row["text"] for row in rows], truth)
    return GivenLabels(data, labels, np.array([float(row["llm_confidence"]) for row in rows]))


@functools.cache
def _out_of_fold(load: Callable[[], Texts]) -> tuple[Texts, npt.NDArray[np.float64]]:
    """Each text's classes as likely as a model finds them that has not seen the text.

    It sees words alone: what is hard for the labeler should not be just what is hard for the models in the
    benchmark.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    data = load()
    model = make_pipeline(CountVectorizer(binary=True), MultinomialNB())
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    found = cross_val_predict(model, data.texts, data.labels, cv=folds, method="predict_proba")
    return data, np.asarray(found, np.float64)


def _log_odds_of_rank(values: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Where each value stands among all, as a standard logistic variable; ties in random order."""
    ranks = np.empty(len(values))
    ranks[np.lexsort((rng.permutation(len(values)), values))] = (np.arange(len(values)) + 0.5) / len(values)
    return np.asarray(np.log(ranks / (1 - ranks)))


def _likely_other(probabilities: npt.NDArray[np.float64], truth: Labels, rng: np.random.Generator) -> Labels:
    """A class other than the true one for each, drawn by the model's probabilities."""
    weights = probabilities + 1e-12
    weights[np.arange(len(truth)), truth] = 0
    reached = weights.cumsum(axis=1) >= rng.random((len(truth), 1)) * weights.sum(axis=1, keepdims=True)
    # A draw of 0 would fall on the true class where that is the first.
    return np.asarray(np.argmax(reached & (weights > 0), axis=1))


def _stated(feels: npt.NDArray[np.float64], accuracy: float) -> npt.NDArray[np.float64]:
    """Too sure on the whole, and rounded, as people and language models state it."""
    sure = 1 / (1 + np.exp(feels / 2) * (1 - accuracy) / accuracy / _TOO_SURE)
    return np.clip(np.round(sure / _STEP) * _STEP, _STEP, 1)

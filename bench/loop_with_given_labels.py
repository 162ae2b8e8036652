"""labelloop's loop where labels are given: as the only model, and beside one that learns from the texts."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Texts
from bench.features import principal_components, text_features
from bench.given_labels import CONFIDENCE, TARGET_ERROR, GivenLabels, Outcome
from labelloop.core.certificate.tuning import DEFAULT, GIVEN_LABELS, Tuning
from labelloop.core.ledger import State
from labelloop.core.model.given_labels import GivenLabels as GivenLabelsModel
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.core.numerics import log_odds_of
from labelloop.quick_model import Ridge
from labelloop.simulation import AnswersAtOnce, Model, simulate

_COMPONENTS = 128
_FEATURES: dict[str, npt.NDArray[np.float32]] = {}  # of each data set's texts, by its name
# Log odds of a confidence are as large as the other features.
_SCALE, _LEAST, _MOST = 2.0, 0.02, 0.98


def given_labels_alone(given: GivenLabels, seed: int) -> Outcome:
    """No model is trained: how far the labels are believed is learned from people's answers."""
    return _run(given, seed, np.zeros((len(given), 1)), GivenLabelsModel(_priors(given)), GIVEN_LABELS)


def model_and_given_labels(given: GivenLabels, seed: int) -> Outcome:
    """A regression on the text's features, the given label and its confidence."""
    inputs = np.column_stack([_text_features(given.data), _label_features(given)])
    return _run(given, seed, inputs, Ridge(), DEFAULT)


def _run(given: GivenLabels, seed: int, inputs: Any, model: Model | AnswersAtOnce, tuning: Tuning) -> Outcome:
    settings = {
        "CertificateFor": "dataset",
        "TargetError": TARGET_ERROR,
        "Confidence": CONFIDENCE,
        "Seed": seed,
    }
    ended = simulate(inputs, given.truth, model, settings, tuning=tuning)
    kept = ended.ledger.mask(State.AUTO)
    # What the limits leave without a label would be labeled by people.
    labels = np.where(kept, ended.ledger.labels, given.truth)
    return Outcome(kept, labels, max(ended.answers, int((~kept).sum())))


def _text_features(data: Texts) -> npt.NDArray[np.float32]:
    if data.name not in _FEATURES:
        _FEATURES[data.name] = principal_components(text_features(data).features, _COMPONENTS)
    return _FEATURES[data.name]


def _priors(given: GivenLabels) -> PriorLabels:
    return PriorLabels(
        given.labels[:, np.newaxis].astype(np.int16), given.confidences[:, np.newaxis].astype(np.float32)
    )


def _label_features(given: GivenLabels) -> npt.NDArray[np.float64]:
    label = np.eye(int(given.truth.max()) + 1)[given.labels]
    sureness = log_odds_of(np.clip(given.confidences, _LEAST, _MOST)) / _SCALE
    return np.column_stack([label, label * sureness[:, np.newaxis]])

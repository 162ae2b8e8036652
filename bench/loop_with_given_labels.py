"""labelloop's loop where labels are given: as the only model, and beside one that learns from the texts."""

from typing import Any

import numpy as np
import numpy.typing as npt
from classifier.prior_labels import PriorLabels as ContainersPriorLabels

from bench.datasets import Texts
from bench.features import principal_components, text_features
from bench.given_labels import CONFIDENCE, TARGET_ERROR, GivenLabels, Outcome
from bench.models import Smoothed
from bench.neighborhoods import InPlace
from labelloop.core.certificate.tuning import DEFAULT, GIVEN_LABELS, Tuning
from labelloop.core.ledger import State
from labelloop.core.model.given_labels import GivenLabels as GivenLabelsModel
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.core.query_strategies import QueryStrategy
from labelloop.quick_model import Ridge, WithPriorLabels
from labelloop.simulation import AnswersAtOnce, Model, simulate

_COMPONENTS = 128
# Of each data set's texts, by its name.
_FEATURES: dict[str, npt.NDArray[np.float32]] = {}
_IN_PLACE: dict[str, InPlace] = {}


def given_labels_alone(given: GivenLabels, seed: int) -> Outcome:
    """No model is trained: how far the labels are believed is learned from people's answers."""
    return _run(given, seed, np.zeros((len(given), 1)), GivenLabelsModel(_priors(given)), GIVEN_LABELS)


def model_and_given_labels(
    given: GivenLabels, seed: int, *, strategy: QueryStrategy | None = None
) -> Outcome:
    """A regression on the text's features, joined with the given labels as the quick model joins them."""
    classes = int(given.truth.max()) + 1
    inputs = WithPriorLabels.of(_text_features(given.data), _priors(given), classes)
    return _run(given, seed, inputs, Ridge(), DEFAULT, strategy)


def container_like_and_given_labels(given: GivenLabels, seed: int) -> Outcome:
    """The model of the other benchmarks, joined with the given labels as in the container."""
    priors, classes = _priors(given), int(given.truth.max()) + 1
    of_container = ContainersPriorLabels(priors.labels.astype(np.int64), priors.confidence.astype(np.float64))
    objects = _in_place(given.data).with_priors(of_container, classes)
    return _run(given, seed, objects, Smoothed(objects), DEFAULT)


def _run(
    given: GivenLabels,
    seed: int,
    inputs: Any,
    model: Model | AnswersAtOnce,
    tuning: Tuning,
    strategy: QueryStrategy | None = None,
) -> Outcome:
    settings = {
        "CertificateFor": "dataset",
        "TargetError": TARGET_ERROR,
        "Confidence": CONFIDENCE,
        "Seed": seed,
    }
    ended = simulate(inputs, given.truth, model, settings, strategy=strategy, tuning=tuning)
    kept = ended.ledger.mask(State.AUTO)
    # What the limits leave without a label would be labeled by people.
    labels = np.where(kept, ended.ledger.labels, given.truth)
    return Outcome(kept, labels, max(ended.answers, int((~kept).sum())))


def _text_features(data: Texts) -> npt.NDArray[np.float32]:
    if data.name not in _FEATURES:
        _FEATURES[data.name] = principal_components(text_features(data).features, _COMPONENTS)
    return _FEATURES[data.name]


def _in_place(data: Texts) -> InPlace:
    if data.name not in _IN_PLACE:
        views = text_features(data)
        _IN_PLACE[data.name] = InPlace.of(views.features, views.likeness)
    return _IN_PLACE[data.name]


def _priors(given: GivenLabels) -> PriorLabels:
    return PriorLabels(
        given.labels[:, np.newaxis].astype(np.int16), given.confidences[:, np.newaxis].astype(np.float32)
    )

"""Which of the objects that people are asked about are alike."""

import numpy as np

from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.alike import alike


def test_the_nearest_come_first_as_positions_among_those_asked_about() -> None:
    predictions = Predictions(40)
    places = np.zeros((40, 2), np.float16)
    places[[3, 11, 20, 35], 0] = [0.0, 1.0, 5.0, 5.5]
    predictions.embedding = places
    asked = np.array([3, 11, 20, 35])
    near = alike(predictions, asked, np.random.default_rng(0))
    assert near is not None
    assert near[:, 0].tolist() == [1, 0, 3, 2]
    assert near.shape == (4, 3)


def test_without_an_embedding_or_with_one_object_there_are_none() -> None:
    predictions = Predictions(4)
    assert alike(predictions, np.arange(4), np.random.default_rng(0)) is None
    predictions.embedding = np.zeros((4, 2), np.float16)
    assert alike(predictions, np.array([2]), np.random.default_rng(0)) is None

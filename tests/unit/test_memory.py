"""How much the loop holds of each data object while a method of it works, beside the ledger and predictions.

By these numbers ten million objects fit into 3,008 MB: see docs/decisions/0018.
"""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from labelloop.core.ledger import Ledger, State
from labelloop.core.loop import Loop
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import load_query_strategy, neighborhood_margin
from labelloop.core.settings import LoopSettings

SIZE, LABELED, CLASSES = 200_000, 2_000, 4
TRUTH = np.arange(SIZE) % CLASSES


@contextmanager
def at_most(bytes_an_object: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most / SIZE < bytes_an_object


def predicted() -> Predictions:
    rng = np.random.default_rng(0)
    predictions, open_objects = Predictions(SIZE), np.arange(LABELED, SIZE)
    probabilities = -np.sort(-rng.dirichlet(np.full(CLASSES, 0.05), len(open_objects)))
    best = (TRUTH[open_objects] + (rng.random(len(open_objects)) < 0.02)) % CLASSES
    order = (best[:, np.newaxis] + np.arange(CLASSES)) % CLASSES
    of_class = np.empty_like(probabilities)
    np.put_along_axis(of_class, order, probabilities, axis=1)
    predictions.put(open_objects, of_class)
    predictions.embedding = rng.normal(size=(SIZE, 8)).astype("<f2")
    return predictions


def begun() -> Loop:
    ledger = Ledger.of_size(SIZE)
    ledger.label(np.arange(LABELED), TRUTH[:LABELED], State.HUMAN, 0)
    return Loop.begin(LoopSettings(target_error=0.2, seed=0), ledger)


@pytest.mark.slow
def test_a_round_with_a_test_holds_little_of_each_object() -> None:
    loop, predictions = begun(), predicted()
    loop.split()
    with at_most(230):
        loop.hear_model(predictions)
    assert loop.test is not None
    assert len(loop.test.audit.candidates) > SIZE / 2
    with at_most(110):
        selection = loop.select(predictions, load_query_strategy("margin"))
    with at_most(140):
        outcome = loop.hear_people(
            Answer(number, int(TRUTH[number]), {}) for number in selection.asked.tolist()
        )
    assert len(outcome.auto_labels) > SIZE / 2


@pytest.mark.slow
def test_choosing_by_neighborhood_holds_no_more_of_all_objects_than_of_a_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighborhood_margin, "_MOST_SEARCHED", SIZE // 200)
    loop, predictions = begun(), predicted()
    with at_most(120):
        loop.select(predictions, load_query_strategy("neighborhood-margin"))

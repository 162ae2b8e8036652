"""What is learned of texts among others: labels that look wrong, and what lies near."""

from typing import Any

import numpy as np
import pytest
from classifier.encoded import EncodedObjects
from classifier.hyperparameters import Hyperparameters
from classifier.nearest_examples import NearestExamplesChoice, choose_nearest_examples
from classifier.reference_objects import ReferenceObjects
from classifier.smoothing import Neighborhoods
from classifier.stopping import StopOrder
from numpy.typing import NDArray
from scipy import sparse

# These load TensorFlow, in the worker that has it loaded.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("trained_model")]

LABELED = 60


@pytest.fixture
def stop(keep_sigterm: None) -> StopOrder:
    order = StopOrder()
    order.heed_later()
    return order


def two_clusters() -> tuple[EncodedObjects, NDArray[np.float32], NDArray[np.int64]]:
    """Returns texts, their places, and their clusters."""
    random = np.random.default_rng(0)
    cluster = np.arange(200) % 2
    places = (3 * np.eye(2, 8)[cluster] + random.normal(size=(200, 8))).astype(np.float32)
    tokens = sparse.csr_array(np.ones((200, 1), np.float32))
    return EncodedObjects(places, tokens), places, cluster


@pytest.mark.parametrize("misleads", [True, False])
def test_a_label_that_looks_wrong_does_not_teach_unless_others_bear_it_out(
    stop: StopOrder, monkeypatch: pytest.MonkeyPatch, misleads: bool
) -> None:
    from classifier import fitting
    from text_classifier.token_network import TOKENS

    texts, places, cluster = two_clusters()
    numbers = np.arange(LABELED)
    doubted = np.isin(numbers, [7, 30])
    labels = np.where(doubted, 1 - cluster[:LABELED], cluster[:LABELED])
    near = places[:LABELED].copy()
    if not misleads:
        # Far from all others, and by each other: who knows one of them is right about the other.
        near[doubted] = 50
        labels[doubted] = 1
    taught, train = [], fitting._train

    def watched(texts: EncodedObjects, labels: NDArray[np.int64], *rest: Any) -> Any:
        taught.append(len(labels))
        return train(texts, labels, *rest)

    monkeypatch.setattr(fitting, "find_label_errors", lambda *_: doubted)
    monkeypatch.setattr(fitting, "_train", watched)
    around = Neighborhoods.of(ReferenceObjects.of(places, places), places[:LABELED], numbers)
    settings = Hyperparameters(num_classes=2, label_attribute="label", epochs=5)
    references = fitting.References(texts, around, near, places[LABELED:])
    fitting.fit(texts[numbers], labels, settings, stop, references=references, second=TOKENS)
    assert taught == [LABELED - 2 if misleads else LABELED]


def test_nearest_examples_have_their_say_in_what_is_predicted(stop: StopOrder) -> None:
    from classifier import fitting
    from text_classifier.token_network import TOKENS

    texts, places, cluster = two_clusters()
    numbers = np.arange(LABELED)
    around = Neighborhoods.of(ReferenceObjects.of(places, places), places[:LABELED], numbers)
    settings = Hyperparameters(num_classes=2, label_attribute="label", epochs=1)
    references = fitting.References(texts, around, places[:LABELED], places[LABELED:])
    fitted = fitting.fit(
        texts[numbers], cluster[:LABELED], settings, stop, references=references, second=TOKENS
    )
    assert fitted.model.nearest_examples.weight > 0
    asked = texts[np.arange(LABELED, 200)]
    weights = ReferenceObjects.of(places, places).weights(places[LABELED:])
    here, _ = fitted.model.predict(asked, weights, places[LABELED:])
    elsewhere, _ = fitted.model.predict(asked, weights, places[LABELED:][::-1].copy())
    assert np.mean(here.argmax(axis=1) == cluster[LABELED:]) > 0.93
    assert np.mean(elsewhere.argmax(axis=1) == cluster[LABELED:]) < 0.9


def test_nets_of_each_fold_are_told_apart(stop: StopOrder) -> None:
    from classifier.checkpoints import Checkpoints
    from classifier.out_of_fold import cross_validate
    from text_classifier.token_network import TOKENS

    texts, _, cluster = two_clusters()
    numbers = np.arange(LABELED)
    settings = Hyperparameters(num_classes=2, label_attribute="label", epochs=2)
    crossed = cross_validate(
        texts[numbers],
        cluster[:LABELED],
        settings,
        Checkpoints(),
        should_stop=lambda: stop.given,
        report_epoch=lambda *_: None,
        second=TOKENS,
    )
    of_all = crossed.of_all_folds(texts)
    assert of_all.shape == (5, 200, 2)
    # What an example's own fold says of it is what stands out of fold.
    assert np.allclose(of_all[crossed.folds, numbers], crossed.probabilities, atol=1e-5)


@pytest.mark.parametrize("pool", [0, 140])
def test_the_temperature_for_the_pool_is_for_where_there_is_one(
    stop: StopOrder, monkeypatch: pytest.MonkeyPatch, pool: int
) -> None:
    from classifier import fitting

    texts, places, cluster = two_clusters()
    numbers = np.arange(LABELED)
    chosen: list[NearestExamplesChoice] = []

    def watched(*around: Any) -> NearestExamplesChoice:
        chosen.append(choose_nearest_examples(*around))
        return chosen[-1]

    monkeypatch.setattr(fitting, "choose_nearest_examples", watched)
    around = Neighborhoods.of(ReferenceObjects.of(places, places), places[:LABELED], numbers)
    references = fitting.References(texts, around, places[:LABELED], places[LABELED : LABELED + pool])
    settings = Hyperparameters(num_classes=2, label_attribute="label", epochs=1)
    fitted = fitting.fit(texts[numbers], cluster[:LABELED], settings, stop, references=references)
    same = fitted.model.nearest_examples.temperature == chosen[0].temperature
    assert same == (pool == 0)
    assert fitted.out_of_fold is not None
    assert np.array_equal(fitted.out_of_fold, chosen[0].out_of_fold) == same

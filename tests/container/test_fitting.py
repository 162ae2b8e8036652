"""What is learned of texts among others: labels left out as wrong neither teach nor spread."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from text_classifier.features import EncodedTexts
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.reference_texts import ReferenceTexts
from text_classifier.smoothing import Neighborhoods, Smoothing, SmoothingChoice
from text_classifier.stopping import StopOrder

# These load TensorFlow, in the worker that has it loaded.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("trained_model")]

LABELED = 60


@pytest.fixture
def stop(keep_sigterm: None) -> StopOrder:
    order = StopOrder()
    order.heed_later()
    return order


def two_clusters() -> tuple[EncodedTexts, NDArray[np.float32], NDArray[np.int64]]:
    """Returns texts, their places, and their clusters."""
    random = np.random.default_rng(0)
    cluster = np.arange(200) % 2
    places = (3 * np.eye(2, 8)[cluster] + random.normal(size=(200, 8))).astype(np.float32)
    tokens = sparse.csr_array(np.ones((200, 1), np.float32))
    return EncodedTexts(places, tokens), places, cluster


def test_a_label_that_looks_wrong_is_not_spread(stop: StopOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    from text_classifier import fitting

    texts, places, cluster = two_clusters()
    numbers, told = np.arange(LABELED), []

    class Choice(SmoothingChoice):
        def smoothing(self, *given: Any) -> Smoothing:
            told.append(given[-1])
            return super().smoothing(*given)

    monkeypatch.setattr(fitting, "find_label_errors", lambda *_: numbers == 7)
    monkeypatch.setattr(
        fitting, "choose_smoothing", lambda _graph, _nets, of_examples, *_: Choice(0.5, 1.0, of_examples)
    )
    around = Neighborhoods.of(ReferenceTexts.of(places, places), places[:LABELED], numbers)
    settings = Hyperparameters(num_classes=2, label_attribute="label", epochs=1)
    fitted = fitting.fit(
        texts[numbers], cluster[:LABELED], settings, stop, references=fitting.References(texts, around)
    )
    assert fitted.smoothing.share == 0.5
    assert np.flatnonzero(~told[0]).tolist() == [7]


def test_nets_of_each_fold_are_told_apart(stop: StopOrder) -> None:
    from text_classifier.checkpoints import Checkpoints
    from text_classifier.out_of_fold import cross_validate

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
    )
    of_all = crossed.of_all_folds(texts)
    assert of_all.shape == (5, 200, 2)
    # What an example's own fold says of it is what stands out of fold.
    assert np.allclose(of_all[crossed.folds, numbers], crossed.probabilities, atol=1e-5)

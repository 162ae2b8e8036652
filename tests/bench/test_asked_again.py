"""The second answers of bench.asked_again: how good they are, and about which objects."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from bench.asked_again import AskedAgain, mended
from bench.datasets import Texts
from bench.given_labels import GivenLabels
from labelloop.core.ledger import Ledger, State
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels

TRUTH = np.arange(40) % 2


def priors(labels: list[int]) -> PriorLabels:
    return PriorLabels(np.array(labels, np.int16)[:, np.newaxis], np.full((len(labels), 1), 0.5, np.float32))


def test_a_share_of_the_errors_is_mended_and_nothing_that_was_right_is_broken() -> None:
    labels = TRUTH.copy()
    labels[:20] = 1 - labels[:20]
    given = GivenLabels(Texts("", "", [""] * 40, TRUTH), labels, np.ones(40))
    for share, wrong in ((0.0, 20), (0.25, 15), (0.5, 10), (1.0, 0)):
        assert (mended(given, share, 1) != TRUTH).sum() == wrong
    assert (mended(given, 0.5, 1)[20:] == TRUTH[20:]).all()
    assert (mended(given, 0.5, 1) != mended(given, 0.5, 2)).any()


@pytest.mark.parametrize(("too", "of_labeled"), [(False, NONE_GIVEN), (True, 1)])
def test_second_answers_come_when_there_are_labels_enough(too: bool, of_labeled: int) -> None:
    model = AskedAgain(priors([0] * 6), priors([1] * 6), after=3, labeled_too=too)
    ledger = Ledger.of_size(6)
    ledger.label(np.array([0, 1]), [0, 1], State.HUMAN, 1)
    model.predict(ledger, 2)
    assert model.both is None
    ledger.label(np.array([2]), [0], State.VALIDATION, 2)
    ledger.label(np.array([3]), [0], State.AUTO, 2)
    model.predict(ledger, 2)
    assert model.both is not None
    assert model.both.labels.tolist() == [
        *([[0, of_labeled]] * 3),
        [0, NONE_GIVEN],
        *([[0, 1]] * 2),
    ]
    assert np.isnan(model.both.confidence[3, 1])

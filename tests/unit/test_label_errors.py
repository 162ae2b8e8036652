"""Which human labels are worth a second look."""

import numpy as np

from labelloop.core.ledger import NO_IDS, Ledger, State
from labelloop.core.model.recorded_predictions import RECORDED_PREDICTION
from labelloop.core.people.label_errors import label_error_candidates


def test_the_most_confident_contradictions_of_training_labels_come_first() -> None:
    ledger = Ledger.of_size(8)
    ledger.label(np.arange(6), [0, 0, 0, 0, 1, 1], State.HUMAN, 1)
    ledger.keep_for_validation(np.array([5]))
    ledger.label(np.array([6]), [0], State.AUTO, 1)
    said = np.array(
        [
            (0, 1, 0.6, False),
            (1, 1, 0.9, False),
            (2, 0, 0.99, False),
            (4, 0, 0.8, False),
            (5, 0, 0.95, False),
            (6, 1, 0.97, False),
            (7, 1, 0.9, False),
        ],
        RECORDED_PREDICTION,
    )
    later = np.array([(3, 2, 0.7, False), (0, 2, 0.75, False)], RECORDED_PREDICTION)
    found = label_error_candidates([said, later], ledger, NO_IDS)
    assert found["id"].tolist() == [1, 4, 0, 3]
    assert found["label"].tolist() == [1, 0, 2, 2], "what the surest model says"
    assert label_error_candidates([said, later], ledger, np.array([1, 0]))["id"].tolist() == [4, 3]
    assert label_error_candidates([], ledger, NO_IDS)["id"].tolist() == []


def test_what_people_were_asked_about_again_in_a_test_is_left_alone() -> None:
    ledger = Ledger.of_size(2)
    ledger.ask(np.array([0, 1]))
    ledger.ask(np.array([1]))
    ledger.label(np.array([0, 1]), [0, 0], State.HUMAN, 1)
    said = np.array([(0, 1, 0.6, False), (1, 1, 0.9, False)], RECORDED_PREDICTION)
    assert label_error_candidates([said], ledger, NO_IDS)["id"].tolist() == [0]


def test_labels_that_came_with_the_input_are_the_users_own() -> None:
    ledger = Ledger.of_size(2)
    ledger.label(np.array([0]), [0], State.HUMAN, 0)
    ledger.label(np.array([1]), [0], State.HUMAN, 1)
    said = np.array([(0, 1, 0.9, False), (1, 1, 0.6, False)], RECORDED_PREDICTION)
    assert label_error_candidates([said], ledger, NO_IDS)["id"].tolist() == [1]

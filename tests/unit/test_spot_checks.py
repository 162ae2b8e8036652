"""Spot checks: what people say of objects drawn at random tells the model's errors from theirs."""

from typing import Any

import numpy as np
import pytest

from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.recorded_predictions import RECORDED_PREDICTION
from labelloop.core.people.human_labels import HumanLabels
from labelloop.core.people.spot_checks import NO_SPOT_CHECKS, SpotChecks

CONFIDENCE = 0.9


def spot_checks_of(*ids: int, reviewed: bool = True, earlier: Any = NO_SPOT_CHECKS) -> SpotChecks:
    """The model says 0 of each; of object 99 as well, which was not drawn at random."""
    said = [(number, 0, CONFIDENCE, True) for number in ids] + [(99, 0, 0.5, False)]
    return SpotChecks.of(np.array(said, RECORDED_PREDICTION), earlier, reviewed=reviewed)


def vote(spot_checks: SpotChecks, **labels: int) -> None:
    ids = [int(name[1:]) for name in labels]
    spot_checks.vote(np.array(ids), np.array(list(labels.values())))


def test_what_the_model_says_too_is_settled_at_once_the_rest_is_asked_again() -> None:
    spot_checks = spot_checks_of(3, 5)
    assert spot_checks.awaited().tolist() == [3, 5]
    vote(spot_checks, o3=0, o5=1)
    assert spot_checks.answers()[0].tolist() == [3]
    assert spot_checks.disputed().tolist() == spot_checks.awaited().tolist() == [5]
    confidence, wrong, mistaken = spot_checks.findings()
    assert confidence == pytest.approx([CONFIDENCE])
    assert (wrong.tolist(), mistaken.tolist()) == ([False], [False])


def test_the_next_round_goes_on_where_people_did_not_agree_and_tells_nothing_twice() -> None:
    first = spot_checks_of(3, 5, 8)
    vote(first, o3=0, o5=1, o8=2)
    spot_checks = spot_checks_of(4, earlier=first.still_disputed())
    assert spot_checks.awaited().tolist() == [4, 5, 8]
    vote(spot_checks, o4=0, o5=1, o8=0)
    vote(spot_checks, o8=0)
    ids, labels = spot_checks.answers()
    assert (ids.tolist(), labels.tolist()) == ([4, 5, 8], [0, 1, 0])
    _, wrong, mistaken = spot_checks.findings()
    assert wrong.tolist() == [False, True, False], "two people against it"
    assert mistaken.tolist() == [False, False, True], "two people and the model against one"


def test_who_gave_no_answer_is_not_asked_as_a_spot_check_again() -> None:
    spot_checks = spot_checks_of(3)
    assert not len(spot_checks.still_disputed())
    assert not len(spot_checks.findings()[0])


def test_without_review_the_first_answer_counts() -> None:
    spot_checks = spot_checks_of(3, reviewed=False)
    vote(spot_checks, o3=1)
    assert not len(spot_checks.disputed())
    assert spot_checks.findings()[1].tolist() == [True]


def test_answers_about_spot_checks_are_votes_not_labels() -> None:
    ledger = Ledger.of_size(6)
    ledger.ask(np.array([2, 3]))
    people = HumanLabels(ledger, drawn=np.array([3]))
    people.read([Answer(2, 1, {}), Answer(3, 1, {}), Answer(3, 0, {})])
    assert people.labeled.tolist() == [2]
    people.record(1)
    assert ledger.state_of(3) == State.POOL
    ids, labels = people.votes_about(np.array([3, 4]))
    assert (ids.tolist(), labels.tolist()) == ([3], [1])
    assert people.ignored == 1, "only the first answer counts"

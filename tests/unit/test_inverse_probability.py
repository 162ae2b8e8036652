"""What drawn objects say of those nobody labeled, against the truth in many draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.betting import Plan
from labelloop.core.certificate.inverse_probability import (
    inclusion_chances,
    inclusion_chances_of,
    inverse_probability_weights,
)
from labelloop.core.certificate.promise import Promise
from labelloop.core.ledger import Ledger, State
from labelloop.core.report.accuracy_bounds import AccuracyBounds

OBJECTS, DRAWN = 1500, 200


@given(st.lists(st.floats(0.3, 20), min_size=1, max_size=60), st.data())
def test_chances_sum_up_to_the_number_drawn_and_rise_with_the_weight(
    given_weights: list[float], data: st.DataObject
) -> None:
    weight = np.sort(given_weights)
    drawn = data.draw(st.integers(0, len(weight)))
    chances = inclusion_chances(weight, drawn)
    assert chances.sum() == pytest.approx(drawn)
    assert np.all(np.diff(chances) >= -1e-12)
    assert np.all((chances >= 0) & (chances <= 1))


def test_chances_are_how_often_each_object_is_drawn() -> None:
    weight, rng = np.array([0.3] * 10 + [1.0] * 6 + [4.0] * 4), np.random.default_rng(0)
    runs = 20_000
    first = np.argsort(rng.exponential(size=(runs, 20)) / weight, axis=1)[:, :7]
    often = np.bincount(first.ravel(), minlength=20) / runs
    assert inclusion_chances(weight, 7) == pytest.approx(often, abs=0.03)


def drawn_from(uncertainty: np.ndarray, seed: int) -> tuple[Ledger, np.ndarray]:
    """The ledger after a test that passed, with the chances of its candidates."""
    ids = np.arange(OBJECTS)
    audit = Audit.of(
        ids,
        np.zeros(OBJECTS, int),
        1 - uncertainty,
        uncertainty,
        np.zeros(OBJECTS, int),
        [Group(Plan(0.3, 0.5, 2 * DRAWN), 1e-6)],
        Promise(0.2),
        OBJECTS,
        np.random.default_rng(seed),
        reviewed=False,
    )
    drawn = audit.next_stage()
    assert len(drawn) == DRAWN
    ledger = Ledger.of_size(OBJECTS)
    ledger.label(drawn, 0, State.VALIDATION, 1)
    ledger.label(np.setdiff1d(ids, drawn), 0, State.AUTO, 1)
    return ledger, inclusion_chances_of(audit)


@pytest.mark.slow
def test_the_accuracy_on_all_objects_is_estimated_without_bias_and_its_interval_holds() -> None:
    rng = np.random.default_rng(1)
    uncertainty = rng.beta(0.3, 4, OBJECTS)
    right = rng.random(OBJECTS) > np.maximum(0.01, 1.3 * uncertainty)
    true = right.mean()
    estimates, held = [], 0
    for seed in range(300):
        ledger, chances = drawn_from(uncertainty, seed)
        others, represented = inverse_probability_weights(chances, ledger)
        drawn = ledger.ids(State.VALIDATION)
        assert represented.sum() == pytest.approx(others.sum())
        one = np.zeros(len(drawn), np.int64)
        tally = AccuracyBounds.of_each(one, 1, right[drawn], others[drawn], sample=False)
        assert tally.objects[0] == pytest.approx(OBJECTS)
        low, high = tally.interval(0.9)
        held += int(low[0] <= true <= high[0])
        estimates.append(tally.accuracy[0])
    spread = np.std(estimates) / np.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(true, abs=4 * spread + 0.001)
    assert right[drawn].mean() < true - 0.02, "unweighted, the doubtful ones would count too much"
    assert held / 300 >= 0.87


def test_who_is_labeled_later_is_stood_for_by_nobody() -> None:
    ledger, chances = drawn_from(np.linspace(0.001, 0.2, OBJECTS), 0)
    people = ledger.ids(State.VALIDATION)
    everybody = Ledger.of_size(OBJECTS)
    everybody.label(np.arange(OBJECTS), 0, State.HUMAN, 1)
    others, represented = inverse_probability_weights(chances, everybody)
    assert not others.any()
    assert not represented.any()
    others, _ = inverse_probability_weights(chances, ledger)
    assert set(np.flatnonzero(others)) <= set(people.tolist())

"""A model's probabilities corrected by what people answered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from labelloop.core.certificate.reliability import Reliability

CONFIDENCE = np.linspace(0.3, 0.9999, 50)


def answers_of(scale: float, shift: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Of a model whose log odds are right once they are scaled and shifted."""
    rng = np.random.default_rng(0)
    odds = rng.uniform(-0.5, 6, count)
    return expit(odds), rng.random(count) > expit(scale * odds + shift)


def test_without_answers_the_model_is_believed() -> None:
    assert Reliability().uncertainty(CONFIDENCE) == pytest.approx(1 - CONFIDENCE)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.5, 0.0), (0.3, 0.5), (2.0, 0.3)])
def test_many_answers_tell_how_sure_the_model_should_be(scale: float, shift: float) -> None:
    found = Reliability().learned(*answers_of(scale, shift)).uncertainty(expit(np.array([0.5, 2.0, 4.0])))
    assert found == pytest.approx(expit(-(scale * np.array([0.5, 2.0, 4.0]) + shift)), rel=0.25)


def test_a_few_answers_tell_little() -> None:
    found = Reliability().learned(np.full(5, 0.8), np.arange(5) < 2).uncertainty(CONFIDENCE)
    assert np.abs(found - (1 - CONFIDENCE)).max() < 0.1


def test_what_a_later_test_shows_counts_for_more() -> None:
    boastful, honest = answers_of(0.3, 0.0), answers_of(1.0, 0.0)
    one = np.array([0.99])
    before = Reliability().learned(*boastful)
    after = before.learned(*honest).learned(*honest).learned(*honest)
    assert 0.01 < after.uncertainty(one)[0] < before.uncertainty(one)[0]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_the_surer_the_model_the_less_uncertain_whatever_people_said(found: list[tuple[float, bool]]) -> None:
    confidence, wrong = np.array([pair[0] for pair in found]), np.array([pair[1] for pair in found], bool)
    uncertainty = Reliability().learned(confidence, wrong).uncertainty(CONFIDENCE)
    assert np.all(np.diff(uncertainty) <= 0)
    assert np.all((uncertainty > 0) & (uncertainty < 1))

"""Intervals for totals: they contain the truth as often as they say, whenever one looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.label_audit.confidence_sequence import Limits, Numbers, WeightedDraws, limits_of_total

LEVEL = 0.1


def draws_of(weight: np.ndarray, drawn: int, planned: float) -> WeightedDraws:
    """The first ones of objects that stand in the order of drawing."""
    remaining = np.arange(len(weight), 0, -1).astype(float)
    mean = np.cumsum(weight[::-1])[::-1] / remaining
    return WeightedDraws(
        by_chance=np.ones(drawn, np.bool_),
        remaining=remaining[:drawn],
        factor=(mean / weight)[:drawn],
        largest_factor=(mean / weight.min())[:drawn],
        planned=planned,
    )


def limits_after(numbers: np.ndarray, weight: np.ndarray, drawn: int, planned: float) -> Limits:
    """Of numbers from -1 to 1, in the order of drawing."""
    rest = len(numbers) - drawn
    known = numbers[:drawn].astype(float)
    of_the_rest, possible = Limits(-rest, rest), Limits(-1, 1)
    return limits_of_total(
        draws_of(weight, drawn, planned), Numbers(known, known, of_the_rest, possible), LEVEL
    )


def in_order_of_drawing(rng: np.random.Generator, weight: np.ndarray) -> np.ndarray:
    return np.argsort(rng.exponential(size=len(weight)) / weight)


@pytest.mark.parametrize("evenness", [1.0, 0.3])
def test_the_truth_is_seldom_outside_at_whatever_moment_one_looks(evenness: float) -> None:
    runs, outside = 150, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        chances = rng.beta(0.3, 3, 400)
        numbers = np.where(rng.random(400) < chances, rng.choice([-1, 1], 400), 0)
        root = np.sqrt(chances)
        weight = evenness + (1 - evenness) * root / root.mean()
        order = in_order_of_drawing(rng, weight)
        # Whoever looks often, and stops where it suits, still does not go wrong more often.
        looks = [limits_after(numbers[order], weight[order], drawn, 150) for drawn in (20, 60, 120, 200, 300)]
        outside += any(not look.low <= numbers.sum() <= look.high for look in looks)
    # At the level itself, more than this would happen once in a thousand times.
    assert outside <= 27


def test_many_draws_leave_little_doubt() -> None:
    rng = np.random.default_rng(0)
    numbers = (rng.random(2_000) < 0.1).astype(int)
    found = limits_after(numbers, np.ones(2_000), 800, 800)
    assert found.high - found.low < 2_000 * 0.08
    assert found.low <= numbers.sum() <= found.high


def test_doubtful_objects_drawn_more_often_tell_more() -> None:
    rng, widths = np.random.default_rng(0), []
    chances = np.where(np.arange(2_000) < 400, 0.3, 0.002)
    numbers = (rng.random(2_000) < chances).astype(int)
    for weight in (np.ones(2_000), 0.3 + 0.7 * np.sqrt(chances) / np.sqrt(chances).mean()):
        order = in_order_of_drawing(rng, weight)
        found = limits_after(numbers[order], weight[order], 300, 300)
        widths.append(found.high - found.low)
    assert widths[1] < widths[0]


@given(
    numbers=st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=30),
    drawn=st.integers(0, 30),
    planned=st.floats(1, 100),
    data=st.data(),
)
def test_the_interval_stays_within_what_is_possible(
    numbers: list[int], drawn: int, planned: float, data: st.DataObject
) -> None:
    size, drawn = len(numbers), min(drawn, len(numbers))
    weight = np.array(data.draw(st.lists(st.floats(0.3, 5), min_size=size, max_size=size)))
    found = limits_after(np.array(numbers), weight, drawn, planned)
    known = sum(numbers[:drawn])
    assert known - (size - drawn) <= found.low
    assert found.high <= known + (size - drawn)
    if drawn == size:
        assert found.low == found.high == known

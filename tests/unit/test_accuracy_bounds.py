"""Accuracies and their bounds, against a library's and against what comes out in many samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from labelloop.core.report.accuracy_bounds import AccuracyBounds, lower_accuracy_bound


def tally_of(right: list[bool], others: list[float], *, sample: bool) -> AccuracyBounds:
    of = np.zeros(len(right), np.int64)
    return AccuracyBounds.of_each(of, 1, np.array(right, bool), np.array(others, float), sample=sample)


right_of_objects = st.integers(1, 60).flatmap(
    lambda objects: st.tuples(st.integers(1, objects), st.just(objects))
)


@pytest.mark.slow
@settings(max_examples=30)  # each of many samples: all their bounds are found at once
@given(st.lists(right_of_objects, min_size=1, max_size=12), st.floats(0.5, 0.99))
def test_the_bound_is_where_so_many_right_answers_get_unlikely(
    samples: list[tuple[int, int]], confidence: float
) -> None:
    right, objects = np.array(samples).T
    of = np.repeat(np.arange(len(samples)), objects)
    answers = np.concatenate([np.arange(many) < few for few, many in samples])
    tally = AccuracyBounds.of_each(of, len(samples), answers, np.zeros(len(of)), sample=True)
    assert stats.binom.sf(right - 1, objects, tally.low(confidence)) == pytest.approx(1 - confidence)
    expected = [stats.binomtest(*sample).proportion_ci(confidence, method="exact") for sample in samples]
    low, high = tally.interval(confidence)
    assert low == pytest.approx([interval.low for interval in expected])
    assert high == pytest.approx([interval.high for interval in expected])


@given(st.integers(1, 60), st.data(), st.floats(0.5, 0.99))
def test_where_all_stand_for_equally_many_the_interval_of_these_is_wilsons(
    objects: int, data: st.DataObject, confidence: float
) -> None:
    right = data.draw(st.integers(0, objects))
    tally = tally_of([True] * right + [False] * (objects - right), [9.0] * objects, sample=False)
    low, high = tally.interval(confidence)
    expected = stats.binomtest(right, objects).proportion_ci(confidence, method="wilson")
    # A tenth is known for sure.
    assert low[0] == pytest.approx(0.1 * right / objects + 0.9 * expected.low, abs=1e-9)
    assert high[0] == pytest.approx(0.1 * right / objects + 0.9 * expected.high, abs=1e-9)


def test_what_people_labeled_altogether_is_known_for_sure() -> None:
    tally = tally_of([True, True, True, False], [0.0] * 4, sample=False)
    assert (tally.low(0.9)[0], *(end[0] for end in tally.interval(0.9))) == (0.75, 0.75, 0.75)


def test_of_nothing_nothing_is_known() -> None:
    nothing = tally_of([], [], sample=True)
    assert (nothing.accuracy[0], nothing.low(0.9)[0]) == (0, 0)
    assert tally_of([], [], sample=False).low(0.9)[0] == 0
    assert lower_accuracy_bound(np.zeros(1), np.zeros(1), 0.9)[0] == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 50)), max_size=30))
def test_sets_are_tallied_each_by_itself_and_cumulated(rows: list[tuple[int, bool, float]]) -> None:
    of, right, others = (np.array([row[part] for row in rows]) for part in range(3))
    tally = AccuracyBounds.of_each(of.astype(int), 4, right.astype(bool), others.astype(float), sample=False)
    for number in range(4):
        mine = [row for row in rows if row[0] == number]
        assert tally.objects[number] == pytest.approx(sum(1 + row[2] for row in mine))
        assert tally.right[number] == pytest.approx(sum(1 + row[2] for row in mine if row[1]))
    assert tally.cumulated().objects[-1] == pytest.approx(tally.objects.sum())

"""How often a source of labels is wrong, learned from answers that are mostly about its doubtful labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.model.source_errors import errors_of_cells

UNSTATED, DOUBTFUL, SURE = range(3)


def cells(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float64)


def test_answers_about_doubtful_labels_do_not_make_the_sure_ones_look_worse() -> None:
    answers = cells([[0, 150, 15], [0, 145, 38]])
    wrong = cells([[0, 105, 0], [0, 49, 0]])
    error = errors_of_cells(answers, wrong)
    assert error[:, SURE].max() < 0.02
    assert error[:, DOUBTFUL] == pytest.approx([0.7, 0.34], abs=0.02)


def test_a_bin_without_answers_is_believed_to_be_like_its_neighbors() -> None:
    answers = cells([[0, 400, 0, 400]])
    wrong = cells([[0, 200, 0, 8]])
    low, middle, high = errors_of_cells(answers, wrong)[0, 1:]
    assert high < middle < low


def test_a_class_that_is_often_wrong_is_so_in_bins_without_answers_too() -> None:
    answers = cells([[0, 100, 100], [0, 100, 0]])
    wrong = cells([[0, 20, 2], [0, 60, 0]])
    error = errors_of_cells(answers, wrong)
    assert error[0, SURE] < error[1, SURE] < error[1, DOUBTFUL]


def test_what_states_no_confidence_tells_nothing_about_what_does() -> None:
    alone = errors_of_cells(cells([[0, 50, 50]]), cells([[0, 20, 1]]))
    beside = errors_of_cells(cells([[5_000, 50, 50]]), cells([[4_500, 20, 1]]))
    assert beside[0, 1:] == pytest.approx(alone[0, 1:], abs=0.01)
    assert beside[0, UNSTATED] == pytest.approx(0.9, abs=0.01)


def test_before_anybody_has_answered_confidence_is_believed_to_tell_something() -> None:
    error = errors_of_cells(np.zeros((4, 6)), np.zeros((4, 6)))
    assert error[:, UNSTATED] == pytest.approx(0.25)
    assert error[:, 3] == pytest.approx(0.25), "in the middle"
    assert (np.diff(error[:, 1:], axis=1) < 0).all()


def test_of_one_confidence_a_quarter_is_expected_to_be_wrong() -> None:
    assert errors_of_cells(np.zeros((4, 2)), np.zeros((4, 2))) == pytest.approx(0.25)


def test_a_source_that_is_surest_where_it_is_wrong_is_found_out() -> None:
    answers = cells([[0, 40, 40, 40, 40]])
    error = errors_of_cells(answers, cells([[0, 1, 4, 12, 30]]))[0, 1:]
    assert (np.diff(error) > 0).all()
    assert error == pytest.approx([0.03, 0.1, 0.3, 0.75], abs=0.05)


def test_a_source_that_is_always_wrong_is_believed_to_be() -> None:
    error = errors_of_cells(cells([[0, 60, 60]]), cells([[0, 60, 60]]))
    assert error[0, 1:].min() > 0.9


def test_many_classes_are_fitted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    error = rng.uniform(0.02, 0.5, 20_000)
    answers = np.zeros((20_000, 4))
    answers[:, 2] = 60
    wrong = np.zeros_like(answers)
    wrong[:, 2] = rng.binomial(60, error)
    found = errors_of_cells(answers, wrong)[:, 2]
    assert np.abs(found - error).mean() < 0.05


counts = st.lists(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1)), min_size=3, max_size=3), min_size=1
)


@given(counts)
def test_whatever_is_answered_more_wrong_answers_mean_more_errors(
    rows: list[list[tuple[int, float]]],
) -> None:
    answers = cells([[number for number, _ in row] for row in rows])
    wrong = np.floor(cells([[number * share for number, share in row] for row in rows]))
    error = errors_of_cells(answers, wrong)
    assert ((error > 0) & (error < 1)).all()
    more = wrong.copy()
    more[0, 1] = answers[0, 1]
    assert errors_of_cells(answers, more)[0, 1] >= error[0, 1] - 1e-9

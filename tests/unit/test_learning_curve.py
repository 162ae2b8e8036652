"""Learning curves: what they are fitted to, they pass through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.report.learning_curve import fit_inverse_power_law


@given(st.floats(0.7, 1.0), st.floats(0.5, 5), st.floats(0.2, 1.5))
def test_an_inverse_power_law_is_found_again(limit: float, factor: float, decay: float) -> None:
    sizes = [100, 200, 400, 800, 1600]
    accuracies = [limit - factor * size**-decay for size in sizes]
    law = fit_inverse_power_law(sizes, accuracies, [1] * 5)
    assert law
    assert law.limit <= 1
    for size, accuracy in zip(sizes, accuracies, strict=True):
        assert law.at(size) == pytest.approx(max(0, accuracy), abs=0.01)


@pytest.mark.parametrize(
    ("sizes", "accuracies"),
    [
        ([1, 2, 3], [0.5, 0.6, 0.7]),
        ([1, 1, 2, 2], [0.5, 0.6, 0.7, 0.7]),
        ([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6]),
        ([], []),
    ],
)
def test_what_tells_nothing_of_a_curve_gives_none(sizes: list[int], accuracies: list[float]) -> None:
    assert fit_inverse_power_law(sizes, accuracies, [1] * len(sizes)) is None

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from labelloop.core.certificate.betting import (
    Draws,
    fewest_draws,
    largest_stake,
    make_plan,
    plan_with,
    weights,
)
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT

TOTAL = 6


def draws_of(order: tuple[int, ...], wrong: np.ndarray, weight: np.ndarray, stake: float) -> Draws:
    """The first draws of a population of objects, in an order."""
    rest = [
        [number for number in range(len(weight)) if number not in order[:place]]
        for place in range(len(order))
    ]
    return Draws(
        weight=weight[list(order)],
        mean_weight=np.array([weight[left].mean() for left in rest]),
        remaining=np.array([float(len(left)) for left in rest]),
        wrong=wrong[list(order)],
        by_chance=np.ones(len(order), bool),
        least_weight=float(weight.min()),
        stake=np.full(len(order), stake),
        most_at_stake=DEFAULT.betting.most_at_stake,
    )


def chance_of(order: tuple[int, ...], weight: np.ndarray) -> float:
    """Of drawing these objects one after the other, in proportion to their weights."""
    chance, left = 1.0, weight.sum()
    for number in order:
        chance *= weight[number] / left
        left -= weight[number]
    return chance


@pytest.mark.parametrize("wrong_in_all", [0, 1, 3, 6])
@pytest.mark.parametrize("drawn", [1, 2, 4])
def test_against_who_is_right_nothing_is_won_on_average(wrong_in_all: int, drawn: int) -> None:
    """The martingale itself, over every order of drawing: what the certificate stands on."""
    weight = np.array([0.5, 0.6, 0.9, 1.0, 1.4, 1.6])
    wrong = np.arange(TOTAL) % 6 < wrong_in_all
    mean = sum(
        chance_of(order, weight) * math.exp(draws_of(order, wrong, weight, 0.4).log_wealth(wrong_in_all))
        for order in permutations(range(TOTAL), drawn)
    )
    assert mean == pytest.approx(1.0)


@pytest.mark.parametrize("wrong_in_all", [0, 1, 3, 6])
@pytest.mark.parametrize("chosen", [0, 2, 5])
def test_nothing_is_won_on_average_where_an_object_is_chosen_between_two_draws(
    wrong_in_all: int, chosen: int
) -> None:
    """Which one is chosen may depend on what was drawn before: here the chosen one, or else its neighbor."""
    weight = np.array([0.5, 0.6, 0.9, 1.0, 1.4, 1.6])
    wrong = np.arange(TOTAL) % 6 < wrong_in_all
    mean = 0.0
    for first in range(TOTAL):
        taken = chosen if chosen != first else (chosen + 1) % TOTAL
        rest = [number for number in range(TOTAL) if number not in (first, taken)]
        for second in rest:
            draws = draws_of((first, taken, second), wrong, weight, 0.4)
            stake, by_chance = np.array([0.4, 0.0, 0.4]), np.array([True, False, True])
            draws = replace(draws, stake=stake, by_chance=by_chance)
            chance = weight[first] / weight.sum() * weight[second] / weight[rest].sum()
            mean += chance * math.exp(draws.log_wealth(wrong_in_all))
    assert mean == pytest.approx(1.0)


def test_the_estimate_of_the_error_has_no_bias() -> None:
    weight = np.array([0.5, 0.6, 0.9, 1.0, 1.4, 1.6])
    wrong = np.array([True, False, False, True, False, False])
    mean = sum(
        chance_of(order, weight) * draws_of(order, wrong, weight, 0.4).error_estimate()
        for order in permutations(range(TOTAL), 3)
    )
    assert mean == pytest.approx(2 / 6)


def test_who_believes_in_more_errors_loses_more() -> None:
    wrong = np.array([False, False, True, False, False, False])
    draws = draws_of((0, 2, 5), wrong, np.ones(TOTAL), 0.5)
    wealth = [draws.log_wealth(believed) for believed in range(1, 7)]
    assert wealth == sorted(wealth)
    assert wealth[0] < wealth[-1]


def test_no_draw_takes_all_the_wealth() -> None:
    weight = np.array([0.3, 1.0, 1.0, 1.0, 1.2, 1.5])
    draws = draws_of((0, 1, 2), np.ones(TOTAL, bool), weight, 1.0)
    assert np.isfinite(draws.log_wealth(3))


def test_nothing_drawn_nothing_won() -> None:
    nothing = draws_of((), np.zeros(TOTAL, bool), np.ones(TOTAL), 0.5)
    assert (nothing.log_wealth(1), nothing.error_estimate()) == (0.0, 0.0)


def test_doubtful_objects_are_drawn_more_often_but_all_of_them_may_be() -> None:
    uncertainty = np.array([0.0, 0.01, 0.04, 0.16])
    for evenness in (1.0, 0.5, 0.3):
        weight = weights(uncertainty, evenness)
        assert weight.mean() == pytest.approx(1.0)
        assert weight.min() >= evenness
        assert np.all(np.diff(weight) >= 0)
    assert weights(uncertainty, 1.0).tolist() == [1.0] * 4
    assert weights(np.empty(0), 0.5).tolist() == []


def test_a_better_model_takes_fewer_draws_and_one_at_the_target_never_passes() -> None:
    errors = (0.0, 0.01, 0.02, 0.03, 0.05, 0.2)
    plans = [make_plan(np.full(5000, error), Promise(0.05), 0.06) for error in errors]
    draws = [plan.draws for plan in plans]
    assert draws == sorted(draws)
    assert all(math.isfinite(found) for found in draws[:4])
    assert draws[4:] == [math.inf, math.inf]


def test_where_errors_are_in_few_doubtful_objects_these_are_drawn_more_often() -> None:
    alike = np.full(5000, 0.032)
    doubtful = np.where(np.arange(5000) < 500, 0.32, 0.0)
    plan = make_plan(doubtful, Promise(0.05), 0.06)
    assert plan.evenness < 1.0
    assert plan.draws < make_plan(alike, Promise(0.05), 0.06).draws
    assert plan.draws < plan_with(1.0, doubtful, Promise(0.05), 0.06).draws


def test_the_smaller_the_population_the_more_of_it_must_be_drawn() -> None:
    """What is promised are the objects that were not drawn: in the end there are none left to promise."""
    draws = [make_plan(np.full(size, 0.01), Promise(0.05), 0.1).draws for size in (20_000, 1_000, 500)]
    assert draws == sorted(draws)
    assert draws[0] == pytest.approx(make_plan(np.full(200_000, 0.01), Promise(0.05), 0.1).draws, rel=0.02)


def test_where_more_than_half_must_be_drawn_a_better_model_still_takes_fewer() -> None:
    """Or a test of a small pool would be made with the first model: nothing would seem to be gained."""
    draws = [make_plan(np.full(200, error), Promise(0.05), 0.1).draws for error in (0.0, 0.01, 0.02, 0.03)]
    assert draws == sorted(set(draws))
    assert all(math.isfinite(found) for found in draws)
    assert draws[1] > 100


@pytest.mark.parametrize(("target", "level"), [(0.05, 0.1), (0.03, 0.06), (0.2, 0.01)])
def test_the_fewest_draws_are_just_enough_when_all_are_right(target: float, level: float) -> None:
    fewest, total = fewest_draws(Promise(target), level), 1_000_000
    most = DEFAULT.betting.most_at_stake
    stake = float(largest_stake(most, 1.0, target))

    def wealth(count: int) -> float:
        draws = Draws(
            np.ones(count), np.ones(count), np.full(count, float(total)), np.zeros(count, bool),
            np.ones(count, bool), 1.0, np.full(count, stake), most,
        )  # fmt: skip
        return draws.log_wealth(round(target * total))

    assert wealth(fewest) >= -math.log(level) > wealth(fewest - 1)
    assert fewest_draws(Promise(target), 0.0) > total


@pytest.mark.parametrize(
    "promise", [Promise(0.05), Promise(0.05, 900, 300), Promise(0.07, 900, 900, granted=20)]
)
def test_what_is_allowed_is_the_same_for_many_numbers_at_once(promise: Promise) -> None:
    numbers = np.arange(1, 700)
    one_by_one = [promise.share_allowed(number) for number in numbers.tolist()]
    assert (np.abs(promise.shares_allowed(numbers) - one_by_one) * numbers <= 1 + 1e-9).all()


def test_a_promise_about_the_dataset_allows_what_earlier_certificates_left() -> None:
    promise = Promise(0.05, output=1_000, by_people=1_000, granted=12)
    assert promise.allowed(500) == 38
    assert promise.allowed(20) == 20
    assert Promise(0.05, output=1_000, by_people=100).allowed(500) == 30, "the budget does not reach the rest"

"""Which of the surest candidates pass: what is bet on their sets, and how often a promise is broken."""

import math
from itertools import permutations

import numpy as np
import pytest

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.betting import make_plan
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.surest import SurestSets, log_wealths
from labelloop.core.records import Verdict

LEVEL = 0.1
SIZE = 600
# 30 of 600 may be wrong.
OF_ALL = Promise(0.05, SIZE, SIZE)


def chance_of_a_broken_promise(wrong: list[int], level: float, allowed: int, weights: np.ndarray) -> float:
    """Over every order of drawing, weighed by its probability: that some set passes that it should not."""
    size = len(weights)
    ranks = np.arange(size)
    sets = SurestSets(np.array([2, 4, size]), np.full(3, allowed))
    is_wrong = np.isin(ranks, wrong)
    stakes = np.array([0.4, 0.9, 0.2, 0.7, 0.5])
    chance = 0.0
    for order in permutations(range(size)):
        left, probability = weights.sum(), 1.0
        for drawn in order:
            probability *= weights[drawn] / left
            left -= weights[drawn]
        chance += probability * any(
            broken(sets, ranks, weights, list(order[:draws]), is_wrong, stakes[:draws], level)
            for draws in range(1, size + 1)
        )
    return chance


def broken(
    sets: SurestSets, ranks: np.ndarray, weights: np.ndarray, drawn: list[int], is_wrong: np.ndarray,
    stakes: np.ndarray, level: float,
) -> bool:  # fmt: skip
    """Whether a set may pass now, by its wealth and that of all smaller ones, with too many wrong in it."""
    wealth = log_wealths(sets, ranks, weights, np.array(drawn), is_wrong[drawn], stakes)
    undrawn = np.setdiff1d(ranks, drawn)
    for size, allowed, passes in zip(
        sets.sizes, sets.allowed, np.minimum.accumulate(wealth) >= -math.log(level), strict=True
    ):
        if passes and is_wrong[undrawn[undrawn < size]].sum() > allowed:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [[0, 1], [1, 3, 4], [2, 3, 4], [0, 2, 3, 4]])
@pytest.mark.parametrize("allowed", [0, 1])
@pytest.mark.parametrize("level", [0.3, 0.6])
def test_over_all_orders_of_drawing_a_promise_is_broken_as_rarely_as_the_level_says(
    wrong: list[int], allowed: int, level: float
) -> None:
    """Also where the first errors found make a smaller set keep its promise, and a larger one breaks it."""
    weights = np.array([0.5, 0.7, 1.0, 1.3, 1.7])
    assert chance_of_a_broken_promise(wrong, level, allowed, weights) <= level + 1e-9


def test_without_errors_every_set_wins_what_its_own_draws_win() -> None:
    sets = SurestSets(np.array([3, 6]), np.array([1, 1]))
    weights = np.ones(6)
    drawn, none = np.array([0, 5, 2]), np.zeros(3, bool)
    wealth = log_wealths(sets, np.arange(6), weights, drawn, none, np.full(3, 0.5))
    of_three = math.log1p(0.5 * 2 / 3) + math.log1p(0.5 * 2 / 2)
    of_six = math.log1p(0.5 * 2 / 6) + math.log1p(0.5 * 2 / 5) + math.log1p(0.5 * 2 / 4)
    assert wealth == pytest.approx([of_three, of_six])


def sets_of(candidates: int, promise: Promise, most_draws: int, doubt: float = 1e-3) -> SurestSets:
    """Of candidates that are the more doubtful, the less sure they are."""
    chances = np.linspace(doubt / 2, 2 * doubt, candidates)
    return SurestSets.of(chances, np.ones(candidates), promise, most_draws, 0.1)


def test_a_set_no_larger_than_what_may_be_wrong_breaks_nothing() -> None:
    sets = sets_of(100, Promise(0.05, 100, 100), 100)
    wealth = log_wealths(sets, np.arange(100), np.ones(100), np.array([99]), np.ones(1, bool), np.ones(1))
    assert (np.isinf(wealth) == (sets.sizes <= 5)).all()


def test_what_may_be_wrong_is_fixed_by_what_a_limited_budget_is_sure_to_label() -> None:
    unlimited = sets_of(1_000, Promise(0.05, 1_000, 1_000), 1_000)
    assert set(unlimited.allowed.tolist()) == {50}
    limited = sets_of(1_000, Promise(0.05, 1_000, 200), 150, doubt=0.03)
    # Of 1,000 candidates, 850 are left after all draws. With the 200 by people, that is all.
    assert limited.allowed[-1] == 50
    assert limited.allowed[0] < 50
    assert (np.diff(limited.allowed) >= 0).all()


def test_on_a_budget_the_row_begins_with_the_set_that_is_expected_to_pass_first() -> None:
    sure = sets_of(1_000, Promise(0.05, 1_000, 200), 150)
    assert sure.sizes[0] == 1_000, "draws from all tell as much, and none is wasted"
    doubtful = sets_of(1_000, Promise(0.05, 1_000, 200), 150, doubt=0.03)
    assert 100 < doubtful.sizes[0] < 900, "of all, too many would be wrong"
    unlimited = sets_of(1_000, Promise(0.05, 1_000, 1_000), 1_000, doubt=0.06)
    assert unlimited.sizes[0] == 50, "there, the smallest sets can break nothing"


# Whole tests -----------------------------------------------------------------------------------------------


def audit_of(chances: np.ndarray, seed: int, promise: Promise = OF_ALL) -> Audit:
    """The model is the surer of an object, the later it is."""
    size = len(chances)
    plan = make_plan(chances, promise, LEVEL)
    return Audit.of(
        np.arange(size), np.zeros(size, int), 1 - chances, chances, np.zeros(size, int), [Group(plan, LEVEL)],
        promise, size, np.random.default_rng(seed), margin=np.arange(size) / size, reviewed=False,
    )  # fmt: skip


def play(audit: Audit, wrong: np.ndarray) -> Verdict:
    """As long as anybody is to be asked. Evidence takes most of the time: it is not looked at in between."""
    while len(drawn := audit.next_stage()):
        audit.vote(drawn, wrong[drawn].astype(int))
    return audit.outcome()


def test_the_draws_leave_to_people_what_the_model_gets_wrong() -> None:
    """Of the doubtful third, two thirds are wrong, though the model says a tenth."""
    rng = np.random.default_rng(0)
    wrong = np.arange(SIZE) < 200
    wrong[rng.permutation(200)[:60]] = False
    audit = audit_of(np.where(np.arange(SIZE) < 200, 0.1, 0.01), 0)
    assert play(audit, wrong) == Verdict.PASSED
    labeled = audit.open_ids()
    assert wrong[labeled].sum() <= 30
    assert len(labeled) > 250
    assert audit.certified().sum() == len(labeled) + (audit.certified() & audit.asked).sum()


def test_a_model_that_is_always_wrong_labels_no_more_than_may_be_wrong() -> None:
    audit = audit_of(np.full(SIZE, 0.02), 0)
    assert play(audit, np.ones(SIZE, bool)) == Verdict.PASSED
    assert len(audit.open_ids()) <= 30


def test_equally_sure_objects_are_left_to_people_by_chance() -> None:
    size = 200
    even = Audit.of(
        np.arange(size), np.zeros(size, int), np.ones(size), np.full(size, 0.01), np.zeros(size, int),
        [Group(make_plan(np.full(size, 0.01), OF_ALL, LEVEL), LEVEL)], OF_ALL, size,
        np.random.default_rng(0), margin=np.ones(size), reviewed=False,
    )  # fmt: skip
    ranks = even.candidates["rank"]
    assert sorted(ranks.tolist()) == list(range(size))
    assert abs(np.corrcoef(ranks, np.arange(size))[0, 1]) < 0.2
    assert abs(np.corrcoef(ranks, even.candidates["place"])[0, 1]) < 0.2, "nor by when they are drawn"


@pytest.mark.slow
@pytest.mark.parametrize(("excess", "among"), [(1, 60), (10, 300)])
def test_a_wrong_promise_is_as_rare_as_its_level_whatever_set_breaks_it(excess: int, among: int) -> None:
    """Just more than the allowed number is wrong among the surest `among`, and none of the others."""
    broken_ones, runs = 0, 120
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        wrong = np.zeros(SIZE, bool)
        wrong[SIZE - 1 - rng.permutation(among)[: 30 + excess]] = True
        audit = audit_of(np.full(SIZE, 0.02), seed)
        if play(audit, wrong) == Verdict.PASSED:
            broken_ones += wrong[audit.open_ids()].sum() > 30
    assert broken_ones / runs <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / runs)

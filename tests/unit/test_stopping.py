from dataclasses import replace

import pytest

from labelloop.core.ledger import Counts
from labelloop.core.sizes import RoundTimes
from labelloop.core.stopping import (
    Decision,
    Limits,
    Next,
    Standing,
    decide,
    objects_to_ask,
)

LIMITS = Limits(start=20, validation=10, batch=10, new_human_labels=100, rounds=50, fewest_draws=5)
AFTER_START = Standing(
    counts=Counts(input=100, pool=80, validation=0, human=20, auto=0, failed=0),
    labels_in_input=0,
    round_number=1,
    new_human_labels=20,
    idle_rounds=0,
)


def counts(**changes: int) -> Counts:
    return replace(AFTER_START.counts, **changes)


def test_too_few_labels_to_start_asks_people_at_random() -> None:
    assert decide(replace(AFTER_START, counts=counts(pool=81, human=19)), LIMITS) == Decision(Next.SELECT)


def test_enough_labels_to_start_trains() -> None:
    assert decide(AFTER_START, LIMITS) == Decision(Next.TRAIN)


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (0, "every data object is labeled"),
        (3, "every data object has a label or a reason why it can have none"),
    ],
)
def test_an_empty_pool_ends_the_run(failed: int, reason: str) -> None:
    done = replace(AFTER_START, counts=counts(pool=0, human=100 - failed, failed=failed))
    assert decide(done, LIMITS) == Decision(Next.EXPORT, reason)


def test_two_rounds_without_a_new_label_end_the_run() -> None:
    assert decide(replace(AFTER_START, idle_rounds=1), LIMITS).next == Next.TRAIN
    decision = decide(replace(AFTER_START, idle_rounds=2), LIMITS)
    assert decision == Decision(Next.EXPORT, "people gave no new label in 2 rounds in a row")


def test_the_last_round_ends_the_run() -> None:
    decision = decide(replace(AFTER_START, round_number=50), LIMITS)
    assert decision.next == Next.EXPORT
    assert "MaxRounds" in (decision.stopped_because or "")


def test_a_spent_budget_ends_the_run() -> None:
    decision = decide(AFTER_START, replace(LIMITS, new_human_labels=20))
    assert decision.next == Next.EXPORT
    assert "MaxHumanLabels" in (decision.stopped_because or "")


def test_where_labels_take_no_test_the_last_labels_are_still_learned() -> None:
    limits = replace(LIMITS, new_human_labels=20, fewest_draws=0)
    assert decide(AFTER_START, limits).next == Next.TRAIN
    assert decide(replace(AFTER_START, new_human_labels=0), limits).next == Next.EXPORT


def test_answers_asked_for_again_are_on_the_budget() -> None:
    limits = replace(LIMITS, new_human_labels=30)
    assert replace(AFTER_START, repeated_answers=4).human_labels_left(limits) == 6


def test_a_batch_that_people_wait_long_for_grows_within_the_budget() -> None:
    long = RoundTimes(10, labeling_seconds=10, waiting_seconds=60)
    assert objects_to_ask(AFTER_START, LIMITS, left_to_people=60) == 10
    assert objects_to_ask(AFTER_START, LIMITS, left_to_people=60, times=long) == 20
    tight = replace(LIMITS, new_human_labels=33)
    assert objects_to_ask(AFTER_START, tight, left_to_people=60, times=long) == 13
    beginning = replace(AFTER_START, counts=counts(pool=85, human=15))
    assert objects_to_ask(beginning, LIMITS, left_to_people=60, times=long) == 5, (
        "the first model needs no more"
    )


def test_a_test_goes_on_without_another_model() -> None:
    assert decide(replace(AFTER_START, testing=True), LIMITS) == Decision(Next.SELECT)


def test_labels_the_input_brought_are_not_on_the_budget() -> None:
    limits = replace(LIMITS, new_human_labels=20)
    assert replace(AFTER_START, labels_in_input=20).human_labels_left(limits) == 20
    assert replace(AFTER_START, labels_in_input=5).human_labels_left(limits) == 5


def test_where_a_test_would_take_all_that_is_left_people_label_it() -> None:
    few_left = replace(AFTER_START, counts=counts(pool=5, human=95))
    assert decide(few_left, LIMITS).next == Next.SELECT
    assert objects_to_ask(few_left, LIMITS) == 5
    assert decide(replace(AFTER_START, counts=counts(pool=6, human=94)), LIMITS).next == Next.TRAIN


def test_a_data_set_too_small_for_a_test_is_asked_about_at_once() -> None:
    nothing_yet = replace(AFTER_START, counts=counts(pool=100, human=0))
    assert objects_to_ask(nothing_yet, replace(LIMITS, fewest_draws=100)) == 100
    assert objects_to_ask(nothing_yet, LIMITS) == LIMITS.start


@pytest.mark.parametrize(
    ("data_objects", "left_to_people", "asked"),
    [(2_000, 300, 100), (2_000, 160, 80), (2_000, 2, 40), (2_000, 0, 40), (100, 0, 20), (100, 50, 25)],
)
def test_a_large_batch_is_cut_to_half_of_what_the_model_cannot_label(
    data_objects: int, left_to_people: int, asked: int
) -> None:
    """2 % of the input and 20 labels are the least, 100 the batch."""
    started = replace(AFTER_START, counts=counts(input=data_objects, pool=data_objects - 20))
    limits = replace(LIMITS, batch=100, new_human_labels=data_objects)
    assert objects_to_ask(started, limits, left_to_people=left_to_people) == asked


def test_a_small_batch_stays_as_small_as_it_is_asked_for() -> None:
    assert objects_to_ask(AFTER_START, replace(LIMITS, batch=7), left_to_people=0) == 7


def test_once_the_models_labels_are_in_people_label_the_rest() -> None:
    assert decide(replace(AFTER_START, rest_for_people=True), LIMITS) == Decision(Next.SELECT)


@pytest.mark.parametrize(
    ("change", "last"),
    [
        ({}, False),
        ({"counts": counts(pool=10, human=90)}, True),
        ({"round_number": 49}, True),
        ({"labels_in_input": 0, "counts": counts(pool=0, human=100)}, True),
    ],
)
def test_the_last_round_of_use_is_known_beforehand(change: dict[str, object], last: bool) -> None:
    assert replace(AFTER_START, **change).is_last_round(LIMITS) is last  # type: ignore[arg-type]

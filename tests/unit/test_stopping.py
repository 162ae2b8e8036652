from dataclasses import replace

import pytest

from labelloop.core.ledger import Counts
from labelloop.core.stopping import Decision, Limits, Next, Progress, decide

LIMITS = Limits(start=20, validation=10, batch=10, new_human_labels=100, rounds=50, fewest_validation=5)
AFTER_START = Progress(
    counts=Counts(input=100, pool=80, validation=0, human=20, auto=0, failed=0),
    labels_in_input=0,
    unusable_for_validation=0,
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


def test_a_spent_budget_trains_once_more_on_the_last_labels_then_ends() -> None:
    limits = replace(LIMITS, new_human_labels=20)
    assert decide(AFTER_START, limits).next == Next.TRAIN
    decision = decide(replace(AFTER_START, new_human_labels=0, idle_rounds=1), limits)
    assert decision.next == Next.EXPORT
    assert "MaxHumanLabels" in (decision.stopped_because or "")


def test_labels_the_input_brought_are_not_on_the_budget() -> None:
    limits = replace(LIMITS, new_human_labels=20)
    assert replace(AFTER_START, labels_in_input=20).human_labels_left(limits) == 20
    assert replace(AFTER_START, labels_in_input=5).human_labels_left(limits) == 5


def test_where_nothing_could_be_certified_people_label_without_a_model() -> None:
    small = replace(LIMITS, validation=4)
    assert decide(AFTER_START, small).next == Next.SELECT
    drawn = replace(AFTER_START, counts=counts(human=16, validation=4), validation_drawn=True)
    assert decide(drawn, LIMITS).next == Next.SELECT


def test_labels_chosen_by_an_unknown_rule_do_not_make_a_validation_set() -> None:
    biased = replace(AFTER_START, labels_in_input=20, unusable_for_validation=20)
    assert decide(biased, LIMITS).next == Next.SELECT
    assert biased.missing_to_start(LIMITS) == LIMITS.validation
    with_some = replace(biased, counts=counts(pool=70, human=30))
    assert decide(with_some, LIMITS).next == Next.TRAIN


def test_once_the_models_labels_are_in_people_label_the_rest() -> None:
    assert decide(replace(AFTER_START, committed=True), LIMITS) == Decision(Next.SELECT)


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

"""How many labels at a time, and before the first model."""

import pytest

from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.settings import LoopSettings
from labelloop.core.sizes import RoundTimes, batch_worth_the_wait, default_start_size


@pytest.mark.parametrize(
    ("total", "start"), [(1, 1), (15, 15), (50, 20), (1_000, 50), (10_000, 233), (1_000_000, 5_000)]
)
def test_the_default_start_grows_more_slowly_than_the_input(total: int, start: int) -> None:
    assert default_start_size(total) == start


@pytest.mark.parametrize(
    ("rows", "budget", "batch", "start"),
    [
        (100_000, None, 2_000, 1_078),
        (100_000, 3_000, 150, 750),
        (100_000, 10_000, 500, 1_078),  # a quarter is more than the start takes by default
        (100_000, 0.03, 150, 750),
        (800, None, 20, 44),
        (800, 100, 20, 25),
        (300, None, 20, 23),
        (15, None, 15, 15),
        (100_000, 10, 20, 2),
        (100_000, 1, 20, 1),
    ],
)
def test_a_budget_is_spent_in_many_batches_and_the_start_leaves_most_of_it(
    rows: int, budget: float | None, batch: int, start: int
) -> None:
    limits = LoopSettings(max_human_labels=budget).limits(rows, most_votes=1, fewest_draws=0)
    assert (limits.batch, limits.start) == (batch, start)
    if budget is not None and batch > 20:
        assert limits.new_human_labels / batch >= DEFAULT.rounds.batches_of_a_budget


def test_what_is_given_is_taken() -> None:
    settings = LoopSettings(max_human_labels=3_000, batch_size=0.05, start_size=40)
    limits = settings.limits(1_000, most_votes=1, fewest_draws=0)
    assert (limits.batch, limits.start) == (50, 40)


@pytest.mark.parametrize(
    ("times", "batch"),
    [
        (RoundTimes(20, labeling_seconds=60, waiting_seconds=60), 20),
        (RoundTimes(20, labeling_seconds=60, waiting_seconds=90), 30),
        (RoundTimes(30, labeling_seconds=90, waiting_seconds=90), 30),  # it stays as long as the wait
        (RoundTimes(20, labeling_seconds=20, waiting_seconds=600), 40),  # twice, and no more
        (RoundTimes(20, labeling_seconds=12 * 3600, waiting_seconds=60), 20),  # over night
        (RoundTimes(0, labeling_seconds=60, waiting_seconds=60), 20),
        (RoundTimes(20, labeling_seconds=0, waiting_seconds=60), 20),
    ],
)
def test_a_batch_takes_people_as_long_as_they_wait_for_it(times: RoundTimes, batch: int) -> None:
    assert batch_worth_the_wait(20, times) == batch

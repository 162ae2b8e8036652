"""How many labels at a time: sizes as counts, and defaults that make a budget last and nobody wait long."""

import math
from dataclasses import dataclass

from labelloop.core.certificate.tuning import DEFAULT, Tuning


@dataclass(frozen=True)
class RoundTimes:
    """How people's last round went: how many labels they gave in how long, and how long they then waited."""

    labels: int
    labeling_seconds: float
    waiting_seconds: float


def resolve_size(size: float, total: int) -> int:
    """A share of the total (rounded up) when below 1, else a count; never more than the total."""
    return min(total, math.ceil(round(size * total, 6)) if size < 1 else math.ceil(size))


def default_batch_size(total: int, budget: int | None, *, tuning: Tuning = DEFAULT) -> int:
    """Answers between two trainings. `budget`: the most answers that people may be asked for."""
    rounds = tuning.rounds
    batch = resolve_size(rounds.least_batch, total)
    if budget is not None:
        batch = min(batch, budget // rounds.batches_of_a_budget)
    # For fewer answers, people would wait for a training longer than they had labeled.
    return min(total, max(batch, rounds.least_batch_labels))


def default_start_size(total: int, budget: int | None = None, *, tuning: Tuning = DEFAULT) -> int:
    """How many labels, drawn at random, before the first model."""
    rounds = tuning.rounds
    grown = math.ceil(rounds.start_factor * math.pow(total, rounds.start_power))
    start = min(total, max(rounds.least_start, grown))
    return start if budget is None else min(start, max(1, math.floor(rounds.start_of_a_budget * budget)))


def batch_worth_the_wait(batch: int, times: RoundTimes, *, tuning: Tuning = DEFAULT) -> int:
    """A batch that takes people at least as long as they wait for it, at the pace of the last round.

    Never below `batch`, and not above `most_for_the_wait` times that.
    """
    if not times.labels or times.labeling_seconds <= 0:
        return batch
    worth = times.labels * times.waiting_seconds / times.labeling_seconds
    return max(batch, min(math.ceil(worth), largest_batch(batch, tuning=tuning)))


def largest_batch(batch: int, *, tuning: Tuning = DEFAULT) -> int:
    """How large a batch without a given size becomes where people waited long for it."""
    return math.floor(tuning.rounds.most_for_the_wait * batch)

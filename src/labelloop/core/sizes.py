"""How many labels at a time: sizes as counts, and defaults that make a budget last and nobody wait long."""

import math

from labelloop.core.certificate.tuning import DEFAULT, Tuning


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

"""How many answers people are asked for at a time, so that a budget lasts and they wait little."""

from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.settings import LoopSettings, resolve_size
from labelloop.core.stopping import default_start_size

# The model learns between batches only, and chooses by that what to ask next: a budget is spent in no fewer
# batches than this.
BATCHES_OF_A_BUDGET = 20
# For fewer answers than this, people would wait for a training longer than they had labeled.
LEAST_BATCH = DEFAULT.rounds.least_batch_labels
# The first model learns from labels drawn at random. They take no more of a budget than one in this many.
_START_OF_A_BUDGET = 4


def batch_size(rows: int, budget: int | None) -> int:
    """Answers between two trainings. `budget`: the most answers that people may be asked for."""
    batch = resolve_size(LoopSettings().batch_size, rows)
    if budget is not None:
        batch = min(batch, budget // BATCHES_OF_A_BUDGET)
    return max(batch, LEAST_BATCH)


def start_size(rows: int, budget: int | None) -> int | None:
    """Labels before the first model; None for the default."""
    if budget is None:
        return None
    most = max(1, budget // _START_OF_A_BUDGET)
    return most if most < default_start_size(rows) else None

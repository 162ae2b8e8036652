"""How long people wait between two batches of a run, from how long they have waited before."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch

# Models take longer as labels become more, so only the last waits tell of the next one.
_ROUNDS = 5


@dataclass(frozen=True)
class Wait:
    """A wait for a run's next round, in seconds; `usual` is None before the second one.

    It begins with the end of a round's batch, also where people go on with another one meanwhile.
    """

    so_far: float
    usual: float | None
    last_total: int  # objects of the batch before


class Waits:
    """Knows what is usual in a run. While people wait for the same batch, it is read only once."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        # Of the batch with this id: the batch of its round, and what is usual.
        self._known: tuple[str, Batch, float | None] | None = None

    def now(self) -> Wait | None:
        """None where no run is known that will open another batch."""
        newest = self._store.newest()
        if newest is None or newest.closing_since is None or not (newest.run_state_uri or newest.more_follow):
            return None
        if self._known is None or self._known[0] != newest.id:
            # Of each round, one batch may be ahead.
            rounds = _rounds_of_run(self._store.some_batches(2 * _ROUNDS), newest)
            self._known = newest.id, rounds[0], usual_wait(rounds)
        _, last, usual = self._known
        since = newest.closing_since if last.closing_since is None else last.closing_since
        return Wait(max(0.0, self._clock() - since), usual, last.total)


def usual_wait(batches: Sequence[Batch]) -> float | None:
    """The median time from the end of a batch to the next one; None for fewer than two batches."""
    in_order = sorted(batches, key=lambda batch: batch.created)
    waits = [
        later.created - earlier.closing_since
        for earlier, later in pairwise(in_order)
        if earlier.closing_since is not None
    ]
    return max(0.0, statistics.median(waits)) if waits else None


def _rounds_of_run(batches: Sequence[Batch], newest: Batch) -> list[Batch]:
    """The batches of the last rounds of a run, the newest first; at least the newest batch."""
    of_run = [batch for batch in batches if batch.lineage == newest.lineage and not batch.ahead]
    return of_run[:_ROUNDS] or [newest]

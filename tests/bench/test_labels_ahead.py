"""The table of bench.labels_ahead compares runs with the same seed."""

import pytest

pytest.importorskip("sklearn")
from bench.labels_ahead import Ended, Task, row


def test_what_is_ahead_is_compared_with_the_same_seed_without_it() -> None:
    shares = {("none", 0): 0.2, ("none", 1): 0.3, ("half a batch", 0): 0.21, ("half a batch", 1): 0.33}
    ended = {
        Task("digits", way, seed): Ended(share, error=0.06 * seed, trainings=2 + seed)
        for (way, seed), share in shares.items()
    }
    assert row("digits", "none", ended, 2) == ("digits", "none", "25.0 %", "", "2.5", "1")
    assert row("digits", "half a batch", ended, 2)[2:4] == ("27.0 %", "+2.00 ± 1.00")

"""Random draws that depend on the seed alone, not on the machine or the version of Python or numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_BLOCK = 4096
_TO_UNIT_INTERVAL = 2.0**-53


class SeededDraws:
    """A stream of uniform draws. Two streams of one seed are independent.

    Built on the raw integers of PCG64: numpy guarantees that this sequence never changes. numpy's `Generator`
    and Python's `random` give no such guarantee for choices and samples.
    """

    def __init__(self, seed: int, stream: int) -> None:
        """`seed` and `stream` are at least 0."""
        self._bits = np.random.PCG64([seed, stream])
        self._block: list[float] = []

    def uniform(self) -> float:
        """Draw from [0, 1)."""
        if not self._block:
            raw = self._bits.random_raw(_BLOCK) >> np.uint64(11)
            self._block = (raw * _TO_UNIT_INTERVAL).tolist()
        return self._block.pop()

    def below(self, limit: int) -> int:
        """Draw one of 0 .. limit - 1, all equally likely."""
        return int(self.uniform() * limit)

    def one_of(self, items: Sequence[T]) -> T:
        """Draw one of `items`, all equally likely."""
        return items[self.below(len(items))]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def subset(self, size: int, count: int) -> list[int]:
        """Draw `count` of 0 .. size - 1 uniformly at random without replacement, in ascending order.

        With the same stream and size, a larger `count` contains all that a smaller one draws.
        """
        order = np.argsort(self._bits.random_raw(size), kind="stable")
        chosen: list[int] = np.sort(order[:count]).tolist()
        return chosen

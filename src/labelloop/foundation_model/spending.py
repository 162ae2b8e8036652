"""What the answers cost: counted as the server counts, and limited before it is spent."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from labelloop.foundation_model.errors import CostLimitReachedError
from labelloop.foundation_model.replies import Usage

_MILLION = 1_000_000
# What a chat's format puts around the messages.
FORMAT_TOKENS = 100


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per million tokens."""

    tokens_in: float
    tokens_out: float

    def cost(self, usage: Usage) -> float:
        return (usage.tokens_in * self.tokens_in + usage.tokens_out * self.tokens_out) / _MILLION


def at_most(body: bytes, most_tokens: int, added_tokens: int = FORMAT_TOKENS) -> Usage:
    """More tokens than a request can take: no token is shorter than a byte.

    `added_tokens`: what the server puts around the messages.
    """
    return Usage(len(body) + added_tokens, most_tokens)


class Spending:
    """What was spent, and what may be on its way. Safe for many threads."""

    def __init__(self, prices: Prices | None = None, max_cost: float | None = None) -> None:
        """Without prices, tokens are counted and nothing is limited."""
        self._prices, self.max_cost = prices, max_cost
        self._settled = threading.Condition()
        self._reserved = Usage()
        self._lost = Usage()
        self.usage = Usage()  # of all answers, also those that were kept from an earlier call
        self.requests = 0  # sent now
        self.uncounted = 0  # answers of which the server did not say how many tokens they took

    @property
    def cost(self) -> float | None:
        """In dollars; None without prices."""
        return self._prices.cost(self.usage + self._lost) if self._prices else None

    def cost_of(self, usage: Usage) -> float | None:
        return self._prices.cost(usage) if self._prices else None

    def reserve(self, most: Usage) -> None:
        """Before a request: waits for those under way where they decide whether it can be paid for.

        Raises CostLimitReachedError if it could cost more than is left.
        """
        with self._settled:
            while not self._fits(most):
                if self._reserved == Usage():
                    raise CostLimitReachedError
                self._settled.wait()
            self._reserved += most

    def release(self, most: Usage, *, lost: bool) -> None:
        """The request has no answer. `lost`: it may have been charged for all the same."""
        with self._settled:
            self._settle(most)
            self._lost += most if lost else Usage()

    def answered(self, most: Usage, counted: Usage | None) -> None:
        """The request has an answer."""
        with self._settled:
            self._settle(most)
            self.requests += 1
            self._count(most, counted)

    def kept(self, most: Usage, counted: Usage | None) -> None:
        """An answer was paid for by an earlier call."""
        with self._settled:
            self._count(most, counted)

    def _fits(self, most: Usage) -> bool:
        if self._prices is None or self.max_cost is None:
            return True
        return self._prices.cost(self.usage + self._lost + self._reserved + most) <= self.max_cost

    def _settle(self, most: Usage) -> None:
        self._reserved -= most
        self._settled.notify_all()

    def _count(self, most: Usage, counted: Usage | None) -> None:
        self.uncounted += counted is None
        self.usage += most if counted is None else counted

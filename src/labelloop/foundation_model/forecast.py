"""How many tokens the texts will take that are still to be asked about."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from labelloop.foundation_model.replies import Usage

# The sizes of so many requests tell those of all.
_MEASURED = 2_000


def tokens_for(
    left: Sequence[str], answered: Sequence[str], used: Usage, size_of: Callable[[str], int]
) -> Usage:
    """From the tokens that the first answers took: those sent grow with the size of the request in bytes.

    Requests that were asked again and samples are in what was used, and so in the estimate.
    """
    measured = sum(map(size_of, answered))
    if not measured:
        return Usage()
    step = math.ceil(len(left) / _MEASURED) or 1
    some = left[::step]
    size = sum(map(size_of, some)) * len(left) / (len(some) or 1)
    return Usage(round(used.tokens_in / measured * size), round(used.tokens_out / len(answered) * len(left)))

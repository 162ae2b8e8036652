"""Conditional writes that lose a race are tried again, after a pause that grows."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from labelloop.workbench.errors import ConflictError, RefusedError

ATTEMPTS = 12
_TOO_MANY = "too many people are writing at the same time: send it again"
_PAUSE_SECONDS = 0.01
_Written = TypeVar("_Written")


def until_written(read_and_write: Callable[[], _Written]) -> _Written:
    """What it returns once it raises no ConflictError. Raises RefusedError if it always does."""
    for attempt in range(ATTEMPTS):
        try:
            return read_and_write()
        except ConflictError:
            pause(attempt)
    raise RefusedError(_TOO_MANY)


def pause(attempt: int) -> None:
    time.sleep(random.uniform(0, _PAUSE_SECONDS * 2 ** min(attempt, 5)))  # noqa: S311 - no secret

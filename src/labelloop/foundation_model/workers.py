"""Threads that work on one item each, as many as there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# How long an interrupted command waits for answers under way, which are paid for.
_LAST_ANSWERS_SECONDS = 3.0


class Workers(Generic[Item, Result]):
    """Not a pool of the standard library: a program does not end before all threads of such a pool have."""

    def __init__(self, work: Callable[[Item], Result], count: int, stop: Callable[[], None]) -> None:
        """`stop` has what is under way end soon."""
        self._work, self._stop = work, stop
        self._items: SimpleQueue[Item | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Item, Result | BaseException]] = SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def map(self, items: Iterator[Item], until: Callable[[Result], bool]) -> Iterator[tuple[Item, Result]]:
        """Each item with its result, as they come. After a result with `until`, no further item is begun.

        Raises what the work raises.
        """
        for thread in self._threads:
            thread.start()
        under_way = 0
        for item in islice(items, len(self._threads)):
            self._items.put(item)
            under_way += 1
        while under_way:
            done, result = self._results.get()
            under_way -= 1
            if isinstance(result, BaseException):
                raise result
            if until(result):
                items = iter(())
            for item in islice(items, 1):
                self._items.put(item)
                under_way += 1
            yield done, result

    def close(self) -> None:
        """What is under way may end, for some seconds."""
        self._stop()
        for _ in self._threads:
            self._items.put(None)
        until = time.monotonic() + _LAST_ANSWERS_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            try:
                result: Result | BaseException = self._work(item)
            except BaseException as error:  # raised anew where the results are awaited
                result = error
            self._results.put((item, result))

"""Tells open pages that the work is over, before the workbench stops."""

import threading
import time
from collections.abc import Callable

# Visible pages ask at least every ten seconds (supply.js, run.js). A page that has not asked is gone.
_PRESENT_SECONDS = 12.0


class Farewell:
    """Notes which pages ask for more. When the work is over, it waits until these pages know.

    Otherwise the last thing people see would be a workbench that cannot be reached.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[str, float] = {}  # moments by page
        self._is_said = False
        self._changed = threading.Condition()

    def is_said_to(self, page: str) -> bool:
        """Whether the work is over. `page` names the page that asks, and now knows the answer."""
        with self._changed:
            if self._is_said:
                self._asked.pop(page, None)
                self._changed.notify_all()
            else:
                self._asked[page] = self._clock()
            return self._is_said

    def say(self, most_seconds: float = _PRESENT_SECONDS) -> None:
        """Return once all open pages know that the work is over, or after `most_seconds`."""
        with self._changed:
            self._is_said = True
            since = self._clock() - _PRESENT_SECONDS
            self._asked = {page: moment for page, moment in self._asked.items() if moment >= since}
            self._changed.wait_for(lambda: not self._asked, most_seconds)

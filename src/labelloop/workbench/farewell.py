"""The end of the work, told to the pages that are open before the workbench stops."""

import threading
import time
from collections.abc import Callable

# Pages that are looked at ask every ten seconds or sooner (supply.js, run.js): who has not is gone.
_PRESENT_SECONDS = 12.0


class Farewell:
    """Notes which pages ask for more, and when the work is over, waits until these have heard it.

    Without it the last that people see would be a workbench that cannot be reached.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[str, float] = {}  # moments by page
        self._is_said = False
        self._changed = threading.Condition()

    def is_said_to(self, page: str) -> bool:
        """Whether the work is over. `page` names who asks: from then on it is one that has heard."""
        with self._changed:
            if self._is_said:
                self._asked.pop(page, None)
                self._changed.notify_all()
            else:
                self._asked[page] = self._clock()
            return self._is_said

    def say(self, most_seconds: float = _PRESENT_SECONDS) -> None:
        """Returns once all pages that are open have heard that the work is over, or after so many seconds."""
        with self._changed:
            self._is_said = True
            since = self._clock() - _PRESENT_SECONDS
            self._asked = {page: moment for page, moment in self._asked.items() if moment >= since}
            self._changed.wait_for(lambda: not self._asked, most_seconds)

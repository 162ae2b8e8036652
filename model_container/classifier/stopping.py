"""Handles the order to stop: SageMaker sends SIGTERM, and kills the program 120 seconds later."""

from __future__ import annotations

import signal
from types import FrameType


class StopOrderedError(BaseException):
    """Raised when the order to stop comes before there is anything to save.

    Like KeyboardInterrupt, it is not an Exception: it can be raised on any line, and no `except` may treat it
    as a failure of that line.
    """


class StopOrder:
    """Listens for SIGTERM. It ends the program at once, but after `heed_later` it only sets `given`."""

    def __init__(self) -> None:
        self.given = False
        self._raise = True
        signal.signal(signal.SIGTERM, self._receive)

    def heed_later(self) -> None:
        """From now on there is work to save, and the caller must check `given`. Raises StopOrderedError."""
        self._raise = False
        if self.given:
            raise StopOrderedError

    def _receive(self, _signal: int, _frame: FrameType | None) -> None:
        self.given = True
        if self._raise:
            raise StopOrderedError

"""The order to stop: SageMaker sends SIGTERM, and kills 120 seconds later."""

from __future__ import annotations

import signal
from types import FrameType


class StopOrderedError(BaseException):
    """Raised when the order to stop comes before there is anything worth keeping.

    Not an Exception, as KeyboardInterrupt is none: it comes out of any line, and no `except` on the way may
    take it for that line's own failure.
    """


class StopOrder:
    """Listens for SIGTERM: ends the program at once at first, and only takes note after `heed_later`."""

    def __init__(self) -> None:
        self.given = False
        self._raise = True
        signal.signal(signal.SIGTERM, self._receive)

    def heed_later(self) -> None:
        """From now on there is work to save: who does it looks at `given`. Raises StopOrderedError."""
        self._raise = False
        if self.given:
            raise StopOrderedError

    def _receive(self, _signal: int, _frame: FrameType | None) -> None:
        self.given = True
        if self._raise:
            raise StopOrderedError

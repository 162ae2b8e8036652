"""Waiting for a batch's end in the same process, without a state machine."""

import threading

from labelloop.workbench.tasks import Batch


class BatchClosed:
    """Is told when a batch is closed; see `Waiting`."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def batch_closed(self, _batch: Batch) -> None:
        self.event.set()

    def batch_failed(self, _batch: Batch, _cause: str) -> None:
        """The person who closed the batch is told."""

    def heartbeat(self, _batch: Batch) -> None:
        """Nobody listens."""

"""What sends requests to a model, whatever its protocol: attempts, and the waits between them."""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from labelloop.foundation_model.errors import NoAnswerError
from labelloop.foundation_model.replies import Reply
from labelloop.foundation_model.request_form import RequestForm
from labelloop.foundation_model.setting_names import SettingNames

_LONGEST_WAIT_SECONDS = 60.0
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer, and how often to try."""

    timeout_seconds: float = 120.0
    attempts: int = 7  # with the waits, longer than a minute: the limits of companies are by the minute
    first_wait_seconds: float = 1.0  # doubled from attempt to attempt

    def wait_seconds(self, attempt: int) -> float:
        """Before the attempt of this number. By chance, for else all threads would come back at once."""
        longest = min(self.first_wait_seconds * 2.0 ** (attempt - 1), _LONGEST_WAIT_SECONDS)
        return longest * random.uniform(0.5, 1)  # noqa: S311  nothing to guess


DEFAULT_PATIENCE = Patience()


class ModelClient(ABC):
    """One model on one server, for many threads."""

    def __init__(self, patience: Patience, names: SettingNames) -> None:
        """`names`: what messages call the settings."""
        self._patience, self._names = patience, names
        self._stopped = threading.Event()
        self._not_before = 0.0  # where the server asked to wait, nobody sends

    @property
    @abstractmethod
    def form(self) -> RequestForm:
        """The form of a request that is tried first."""

    @abstractmethod
    def check(self) -> None:
        """Before any text is sent. Raises ModelServerError if no request can have an answer."""

    @abstractmethod
    def complete(self, body: bytes) -> Reply:
        """The answer to a request, in one attempt.

        Raises NoAnswerError where another attempt may help, RequestRefusedError for a request that the server
        does not accept, and ModelServerError where no request can have an answer.
        """

    def stop(self) -> None:
        """No more attempts: what is under way ends with the attempt it is at."""
        self._stopped.set()

    def begin(self) -> None:
        """Again after a stop, once what was under way has ended."""
        self._stopped.clear()

    def attempts(self) -> Iterator[int]:
        """Each time that a request may be sent, after a wait. Raises NoAnswerError once all is to stop."""
        for attempt in range(self._patience.attempts):
            if attempt:
                self._stopped.wait(self._patience.wait_seconds(attempt))
            self._stopped.wait(max(0.0, self._not_before - time.monotonic()))
            if self._stopped.is_set():
                raise NoAnswerError("stopped")
            yield attempt

    def _pause(self, seconds: float) -> None:
        """Nobody sends before that time."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _too_slow(self, seconds: float) -> NoAnswerError:
        longer = f" ({self._names.timeout})" if self._names.timeout else ""
        return NoAnswerError(f"no answer within {seconds:g} seconds{longer}", slow=True)


def hung_up() -> NoAnswerError:
    return NoAnswerError("the server hung up", lost=True)


def not_readable(why: object) -> NoAnswerError:
    return NoAnswerError(f"the server's answer cannot be read: {why}", lost=True)

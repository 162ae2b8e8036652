"""Hooks before calls to the stand-ins: tests use them to make a call fail, or to break something in time."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Hook = Callable[[Mapping[str, Any]], None]


@dataclass
class _Interceptor:
    operation: str
    where: Mapping[str, Any]
    hook: Hook
    left: int


class Interceptors:
    """Runs hooks at API operations, and at `<kind>Ending`, when a job's work is done."""

    def __init__(self) -> None:
        self._interceptors: list[_Interceptor] = []
        self._lock = threading.Lock()

    def before(self, operation: str, hook: Hook, *, times: int = 1, **where: Any) -> None:
        """Calls `hook` with the request of the next `times` calls of `operation` whose fields equal `where`.

        What the hook raises becomes the outcome: a `ServiceError` for an operation, a `JobFailed` at the end
        of a job.
        """
        with self._lock:
            self._interceptors.append(_Interceptor(operation, where, hook, times))

    def fail_next(self, operation: str, error: Exception, *, times: int = 1, **where: Any) -> None:
        """Lets the next `times` such calls fail with `error`."""

        def fail(_request: Mapping[str, Any]) -> None:
            raise error

        self.before(operation, fail, times=times, **where)

    def run(self, operation: str, request: Mapping[str, Any]) -> None:
        """Runs the hooks that are due for this call."""
        with self._lock:
            due = [
                item for item in self._interceptors if item.left > 0 and _matches(item, operation, request)
            ]
            for item in due:
                item.left -= 1
        for item in due:
            item.hook(request)


def _matches(item: _Interceptor, operation: str, request: Mapping[str, Any]) -> bool:
    return item.operation == operation and all(request.get(key) == value for key, value in item.where.items())

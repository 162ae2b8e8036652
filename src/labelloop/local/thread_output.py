"""Redirects what one thread prints, while other threads (a progress display) keep the terminal.

A handler's logger keeps the `sys.stdout` that it found when it was created. So the replacement decides at
each write where the output of the present thread goes.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_of_thread = threading.local()


class _ThreadOutput:
    """A text stream that writes to the present thread's output, or else to `otherwise`."""

    def __init__(self, otherwise: TextIO) -> None:
        self._otherwise = otherwise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def write(self, text: str) -> int:
        return self._target().write(text)

    def _target(self) -> TextIO:
        target: TextIO | None = getattr(_of_thread, "output", None)
        return self._otherwise if target is None else target


@contextmanager
def thread_output() -> Iterator[None]:
    """Inside `with`, `output_of_this_thread_to` works."""
    before = sys.stdout, sys.stderr
    # Text streams that only forward: the interpreter needs no more of them.
    sys.stdout, sys.stderr = _ThreadOutput(sys.stdout), _ThreadOutput(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def output_of_this_thread_to(output: TextIO) -> Iterator[None]:
    """Inside `with`, what this thread prints goes to `output`."""
    before = getattr(_of_thread, "output", None)
    _of_thread.output = output
    try:
        yield
    finally:
        _of_thread.output = before

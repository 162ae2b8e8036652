"""Sends what one thread prints elsewhere, while the others (a progress display) keep the terminal.

A handler's logger holds on to the `sys.stdout` it found when it was made, so what stands in for that asks at
each write where this thread's output goes.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_of_thread = threading.local()


class _ThreadOutput:
    """A text stream that goes where the writing thread's output goes, else to `otherwise`."""

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
    """Within, `output_of_this_thread_to` works."""
    before = sys.stdout, sys.stderr
    # Two streams of text that only forward: the interpreter asks no more of them.
    sys.stdout, sys.stderr = _ThreadOutput(sys.stdout), _ThreadOutput(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def output_of_this_thread_to(output: TextIO) -> Iterator[None]:
    """Within, what this thread prints goes to `output`."""
    before = getattr(_of_thread, "output", None)
    _of_thread.output = output
    try:
        yield
    finally:
        _of_thread.output = before

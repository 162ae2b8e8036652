"""Only one process at a time works in a folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from labelloop.core.errors import RequestError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder, and create it if necessary. However the process ends, the lock is released.

    Raises RequestError when another process has locked it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RequestError(
                f"another labelloop is working in {folder}: stop it first, or choose another --out"
            ) from error
        yield
    finally:
        os.close(handle)

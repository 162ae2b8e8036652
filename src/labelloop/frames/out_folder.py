"""Where a function keeps what it must not lose."""

import contextlib
import tempfile
from collections.abc import Iterator
from os import PathLike
from pathlib import Path


@contextlib.contextmanager
def out_folder(out: str | PathLike[str] | None) -> Iterator[Path]:
    """The caller's folder, or one that is gone afterwards."""
    if out is not None:
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="labelloop-") as folder:
        yield Path(folder) / "out"

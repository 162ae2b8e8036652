"""Failure messages for people, in `output/failure`, which SageMaker shows as the failure reason."""

from __future__ import annotations

import contextlib
from pathlib import Path

LONGEST_SENTENCE = 1024  # SageMaker shows this many characters of the file


class UserError(Exception):
    """Raised when the user's input cannot be used. The message says what, where, and what to do."""


def write_failure(file: Path, sentence: str, detail: str = "") -> None:
    """Write the sentence, shortened to what SageMaker shows, and below it the detail for debugging.

    If the file cannot be written, this is ignored: a second error would only hide the first.
    """
    shown = sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1] + "…"
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{shown}\n\n{detail}" if detail else shown, encoding="utf-8")

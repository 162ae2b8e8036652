"""What went wrong, told to a person: in `output/failure`, which SageMaker shows as the failure reason."""

from __future__ import annotations

import contextlib
from pathlib import Path

LONGEST_SENTENCE = 1024  # SageMaker shows so many characters of the file


class UserError(Exception):
    """Raised when something the user gave cannot be used: its text says what, where, and what to do."""


def write_failure(file: Path, sentence: str, detail: str = "") -> None:
    """Write the sentence, cut to what SageMaker shows, and below it the detail for whoever debugs.

    Where that cannot be written it is left out: a failure to tell of a failure would only hide it.
    """
    shown = sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1] + "…"
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{shown}\n\n{detail}" if detail else shown, encoding="utf-8")

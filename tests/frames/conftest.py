"""Headlines that a model learns from few labels, as data frames, and people who know the truth."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import pytest

CLASSES = ["health", "sports"]
_WORDS = {"health": "vaccine flu hospital doctor virus", "sports": "match goal team coach league"}


def headline(row: int) -> tuple[str, str]:
    """The text of a row, and its class."""
    name = CLASSES[row % 2]
    words = _WORDS[name].split()
    return f"{words[row % 5]} and {words[(row // 5) % 5]} {row}", name


@dataclass(frozen=True)
class Headlines:
    frame: pd.DataFrame
    truth: dict[str, str]

    def ask(self, texts: list[str]) -> list[str | None]:
        return [self.truth[text] for text in texts]


@pytest.fixture(scope="session")
def headlines() -> Headlines:
    rows = [headline(row) for row in range(160)]
    frame = pd.DataFrame({"title": [text for text, _ in rows], "category": [name for _, name in rows]})
    return Headlines(frame, dict(rows))


class Stopped(Exception):  # noqa: N818 - what a killed process would be
    """The process ends here."""


Ask = Callable[[list[str]], list[str | None]]


def stopping_after(answers: int, ask: Ask) -> Ask:
    """People after so many of whose answers the process is killed."""
    given = 0

    def asked(texts: list[str]) -> list[str | None]:
        nonlocal given
        given += len(texts)
        if given > answers:
            raise Stopped
        return ask(texts)

    return asked

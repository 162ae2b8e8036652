"""How many labels people usually give in a file of so many rows, by runs on an easy and a hard data set.

The numbers beside this module are measured by `python -m bench.usual_shares`.
"""

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from labelloop.core.certificate.promise import CertificateFor

EASY, HARD = "easy", "hard"


@dataclass(frozen=True)
class UsualLabels:
    """The labels that people give, where the texts are as easy and as hard as those measured."""

    easy: int
    hard: int


@dataclass(frozen=True)
class _Measured:
    difficulty: str
    rows: int
    certificate_for: str
    target_error: float
    share: float


def usual_labels(rows: int, certificate_for: CertificateFor, target_error: float) -> UsualLabels | None:
    """None for a promise that was not measured. Beyond the sizes measured, the trend goes on."""
    targets = [one.target_error for one in _measured() if one.certificate_for == certificate_for]
    if not targets or not min(targets) <= target_error <= max(targets):
        return None
    easy, hard = (_share(difficulty, rows, certificate_for, target_error) for difficulty in (EASY, HARD))
    return UsualLabels(round(easy * rows), round(max(easy, hard) * rows))


def most_rows_measured() -> int:
    """The size of the largest data set that was measured."""
    return max(one.rows for one in _measured())


def _share(difficulty: str, rows: int, certificate_for: str, target_error: float) -> float:
    """Between what was measured, evenly in the logarithms of rows and target."""
    same = [
        one for one in _measured() if (one.difficulty, one.certificate_for) == (difficulty, certificate_for)
    ]
    sizes = sorted({one.rows for one in same})
    by_size = [_at_target([one for one in same if one.rows == size], target_error) for size in sizes]
    if rows > sizes[-1]:
        return by_size[-1] * math.pow(rows / sizes[-1], _trend(sizes, by_size))
    return float(np.interp(np.log(rows), np.log(sizes), by_size))


def _at_target(measured: Sequence[_Measured], target_error: float) -> float:
    ordered = sorted(measured, key=lambda one: one.target_error)
    targets, shares = [one.target_error for one in ordered], [one.share for one in ordered]
    return float(np.interp(np.log(target_error), np.log(targets), shares))


def _trend(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """The exponent of the rows that the share follows; never above 0."""
    if not shares[-1] or not shares[-2]:
        return 0.0
    return min(0.0, float(np.log(shares[-1] / shares[-2]) / np.log(sizes[-1] / sizes[-2])))


@functools.cache
def _measured() -> tuple[_Measured, ...]:
    document = json.loads(files(__package__).joinpath("usual_shares.json").read_bytes())
    return tuple(_Measured(**one) for one in document["measured"])

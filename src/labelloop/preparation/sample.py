"""Which rows go into the manifest, and which of these with their label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from labelloop.core.ledger import NO_LABEL
from labelloop.core.seeded_draws import SeededDraws
from labelloop.preparation.source import LabeledText

_SAMPLE_STREAM = 0
_LABELED_STREAM = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """Positions among the usable rows: those taken, in ascending order, and those whose label is shown.

    `labels_wanted` is how many labels the share asks for; fewer are shown if too few rows have one.
    """

    taken: Sequence[int]
    labeled: frozenset[int]
    labels_wanted: int


def draw_sample(codes: Sequence[int], *, size: int | None, labeled_share: float | None, seed: int) -> Sample:
    """Draw `size` of the rows uniformly at random, and the labels to show.

    `codes` has one entry per row, NO_LABEL for a row without a label. With the same sample and seed, a larger
    share contains all the labels of a smaller one. Without a share, all labels that are known are shown,
    unless every row has one.
    """
    taken: Sequence[int] = range(len(codes))
    if size is not None and size < len(codes):
        taken = SeededDraws(seed, _SAMPLE_STREAM).subset(len(codes), size)
    candidates = [place for place in taken if codes[place] != NO_LABEL]
    if labeled_share is None:
        known = NO_LABEL in codes
        return Sample(taken, frozenset(candidates if known else ()), len(candidates) if known else 0)
    # Rounded up, so that the manifest never falls short of a start share by a fraction of a row. Computed
    # from the decimal that was typed, so that 0.07 of 100 is 7 and not 8.
    wanted = math.ceil(Fraction(str(labeled_share)) * len(taken))
    chosen = SeededDraws(seed, _LABELED_STREAM).subset(len(candidates), wanted)
    return Sample(taken, frozenset(candidates[index] for index in chosen), wanted)


def taken_rows(usable: Iterator[LabeledText], taken: Sequence[int]) -> Iterator[tuple[int, LabeledText]]:
    """The rows in `taken`, each with its position among the usable ones; both ascend."""
    wanted = iter(taken)
    next_place = next(wanted, None)
    for place, row in enumerate(usable):
        if place == next_place:
            yield place, row
            next_place = next(wanted, None)

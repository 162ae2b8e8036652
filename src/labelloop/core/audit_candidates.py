"""The table a test is kept in: the objects the model would label, and what people answered about them."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_LABEL

Rows = npt.NDArray[Any]

MOST_VOTES = 3
CANDIDATE = np.dtype(
    [
        ("id", "<i8"),
        ("label", "<i2"),  # the model's
        ("confidence", "<f4"),  # the model's own
        ("uncertainty", "<f4"),  # the chance that it is wrong, as well as one knows
        ("group", "<i2"),  # those certified together
        ("place", "<i4"),  # in the order of drawing, in its group
        ("stage", "<i2"),  # in which people were asked about it, from 1; 0 while nobody was
        ("drawn", "?"),  # by chance; else it was withdrawn, as one of the most doubtful
        ("stake", "<f8"),  # of the wealth, on its draw
        ("votes", "<i2", (MOST_VOTES,)),  # people's answers, in order; -1 for none
    ]
)


def settled_labels(rows: Rows, *, reviewed: bool) -> npt.NDArray[np.int16]:
    """What people say of each candidate; -1 where nobody was asked, or they do not agree yet.

    The first answer counts where it is the model's, or nobody is to review it; else what two people agree
    on, or the last answer where there can be no more.
    """
    votes, model = rows["votes"], rows["label"]
    settled = votes[:, -1].copy()
    for first, second in combinations(range(MOST_VOTES), 2):
        agree = (votes[:, first] == votes[:, second]) & (votes[:, first] != NO_LABEL)
        settled[agree] = votes[agree, first]
    at_once = (votes[:, 0] == model) | (not reviewed)
    return np.asarray(np.where(at_once, votes[:, 0], settled), np.int16)


def refuted(rows: Rows, settled: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Where the model is wrong: no two people, nor the first, gave its label; shape (candidates,)."""
    votes, model = rows["votes"], rows["label"]
    confirmed = (votes[:, 0] == model) | ((votes == model[:, np.newaxis]).sum(axis=1) >= 2)
    return np.asarray((settled != NO_LABEL) & ~confirmed)

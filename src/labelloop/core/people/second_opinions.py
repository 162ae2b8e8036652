"""People's answers about objects that are asked about again, until two people agree.

They stand in tables, structured arrays of shape (objects,) and ascending by `id`, with the fields `id`,
`label` and `confidence` (the model's) and `votes` (people's answers, in order; -1 for none).
"""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_LABEL, Ids

Rows = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

# With three, one of a hundred objects that the model has right would count as wrong where people err in ten
# answers of a hundred: two more settle most of these.
MOST_VOTES = 5
VOTES = ("votes", "<i2", (MOST_VOTES,))


def settled_labels(rows: Rows, *, reviewed: bool) -> npt.NDArray[np.int16]:
    """What people say of each object; -1 where nobody was asked, or they do not agree yet.

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


def refuted(rows: Rows, settled: npt.NDArray[np.int16]) -> Flags:
    """Where the model is wrong: no two people, nor the first, gave its label; shape (objects,)."""
    votes, model = rows["votes"], rows["label"]
    confirmed = (votes[:, 0] == model) | ((votes == model[:, np.newaxis]).sum(axis=1) >= 2)
    return np.asarray((settled != NO_LABEL) & ~confirmed)


def undecided(rows: Rows, settled: npt.NDArray[np.int16], *, reviewed: bool) -> Flags:
    """Where there can be no more answers, and people never agreed; shape (objects,).

    `rows` have a field `undecided` for the objects that people were not asked about often enough.
    """
    votes, model = rows["votes"], rows["label"]
    agreed = (votes == settled[:, np.newaxis]).sum(axis=1) >= 2
    return np.asarray(
        rows["undecided"] | (reviewed & (settled != NO_LABEL) & (votes[:, 0] != model) & ~agreed)
    )


def mistaken(rows: Rows, settled: npt.NDArray[np.int16]) -> Flags:
    """Where the first answer is not what people settled on; shape (objects,)."""
    return np.asarray((settled != NO_LABEL) & (rows["votes"][:, 0] != settled))


class SecondOpinions:
    """Objects people are asked about until their label is settled: spot_checks, or a test's candidates."""

    def __init__(self, rows: Rows, *, reviewed: bool) -> None:
        """`reviewed`: where people and model differ, more people are asked until two agree."""
        self.rows = rows
        self.reviewed = reviewed

    def awaited(self) -> Ids:
        """Objects whose label is not settled yet."""
        return np.asarray(self.rows["id"][self.settled() == NO_LABEL])

    def disputed(self) -> Ids:
        """Objects people have answered about and not agreed on: with the model, or twice with each other."""
        voted = self.rows["votes"][:, 0] != NO_LABEL
        return np.asarray(self.rows["id"][voted & (self.settled() == NO_LABEL)])

    def still_disputed(self) -> Rows:
        """The rows of the disputed objects: the next round asks about them again."""
        return self.rows[np.isin(self.rows["id"], self.disputed())]

    def vote(self, ids: Ids, labels: npt.NDArray[np.integer]) -> None:
        """Note one more answer about each of some objects; shapes (answers,)."""
        places = np.searchsorted(self.rows["id"], ids)
        votes = self.rows["votes"]
        votes[places, (votes[places] != NO_LABEL).sum(axis=1)] = labels

    def let_stand(self, ids: Ids) -> None:
        """Take the first answer about disputed objects for good: nobody gave another."""
        self.vote(ids, self.rows["votes"][np.searchsorted(self.rows["id"], ids), 0])

    def answers(self) -> tuple[Ids, npt.NDArray[np.int16]]:
        """Objects whose label is settled, with it; ids and labels, shapes (answered,).

        An object whose answers are still disputed has none yet.
        """
        settled = self.settled()
        known = settled != NO_LABEL
        return np.asarray(self.rows["id"][known]), settled[known]

    def findings(self) -> tuple[npt.NDArray[np.float32], Flags, Flags]:
        """Of the settled ones: the model's confidence, whether it was wrong, and the first who answered."""
        settled = self.settled()
        known = settled != NO_LABEL
        wrong, erred = refuted(self.rows, settled), mistaken(self.rows, settled)
        return self.rows["confidence"][known], wrong[known], erred[known]

    def settled(self) -> npt.NDArray[np.int16]:
        """The label of each, -1 where it is not settled; shape (objects,)."""
        return settled_labels(self.rows, reviewed=self.reviewed)

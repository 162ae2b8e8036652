"""Probes: of each batch some objects drawn at random, to see how far the model's confidence can be believed.

Where people are asked because the model is unsure says little of how often it errs where it is sure. Where a
probe's answer is not the model's, more people are asked until two agree, as in a test: so the model's errors
are told from people's.
"""

import numpy as np
import numpy.typing as npt

from labelloop.core.expectations import Expectations
from labelloop.core.ledger import NO_LABEL, Ids
from labelloop.core.votes import VOTES, Rows, disputed, let_stand, mistaken, refuted, settled_labels, vote

PROBE = np.dtype([("id", "<i8"), ("label", "<i2"), ("confidence", "<f4"), VOTES])
NO_PROBES: Rows = np.empty(0, PROBE)


class Probes:
    """The probes of a round, and those of earlier rounds that people have not agreed on."""

    def __init__(self, rows: Rows, *, reviewed: bool) -> None:
        """`rows`: of dtype `PROBE`, ascending by id; `reviewed`: whether people are asked again."""
        self.rows = rows
        self.reviewed = reviewed

    @classmethod
    def of(cls, expected: Expectations | None, earlier: Rows, *, reviewed: bool) -> "Probes":
        """Those among what was expected of this round's objects, and `earlier` ones."""
        new = expected[expected["probe"]] if expected is not None else NO_PROBES
        rows = np.zeros(len(new), PROBE)
        for name in ("id", "label", "confidence"):
            rows[name] = new[name]
        rows["votes"] = NO_LABEL
        rows = np.concatenate([earlier, rows])
        return cls(rows[np.argsort(rows["id"])], reviewed=reviewed)

    def awaited(self) -> Ids:
        """Objects whose label is not settled."""
        return np.asarray(self.rows["id"][self._settled() == NO_LABEL])

    def disputed(self) -> Ids:
        """Objects people have not agreed on: with the model, or twice with each other."""
        return disputed(self.rows, self._settled())

    def vote(self, ids: Ids, labels: npt.NDArray[np.integer]) -> None:
        """Note people's answers; shapes (answers,)."""
        vote(self.rows, ids, labels)

    def let_stand(self, ids: Ids) -> None:
        """Take the first answer about disputed objects for good: nobody gave another."""
        let_stand(self.rows, ids)

    def answers(self) -> tuple[Ids, npt.NDArray[np.int16]]:
        """Objects whose label is settled, with it; ids and labels, shapes (answered,)."""
        settled = self._settled()
        known = settled != NO_LABEL
        return np.asarray(self.rows["id"][known]), settled[known]

    def findings(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Of the settled ones: the model's confidence, whether it was wrong, and the first who answered."""
        settled = self._settled()
        known = settled != NO_LABEL
        wrong, erred = refuted(self.rows, settled), mistaken(self.rows, settled)
        return self.rows["confidence"][known], wrong[known], erred[known]

    def still_disputed(self) -> Rows:
        """What the next round is asked about again."""
        return self.rows[np.isin(self.rows["id"], self.disputed())]

    def _settled(self) -> npt.NDArray[np.int16]:
        return settled_labels(self.rows, reviewed=self.reviewed)

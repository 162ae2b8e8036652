"""Taking people's answers into the ledger."""

from array import array
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.manifest.labeling_output import Answer

MOST_TIMES_ASKED = 2
NO_ANSWER = f"people gave no label, asked {MOST_TIMES_ASKED} times"


class HumanLabels:
    """Reads a labeling job's answers once; afterwards knows what became of each object asked about.

    Only the first answer for an object that people were asked about counts. Nothing that has a label gets
    another. Answers about objects drawn at random, for a test or as spot checks, are votes: they become
    labels when they are settled.
    """

    def __init__(self, ledger: Ledger, drawn: Ids = NO_IDS) -> None:
        """`drawn`: objects drawn at random whose label is not settled."""
        self._ledger = ledger
        self._open = ledger.mask(State.POOL) & (ledger.times_asked > 0)
        self._drawn = set(drawn.tolist())
        self._votes: dict[int, int] = {}
        self._ids = array("q")
        self._labels = array("h")
        self._in_vain = array("q")
        self.ignored = 0  # answers about objects nobody was asked about

    @property
    def labeled(self) -> Ids:
        """Objects with a new label that were not drawn at random, in the order of the answers."""
        return np.frombuffer(self._ids, np.int64) if self._ids else np.empty(0, np.int64)

    @property
    def in_vain(self) -> Ids:
        """Objects that people were shown and could not label, in the order of the answers."""
        return np.frombuffer(self._in_vain, np.int64) if self._in_vain else NO_IDS

    def votes_about(self, ids: Ids) -> tuple[Ids, npt.NDArray[np.int16]]:
        """Those of some drawn objects that were answered about, and the labels; shapes (answers,)."""
        voted = np.array(sorted(self._votes.keys() & set(ids.tolist())), np.int64)
        return voted, np.array([self._votes[number] for number in voted.tolist()], np.int16)

    def read(self, answers: Iterable[Answer]) -> None:
        """Take note of answers, in their order."""
        for answer in answers:
            if not (0 <= answer.object_id < len(self._open) and self._open[answer.object_id]):
                self.ignored += 1
            elif answer.label is not None:
                self._open[answer.object_id] = False
                if answer.object_id in self._drawn:
                    self._votes[answer.object_id] = answer.label
                else:
                    self._ids.append(answer.object_id)
                    self._labels.append(answer.label)
            elif answer.failure is not None:
                self._in_vain.append(answer.object_id)

    def record(self, round_number: int) -> None:
        """Write the labels into the ledger."""
        labels = np.frombuffer(self._labels, np.int16) if self._labels else np.empty(0, np.int16)
        self._ledger.label(self.labeled, labels, State.HUMAN, round_number)


def unanswerable(ledger: Ledger, disputed: Ids = NO_IDS) -> Ids:
    """Pool objects that people were asked about often enough in vain; to disputed ones they gave answers."""
    in_vain = ledger.mask(State.POOL) & (ledger.times_asked >= MOST_TIMES_ASKED)
    in_vain[disputed] = False
    return np.flatnonzero(in_vain)

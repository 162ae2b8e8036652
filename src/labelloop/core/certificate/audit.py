"""The test of a certificate: people label some of the objects that the model would label, drawn at random.

The drawn objects are the validation set: the model has never learned from them. They are drawn after the
model has answered, so the test holds whatever came before: however the training labels were chosen, and
however often the model was tested.
"""

import math
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit_evidence import (
    Counted,
    Evidence,
    Group,
    counts_of,
    evidence_of,
    evidence_of_surest,
)
from labelloop.core.certificate.betting import weights
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import NO_IDS, NO_LABEL, Ids
from labelloop.core.people.second_opinions import VOTES, Rows, SecondOpinions
from labelloop.core.records import Verdict

# A test is kept in this table: the objects that the model would label, and people's answers about them.
CANDIDATE = np.dtype(
    [
        ("id", "<i8"),
        ("label", "<i2"),  # the model's
        ("confidence", "<f4"),  # the model's own
        ("uncertainty", "<f4"),  # the chance that the label is wrong, as far as it is known
        ("group", "<i2"),  # objects of one group are certified together
        ("place", "<i4"),  # in its group's order of drawing
        ("margin", "<f4"),  # between the model's two best classes
        ("rank", "<i4"),  # by margin, from the surest; chance orders equal ones
        ("stage", "<i2"),  # the stage, from 1, in which people were asked about it; 0 before that
        ("drawn", "?"),  # at random; if not, people were asked because it is doubtful: it was withdrawn
        ("stake", "<f8"),  # the part of the wealth that was bet on its draw
        ("undecided", "?"),  # people cannot be asked again, and no two agreed, or nobody answered
        VOTES,
    ]
)


def as_candidates(rows: Rows) -> Rows:
    """A table of dtype `CANDIDATE` from one that may be of an earlier version, with fewer fields."""
    if rows.dtype == CANDIDATE:
        return rows
    candidates = np.zeros(len(rows), CANDIDATE)
    for name in rows.dtype.names or ():
        candidates[name] = rows[name]
    return candidates


class Audit(SecondOpinions):
    """Candidates for auto-labels, and people's answers about some of them."""

    def __init__(
        self,
        candidates: Rows,
        groups: list[Group],
        promise: Promise,
        most_draws: int,
        *,
        reviewed: bool,
        tuning: Tuning = DEFAULT,
    ) -> None:
        """`candidates`: of dtype `CANDIDATE`, shape (candidates,), ascending by id.

        `most_draws`: in all groups together; `reviewed`: where people and model differ, more people are asked
        until two agree.
        """
        super().__init__(candidates, reviewed=reviewed)
        self.candidates = candidates
        self.groups = groups
        self.promise = promise
        self.most_draws = most_draws
        self.tuning = tuning

    @classmethod
    def of(
        cls,
        ids: Ids,
        labels: npt.NDArray[np.integer],
        confidence: npt.NDArray[np.floating],
        uncertainty: npt.NDArray[np.floating],
        group_of: npt.NDArray[np.integer],
        groups: list[Group],
        promise: Promise,
        most_draws: int,
        rng: np.random.Generator,
        *,
        margin: npt.NDArray[np.floating] | None = None,
        reviewed: bool,
        tuning: Tuning = DEFAULT,
    ) -> "Audit":
        """All arrays have shape (candidates,). The order of drawing is fixed here, once and for all.

        `margin`: how sure the labels are, where the draws choose how many of the surest pass; by default,
        all pass together.
        """
        candidates = np.zeros(len(ids), CANDIDATE)
        candidates["id"], candidates["label"] = ids, labels
        candidates["confidence"], candidates["uncertainty"] = confidence, uncertainty
        candidates["group"], candidates["votes"] = group_of, NO_LABEL
        for number, group in enumerate(groups):
            members = np.flatnonzero(group_of == number)
            weight = weights(uncertainty[members], group.plan.evenness)
            # Ascending, these keys are successive draws in proportion to the weights, without replacement
            # (Efraimidis & Spirakis, 2006).
            keys = rng.exponential(size=len(members))
            keys /= weight
            candidates["place"][members[np.argsort(keys, kind="stable")]] = np.arange(len(members))
        if margin is not None:
            candidates["margin"] = margin
            surest_first = np.lexsort((rng.permutation(len(ids)), -margin))
            candidates["rank"][surest_first] = np.arange(len(ids))
        return cls(candidates, groups, promise, most_draws, reviewed=reviewed, tuning=tuning)

    # What people are asked about ----------------------------------------------------------------------------

    @property
    def asked(self) -> npt.NDArray[np.bool_]:
        """Whether people were asked about each candidate; shape (candidates,)."""
        return np.asarray(self.candidates["stage"] > 0)

    def next_stage(self, most: int | None = None, *, once: bool = False) -> Ids:
        """Objects to ask people about next: as many as are expected to decide each open group.

        `most`: how many answers there can be; `once`: there can be no later stage, so it is as many as the
        test may take.
        """
        stage = int(self.candidates["stage"].max(initial=0)) + 1
        asked = NO_IDS
        for number in range(len(self.groups)):
            room = sys.maxsize if most is None else most - len(asked)
            asked = np.concatenate([asked, self._ask(number, stage, room, once=once)])
        return np.sort(asked)

    def awaited(self) -> Ids:
        """Objects that people were asked about and whose label is not settled yet, but may be."""
        unsettled = self.asked & (self.settled() == NO_LABEL) & ~self.candidates["undecided"]
        return np.asarray(self.candidates["id"][unsettled])

    def let_stand(self, ids: Ids) -> None:
        """Take the first answer about disputed objects as their label; the test counts them as undecided."""
        super().let_stand(ids)
        self.give_up(ids)

    def give_up(self, ids: Ids) -> None:
        """People cannot be asked again about these objects; those that are no candidates are passed over."""
        self.candidates["undecided"] |= np.isin(self.candidates["id"], ids)

    # What the answers say -----------------------------------------------------------------------------------

    @property
    def chooses(self) -> bool:
        """Whether the draws decide how many of the candidates pass: the surest of them.

        A test that an earlier version began has no ranks.
        """
        return bool(self.candidates["rank"].any())

    # Evidence of large tests takes a while: who asks for more than one thing hands it on.

    def all_evidence(self) -> list[Evidence]:
        """The evidence of each group."""
        return [self.evidence(number) for number in range(len(self.groups))]

    def certified(self, evidence: Sequence[Evidence] | None = None) -> npt.NDArray[np.bool_]:
        """The candidates that have passed, with those of them that people were asked about; (candidates,)."""
        found = np.zeros(len(self.candidates), np.bool_)
        for number, of_group in self.passed(evidence).items():
            mine = self.candidates["group"] == number
            found |= mine if of_group.surest is None else mine & (self.candidates["rank"] < of_group.surest)
        return found

    def open_ids(self, evidence: Sequence[Evidence] | None = None) -> Ids:
        """What gets labels: of the candidates that have passed, those that nobody was asked about."""
        return np.asarray(self.candidates["id"][self.certified(evidence) & ~self.asked])

    def passed(self, evidence: Sequence[Evidence] | None = None) -> dict[int, Evidence]:
        """The evidence of each group whose test has passed, by the group's number."""
        found = self.all_evidence() if evidence is None else evidence
        return {number: of_group for number, of_group in enumerate(found) if of_group.passes}

    def outcome(self, evidence: Sequence[Evidence] | None = None) -> Verdict:
        """Of all groups: open as long as one of them is; after that, passed if one of them has."""
        if len(self.awaited()):
            return Verdict.OPEN
        evidence = self.all_evidence() if evidence is None else evidence
        verdicts = {self.verdict(number, found) for number, found in enumerate(evidence)}
        for verdict in (Verdict.OPEN, Verdict.PASSED):
            if verdict in verdicts:
                return verdict
        return Verdict.FAILED

    def evidence(self, number: int) -> Evidence:
        """What is known by now about a group, or about the part of it that passes."""
        rows, group = self._rows(number), self.groups[number]
        if self.chooses:
            most = self.most_draws
            return evidence_of_surest(
                rows, group, self.promise, most, reviewed=self.reviewed, tuning=self.tuning
            )
        return evidence_of(rows, group, self.promise, reviewed=self.reviewed, tuning=self.tuning)

    def counts(self, number: int, evidence: Evidence) -> Counted:
        """All candidates of a group; `evidence`: that of the group."""
        if evidence.surest is None:
            return evidence
        rows = self._rows(number)
        return counts_of(rows, self.groups[number], reviewed=self.reviewed, tuning=self.tuning)

    def verdict(self, number: int, evidence: Evidence) -> Verdict:
        """Whether a group's test has passed, and whether it is worth going on."""
        if evidence.way.answers == 0:
            return Verdict.PASSED
        if self.chooses:
            return self._goes_on(evidence)
        planned, giving_up = self.groups[number].plan.draws, self.tuning.giving_up
        least = max(self.tuning.drawing.least_stage, giving_up.patience_share * evidence.candidates)
        most = min(giving_up.patience * planned + least, self.most_draws / len(self.groups))
        answered = evidence.drawn + evidence.withdrawn
        if answered + evidence.way.answers > most or not evidence.open_objects:
            return Verdict.FAILED
        return Verdict.OPEN

    def _goes_on(self, evidence: Evidence) -> Verdict:
        """Of a test that could label more, or that can label nothing yet."""
        asked = int(self.asked.sum())
        # The first draws tell more than what is expected of them.
        if not asked or asked + evidence.way.answers <= self.most_draws:
            return Verdict.OPEN
        # On a budget that leaves labels open, what is drawn costs nothing that could be saved.
        if not evidence.passes and self.promise.leaves_labels_open and asked < self.most_draws:
            return Verdict.OPEN
        return Verdict.PASSED if evidence.passes else Verdict.FAILED

    def _ask(self, number: int, stage: int, room: int, *, once: bool) -> Ids:
        evidence, planned = self.evidence(number), self.groups[number].plan.draws
        drawing = self.tuning.drawing
        if self.verdict(number, evidence) != Verdict.OPEN:
            return NO_IDS
        withdrawn, drawn = 0, min(evidence.way.draws, planned - evidence.drawn)
        if self.chooses:
            expected = min(evidence.way.draws, self.most_draws)
            drawn = expected * (1 if self.asked.any() else drawing.first_stage)
        elif not evidence.drawn:
            drawn = drawing.first_stage * planned
        elif evidence.drawn >= planned:
            # Not sooner: a few bad draws may be bad luck.
            withdrawn, drawn = evidence.way.withdrawn, evidence.way.draws
        if once:
            # Not all: nothing is promised about objects that are drawn.
            of_all = self.counts(number, evidence)
            most = drawing.most_in_only_stage * of_all.open_objects
            drawn = min(self.tuning.giving_up.patience * planned - of_all.drawn, most)
        asked = evidence.drawn + evidence.withdrawn
        least = min(drawing.least_stage, math.ceil(drawing.least_growth * asked) or drawing.least_stage)
        drawn = min(room, max(least, math.ceil(drawn)))
        return np.concatenate(
            [
                self._withdraw(number, stage, min(withdrawn, room - drawn)),
                self._draw(number, stage, drawn, evidence.way.stake),
            ]
        )

    def _withdraw(self, number: int, stage: int, count: int) -> Ids:
        rows = self._open_rows(number)
        doubtful_first = np.argsort(-self.candidates["uncertainty"][rows], kind="stable")
        return self._take(rows[doubtful_first], stage, count)

    def _draw(self, number: int, stage: int, count: int, stake: float) -> Ids:
        rows = self._open_rows(number)
        taken = self._take(rows[np.argsort(self.candidates["place"][rows], kind="stable")], stage, count)
        drawn = np.searchsorted(self.candidates["id"], taken)
        self.candidates["drawn"][drawn], self.candidates["stake"][drawn] = True, stake
        return taken

    def _rows(self, number: int) -> Rows:
        """A group's candidates. Of a test with one group there is no copy of them all."""
        if len(self.groups) == 1:
            return self.candidates
        return np.asarray(self.candidates[self.candidates["group"] == number])

    def _open_rows(self, number: int) -> npt.NDArray[np.int64]:
        return np.flatnonzero((self.candidates["group"] == number) & ~self.asked)

    def _take(self, rows: npt.NDArray[np.int64], stage: int, count: int) -> Ids:
        room = max(0, self.most_draws - int(self.asked.sum()))
        taken = rows[: min(count, room)]
        self.candidates["stage"][taken] = stage
        return np.asarray(self.candidates["id"][taken])

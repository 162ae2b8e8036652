"""An audit under way: the Loop, with the given labels as its model, which people's answers teach.

With the same file, settings, seed and answers, an audit asks the same. So it can be stopped at any time and
replayed from the answers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.promise import share_of
from labelloop.core.certificate.tuning import GIVEN_LABELS
from labelloop.core.errors import RequestError
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.loop import EndedLoop, Loop, RoundOutcome
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.prior_labels import PriorLabelModel, PriorLabels
from labelloop.core.query_strategies import load_query_strategy, looks_for_doubt
from labelloop.core.records import RoundRecord
from labelloop.core.settings import LoopSettings
from labelloop.core.stopping import Next
from labelloop.simulation import Watcher

# Where the labels of a kind are equally doubtful, no strategy tells their objects apart.
QUERY_STRATEGY = "margin"
# A batch is a file to fill in or a sitting at the workbench: fewer, larger ones than a model is trained for.
_BATCH_SHARE, _LEAST_BATCH = 0.05, 10

Answers = Mapping[int, int | None]  # class index by id; None where people looked and could not say


@dataclass(frozen=True)
class AuditBatch:
    """What people are asked about next; ids ascend."""

    number: int  # from 1
    asked: Ids
    again: Ids  # those of them that somebody has answered about before


@dataclass(frozen=True)
class TestDraws:
    """A test of the audit: what it was of, and who was asked."""

    __test__ = False  # pytest: it is no test case

    audit: Audit
    number: int  # from 0


@dataclass
class AuditRun:
    """The audit of labels that are given."""

    priors: PriorLabels
    classes: int
    loop: Loop
    watchers: Sequence[Watcher] = ()
    start: Ids = field(default_factory=NO_IDS.copy)  # what the first batch drew from all rows, evenly
    tests: list[TestDraws] = field(default_factory=list)
    records: list[RoundRecord] = field(default_factory=list)
    batch: AuditBatch | None = None  # that people have been asked about, and have not answered yet

    @classmethod
    def begin(
        cls, priors: PriorLabels, classes: int, settings: LoopSettings, watchers: Sequence[Watcher] = ()
    ) -> "AuditRun":
        strategy = load_query_strategy(QUERY_STRATEGY)
        settings = replace(settings, looks_for_doubt=looks_for_doubt(strategy))
        loop = Loop.begin(settings, Ledger.of_size(len(priors)), tuning=GIVEN_LABELS)
        return cls(priors, classes, loop, watchers)

    @property
    def answers(self) -> int:
        """People's answers so far: one for each label, and those about objects asked about again."""
        return self.loop.counts.human_labels + self.loop.repeated_answers

    def next_batch(self) -> AuditBatch | None:
        """What people are asked about next; None when the audit has ended."""
        while self.batch is None or not len(self.batch.asked):
            if self.batch is not None:
                # A test that needs no draws, of all that is left.
                self.hear({})
            self.batch = self._select()
            if self.batch is None:
                return None
        return self.batch

    def _select(self) -> AuditBatch | None:
        decision = self.loop.decide()
        if decision.next == Next.EXPORT:
            return None
        predictions = self._ask_labels() if decision.next == Next.TRAIN else None
        asked_before = self.loop.ledger.times_asked > 0
        selection = self.loop.select(predictions, load_query_strategy(QUERY_STRATEGY))
        if self.loop.round == 1:
            self.start = selection.asked
        again = selection.asked[asked_before[selection.asked]]
        return AuditBatch(self.loop.round, selection.asked, again)

    def hear(self, answers: Answers) -> RoundOutcome:
        """Take in the answers about the batch; objects that are missing were not shown to anyone."""
        assert self.batch is not None, "there is no batch to answer"
        said = (Answer(number, answers[number], {}) for number in sorted(answers))
        not_shown = np.setdiff1d(self.batch.asked, np.array(sorted(answers), np.int64))
        test = self.loop.test
        outcome = self.loop.hear_people(said, not_shown=[not_shown] if len(not_shown) else [])
        if test is not None and outcome.ended_test is not None:
            self.tests.append(TestDraws(outcome.ended_test, len(self.tests)))
        self.records.append(outcome.record)
        self.batch = None
        for watcher in self.watchers:
            watcher.people_heard(self.loop, outcome)
        return outcome

    def test_draws(self) -> list[TestDraws]:
        """All tests, with the one under way."""
        under_way = self.loop.test
        return [*self.tests, *([TestDraws(under_way.audit, len(self.tests))] if under_way else [])]

    def export(self) -> EndedLoop:
        """How it ended."""
        return self.loop.export(self.loop.decide().stopped_because)

    def _ask_labels(self) -> Predictions:
        loop = self.loop
        for watcher in self.watchers:
            watcher.training(loop)
        channels = loop.split()
        learned = loop.ledger.labels[channels.train]
        model = PriorLabelModel.fit(self.priors, channels.train, learned, self.classes)
        unseen, predictions = loop.ledger.ids(State.POOL, State.VALIDATION), Predictions(len(loop.ledger))
        predictions.put(unseen, model.probabilities(unseen))
        loop.hear_model(predictions)
        for watcher in self.watchers:
            watcher.model_heard(loop, predictions)
        return predictions


def default_batch_size(rows: int) -> int:
    """How many rows people get at once."""
    return max(_LEAST_BATCH, math.ceil(_BATCH_SHARE * rows))


def require_room_for_errors(rows: int, target_error: float) -> None:
    """Raises RequestError where the target allows not one wrong label: then people label every row."""
    if share_of(target_error, rows):
        return
    least = 1 / rows
    raise RequestError(
        f"--target-error {target_error:g} of {rows:,} rows allows no wrong label at all, so people would "
        f"have to label all {rows:,}. The smallest target that can save answers is {least:.3g}: "
        "one wrong label."
    )

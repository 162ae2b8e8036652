"""An audit under way: the Loop, with the given labels as its model, which people's answers teach.

With the same file, settings, seed and answers, an audit asks the same: see `BatchRun`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.promise import share_of
from labelloop.core.certificate.tuning import GIVEN_LABELS
from labelloop.core.errors import RequestError
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.prior_labels import PriorLabelModel, PriorLabels
from labelloop.core.query_strategies import load_query_strategy, looks_for_doubt
from labelloop.core.settings import LoopSettings
from labelloop.in_memory.batch_run import Answers, BatchRun
from labelloop.simulation import Watcher

# Where the labels of a kind are equally doubtful, no strategy tells their objects apart.
QUERY_STRATEGY = "margin"
# A batch is a file to fill in or a sitting at the workbench: fewer, larger ones than a model is trained for.
_BATCH_SHARE, _LEAST_BATCH = 0.05, 10


@dataclass(frozen=True)
class TestDraws:
    """A test of the audit: what it was of, and who was asked."""

    __test__ = False  # pytest: it is no test case

    audit: Audit
    number: int  # from 0


@dataclass(kw_only=True)
class AuditRun(BatchRun):
    """The audit of labels that are given."""

    priors: PriorLabels
    classes: int
    start: Ids = field(default_factory=NO_IDS.copy)  # what the first batch drew from all rows, evenly
    tests: list[TestDraws] = field(default_factory=list)

    @classmethod
    def begin(
        cls, priors: PriorLabels, classes: int, settings: LoopSettings, watchers: Sequence[Watcher] = ()
    ) -> "AuditRun":
        strategy = load_query_strategy(QUERY_STRATEGY)
        settings = replace(settings, looks_for_doubt=looks_for_doubt(strategy))
        loop = Loop.begin(settings, Ledger.of_size(len(priors)), tuning=GIVEN_LABELS)
        return cls(priors=priors, classes=classes, loop=loop, strategy=strategy, watchers=watchers)

    def hear(self, answers: Answers) -> RoundOutcome:
        assert self.batch is not None, "there is no batch to answer"
        if self.batch.number == 1:
            self.start = self.batch.asked
        test = self.loop.test
        outcome = super().hear(answers)
        if test is not None and outcome.ended_test is not None:
            self.tests.append(TestDraws(outcome.ended_test, len(self.tests)))
        return outcome

    def test_draws(self) -> list[TestDraws]:
        """All tests, with the one under way."""
        under_way = self.loop.test
        return [*self.tests, *([TestDraws(under_way.audit, len(self.tests))] if under_way else [])]

    def predictions(self) -> Predictions:
        """The given labels, as far as people's answers bear them out."""
        loop = self.loop
        channels = loop.split()
        learned = loop.ledger.labels[channels.train]
        model = PriorLabelModel.fit(self.priors, channels.train, learned, self.classes)
        unseen, predictions = loop.ledger.ids(State.POOL, State.VALIDATION), Predictions(len(loop.ledger))
        predictions.put(unseen, model.probabilities(unseen))
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

"""The report of a run in memory: what a run of the state machine reports, compared with the truth."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.inverse_probability import inclusion_chances_of
from labelloop.core.ledger import Ledger
from labelloop.core.loop import EndedLoop, Loop, RoundOutcome
from labelloop.core.model.predictions import Predictions
from labelloop.core.people.human_labels import NO_ANSWER
from labelloop.core.records import ModelQuality, Report, RoundRecord
from labelloop.core.report.document import EndedRun, Failures, report_of
from labelloop.core.report.model_quality import (
    ModelQualityCollector,
    example_ids,
    tells_of_the_rest,
    with_excerpts,
)
from labelloop.core.report.scoring import compared_with_truth, score_ledger
from labelloop.simulation import Labels, Watcher

# Some 20 bytes each. Of larger runs the report has the last model alone.
MOST_PREDICTIONS_HELD = 5_000_000


class RunInMemory(Protocol):
    """A run that has ended."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def ended(self) -> EndedLoop: ...

    @property
    def records(self) -> Sequence[RoundRecord]: ...


@dataclass(frozen=True)
class _Asked:
    """A round's model, with the ledger it saw."""

    predictions: Predictions
    ledger: Ledger
    threshold: float | None


@dataclass
class ReportWatcher(Watcher):
    """Keeps what a report needs while the run goes on."""

    _asked: dict[int, _Asked] = field(default_factory=dict)
    _chances: npt.NDArray[Any] | None = None  # of the last test that ended, in this round:
    _ended_test: RoundRecord | None = None

    def model_heard(self, loop: Loop, predictions: Predictions) -> None:
        if (len(self._asked) + 1) * len(loop.ledger) > MOST_PREDICTIONS_HELD:
            self._asked.clear()
        threshold = loop.model.threshold if loop.model else None
        self._asked[loop.round] = _Asked(_for_the_report(predictions), loop.ledger.copy(), threshold)

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:  # noqa: ARG002
        if outcome.ended_test is not None:
            self._chances, self._ended_test = inclusion_chances_of(outcome.ended_test), outcome.record

    def report(
        self,
        run: RunInMemory,
        *,
        execution: str,
        settings: dict[str, Any],
        classes: tuple[str, ...],
        texts: Sequence[str],
        truth: Labels | None,
    ) -> Report:
        """The report of the run that was watched, compared with the truth where that is known.

        settings: the request's block `ActiveLearning`, with its defaults
        """
        quality = self._quality(run, len(classes))
        records = {number: {"source": texts[number]} for number in example_ids(quality)}
        ended = EndedRun(
            loop=run.ended,
            execution=execution,
            requested=settings,
            query_strategy=settings["QueryStrategy"],
            classes=classes,
            rounds=tuple(run.records),
        )
        report = report_of(ended, _failures(run.ended), with_excerpts(quality, records))
        if truth is None:
            return report
        return compared_with_truth(report, score_ledger(run.ledger, truth), truth.tolist())

    def _quality(self, run: RunInMemory, classes: int) -> ModelQuality | None:
        ended = self._ended_test
        tells = ended is not None and tells_of_the_rest(ended, run.records[-1])
        collector = ModelQualityCollector(
            run.ledger, classes, run.ended.settings.confidence, self._chances if tells else None
        )
        for number, asked in self._asked.items():
            collector.add(number, asked.ledger, asked.predictions, asked.threshold)
        return collector.record()


def _for_the_report(predictions: Predictions) -> Predictions:
    """Without what only query strategies read."""
    kept = copy(predictions)
    kept.embedding = kept.disagreement = None
    kept.entropy = np.empty(0, np.float32)
    return kept


def _failures(ended: EndedLoop) -> Failures:
    failures = Failures()
    for number in np.flatnonzero(ended.failed | ended.unlabeled).tolist():
        failures.note(number + 1, NO_ANSWER if ended.failed[number] else ended.why_unlabeled)
    return failures

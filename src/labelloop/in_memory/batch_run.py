"""A run under way in memory, between two batches of answers.

With the same data, settings, seed, predictions and answers, a run asks the same. So it can be stopped at any
time and replayed from the answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from labelloop.core.ledger import Ids
from labelloop.core.loop import EndedLoop, Loop, RoundOutcome
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import QueryStrategy
from labelloop.core.records import RoundRecord
from labelloop.core.stopping import Next
from labelloop.simulation import Watcher

Answers = Mapping[int, int | None]  # class index by id; None where people looked and could not say


@dataclass(frozen=True)
class Batch:
    """What people are asked about next; ids ascend."""

    number: int  # from 1
    asked: Ids
    again: Ids  # those of them that somebody has answered about before


class People(Protocol):
    """Those who answer."""

    def ask(self, batch: Batch) -> Answers | None:
        """Their answers; None when they are still to come: then the same command asks for them again."""
        ...


@dataclass(kw_only=True)
class BatchRun(ABC):
    """A run whose people answer when they like."""

    loop: Loop
    strategy: QueryStrategy
    watchers: Sequence[Watcher] = ()
    records: list[RoundRecord] = field(default_factory=list)
    batch: Batch | None = None  # that people have been asked about, and have not answered yet

    @abstractmethod
    def predictions(self) -> Predictions:
        """What the round's model says about pool and validation set. It calls the loop's `split`."""

    @property
    def answers(self) -> int:
        """People's answers so far: one for each label, and those about objects asked about again."""
        return self.loop.counts.human_labels + self.loop.repeated_answers

    def next_batch(self) -> Batch | None:
        """What people are asked about next; None when the run has ended."""
        while self.batch is None or not len(self.batch.asked):
            if self.batch is not None:
                # A test that needs no draws, of all that is left.
                self.hear({})
            self.batch = self._select()
            if self.batch is None:
                return None
        return self.batch

    def hear(self, answers: Answers) -> RoundOutcome:
        """Take in the answers about the batch; objects that are missing were not shown to anyone."""
        assert self.batch is not None, "there is no batch to answer"
        said = (Answer(number, answers[number], {}) for number in sorted(answers))
        not_shown = np.setdiff1d(self.batch.asked, np.array(sorted(answers), np.int64))
        outcome = self.loop.hear_people(said, not_shown=[not_shown] if len(not_shown) else [])
        self.records.append(outcome.record)
        self.batch = None
        for watcher in self.watchers:
            watcher.people_heard(self.loop, outcome)
        return outcome

    def export(self) -> EndedLoop:
        """How it ended."""
        return self.loop.export(self.loop.decide().stopped_because)

    def _select(self) -> Batch | None:
        decision = self.loop.decide()
        if decision.next == Next.EXPORT:
            return None
        predictions = self._hear_model() if decision.next == Next.TRAIN else None
        asked_before = self.loop.ledger.times_asked > 0
        asked = self.loop.select(predictions, self.strategy).asked
        return Batch(self.loop.round, asked, asked[asked_before[asked]])

    def _hear_model(self) -> Predictions:
        for watcher in self.watchers:
            watcher.training(self.loop)
        predictions = self.predictions()
        self.loop.hear_model(predictions)
        for watcher in self.watchers:
            watcher.model_heard(self.loop, predictions)
        return predictions

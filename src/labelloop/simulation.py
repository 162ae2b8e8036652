"""A whole run in memory on data whose labels are known: what a policy costs, and how accurate the labels are.

It drives the same Loop as the steps on AWS, without S3, jobs or a state machine. With the same model, people
and seed, a run ends here as it does there, object for object. Tests compare the two.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import Counts, Ids, Ledger, State
from labelloop.core.loop import AutoLabelRule, EndedLoop, Loop, RoundOutcome, Selection
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.people.label_review import Review
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.query_strategies import QueryStrategy, load_query_strategy, looks_for_doubt
from labelloop.core.randomness import seed_of_model
from labelloop.core.records import Certificate, RoundRecord
from labelloop.core.stopping import Next
from labelloop.workflow.request import parse_settings

Labels = npt.NDArray[np.integer]
Probabilities = npt.NDArray[np.floating]


class Answers(Protocol):
    """What a model says about some objects."""

    def predictions(self, size: int, ids: Ids) -> Predictions:
        """The same as reading the transform job's output; `ids`: of these objects, among `size`."""
        ...


@dataclass(frozen=True)
class ModelAnswers:
    """Answers as arrays."""

    probabilities: Probabilities  # shape (objects, classes)
    embedding: npt.NDArray[np.floating] | None = None  # shape (objects, numbers)
    disagreement: npt.NDArray[np.floating] | None = None  # nats; shape (objects,)

    def predictions(self, size: int, ids: Ids) -> Predictions:
        predictions = Predictions(size)
        predictions.put(ids, np.asarray(self.probabilities, np.float64))
        if self.embedding is not None:
            predictions.embedding = np.zeros((size, self.embedding.shape[1]), "<f2")
            predictions.embedding[ids] = self.embedding
        if self.disagreement is not None:
            predictions.disagreement = np.zeros(size, "<f4")
            predictions.disagreement[ids] = self.disagreement
        return predictions


Predict = Callable[[Any], ModelAnswers]


class Model(Protocol):
    """What a container does in one round."""

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Callable[[Any], Answers]:
        """Learn from some objects, and return a predictor for others; rows of `inputs` are objects."""
        ...


@runtime_checkable
class AnswersAtOnce(Protocol):
    """What a labeler does that trains nothing, as `core.model.given_labels`."""

    def predict(self, ledger: Ledger, classes: int) -> Predictions:
        """About pool and validation set; `ledger` has people's labels."""
        ...


@runtime_checkable
class TakesHoldout(Protocol):
    """A model that also sees the labels it does not learn from: a container's channel `validation`."""

    def with_holdout(self, inputs: Any, labels: Labels) -> Model:
        """The model for a round in which these objects are held out."""
        ...


class Watcher:
    """Is told what happens in a run. A subclass takes note of what it wants to know."""

    def training(self, loop: Loop) -> None:
        """A round's model is about to learn."""

    def model_heard(self, loop: Loop, predictions: Predictions) -> None:
        """The model has answered; the ledger is as the model saw it."""

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        """People have answered, and the round has ended."""


@dataclass(frozen=True)
class Batch:
    """What people say about one round's selection."""

    answers: Iterable[Answer]
    reviews: Iterable[Review] = ()  # labels given before, about which people were asked again
    not_shown: tuple[Ids, ...] = ()  # objects of a batch that was closed early: not all of them were shown


class People(Protocol):
    """The people who label: what a labeling backend does in one round."""

    def label(self, loop: Loop, selection: Selection) -> Batch:
        """Answers about the objects selected in the loop's current round."""
        ...


@dataclass(frozen=True)
class PeopleWhoKnow:
    """Simulated people, who know the truth and make mistakes at a given rate."""

    people: SimulatedPeople

    def label(self, loop: Loop, selection: Selection) -> Batch:
        """One answer about each object."""
        return Batch(self._answers(loop.round, selection.asked))

    def _answers(self, round_number: int, asked: Ids) -> Iterator[Answer]:
        for number in asked.tolist():
            yield Answer(number, self.people.answer(number, f"r{round_number:03d}"), {})


@dataclass(frozen=True)
class TrainedRound:
    """A round that had a model, before people were asked."""

    number: int
    human_labels: int
    accuracy: float  # on the pool
    best_human_labels: int  # if the best threshold were known now, and people labeled the rest
    expected_error: float | None
    tested: bool


@dataclass(frozen=True)
class SimulatedRun:
    """How a run ended, compared with the truth."""

    ledger: Ledger
    rounds: int
    tests: int
    certificate: Certificate | None
    stopped_because: str
    human_share: float  # counts what the limits leave without a label: people would have to label it
    answers: int  # people's answers: one per label, plus repeated ones
    auto_labels: int
    auto_label_error: float  # share of wrong auto-labels; 0 without auto-labels
    dataset_error: float  # share of wrong labels among all, where people's count as right
    oracle_human_share: float  # with the best threshold in the best round, known without a test
    ended: EndedLoop
    history: list[TrainedRound] = field(default_factory=list)
    records: list[RoundRecord] = field(default_factory=list)


def simulate(
    inputs: Any,
    truth: Labels,
    model: Model | AnswersAtOnce,
    settings: Mapping[str, Any] | None = None,
    *,
    people: People | None = None,
    strategy: QueryStrategy | None = None,
    rule: AutoLabelRule | None = None,
    labeled: Iterable[int] = (),
    tuning: Tuning = DEFAULT,
    watchers: Sequence[Watcher] = (),
) -> SimulatedRun:
    """Label a data set whose labels are known; returns what it cost and how accurate the labels are.

    inputs: anything whose rows can be picked by an array of ids
    truth: class indices, shape (objects,)
    settings: the request's block `ActiveLearning`; its seed is 0 unless given: a repeated run is the same
    people: replaces the simulated people whose faults the settings name
    strategy: replaces the query strategy that the settings name
    rule: replaces labelloop's rule for what is auto-labeled
    labeled: ids of the objects whose label comes with the input
    tuning: replaces labelloop's constants, to search for better ones
    watchers: are told what happens, round by round

    Raises RequestError or QueryStrategyError when the settings or the strategy cannot be used.
    """
    block = parse_settings({"Seed": 0, **(settings or {})})
    classes = int(truth.max()) + 1
    ledger = Ledger.of_size(len(truth))
    given = np.asarray(list(labeled), np.int64)
    ledger.label(given, truth[given], State.HUMAN, 0)
    chosen = strategy or load_query_strategy(block.query_strategy)
    learns = not isinstance(model, AnswersAtOnce)
    policy = block.loop_settings(looks_for_doubt=looks_for_doubt(chosen), labels_ahead=learns)
    loop = Loop.begin(policy, ledger, tuning=tuning)
    if people is None:
        categories = LabelCategories(tuple(map(str, range(classes))))
        known = array("h", truth.tolist())
        people = PeopleWhoKnow(SimulatedPeople.with_faults(known, categories, block.simulated_people))
    run = _Run(loop, inputs, truth, classes, model, people, chosen, rule, watchers)
    return run.result(run.to_the_end())


def ask_model(model: Model | AnswersAtOnce, inputs: Any, loop: Loop, classes: int) -> Predictions:
    """What the round's model says about pool and validation set; rows of `inputs` are objects."""
    channels, ledger = loop.split(), loop.ledger
    if isinstance(model, AnswersAtOnce):
        return model.predict(ledger, classes)
    if isinstance(model, TakesHoldout):
        model = model.with_holdout(inputs[channels.holdout], ledger.labels[channels.holdout])
    seed = seed_of_model(loop.settings.seed) + loop.round
    predict = model.fit(inputs[channels.train], ledger.labels[channels.train], classes, seed)
    unseen = ledger.ids(State.POOL, State.VALIDATION)
    return predict(inputs[unseen]).predictions(len(ledger), unseen)


@dataclass
class _Run:
    loop: Loop
    inputs: Any
    truth: Labels
    classes: int
    model: Model | AnswersAtOnce
    people: People
    strategy: QueryStrategy
    rule: AutoLabelRule | None
    watchers: Sequence[Watcher]
    history: list[TrainedRound] = field(default_factory=list)
    records: list[RoundRecord] = field(default_factory=list)

    def to_the_end(self) -> str:
        """Run round after round; returns why it stopped."""
        decision, ahead = self.loop.decide(), Batch(())
        while decision.next != Next.EXPORT:
            predictions = self._train_and_predict() if decision.next == Next.TRAIN else None
            selection = self.loop.select(predictions, self.strategy)
            batch = self.people.label(self.loop, selection)
            outcome = self.loop.hear_people(
                chain(ahead.answers, batch.answers),
                reviews=chain(ahead.reviews, batch.reviews),
                not_shown=batch.not_shown,
            )
            ahead = self._labeled_ahead(selection)
            self.records.append(outcome.record)
            for watcher in self.watchers:
                watcher.people_heard(self.loop, outcome)
            decision = self.loop.decide()
        return decision.stopped_because or ""

    def _labeled_ahead(self, selection: Selection) -> Batch:
        """What people say while the next model learns; the loop hears it a round later."""
        if not len(selection.ahead):
            return Batch(())
        return self.people.label(self.loop, Selection(selection.ahead))

    def _train_and_predict(self) -> Predictions:
        loop = self.loop
        for watcher in self.watchers:
            watcher.training(loop)
        predictions, tests = ask_model(self.model, self.inputs, loop, self.classes), loop.schedule.tests
        loop.hear_model(predictions, self.rule)
        for watcher in self.watchers:
            watcher.model_heard(loop, predictions)
        self._note(predictions, tested=loop.schedule.tests > tests)
        return predictions

    def _note(self, predictions: Predictions, *, tested: bool) -> None:
        loop, pool, counts = self.loop, self.loop.ledger.ids(State.POOL), self.loop.counts
        right = predictions.label[pool] == self.truth[pool]
        most = _most_within(predictions.margin[pool], right, loop.promise())
        self.history.append(
            TrainedRound(
                number=loop.round,
                human_labels=counts.human_labels,
                accuracy=float(right.mean()) if len(pool) else 1.0,
                best_human_labels=counts.input - counts.auto - most,
                expected_error=loop.model.expected_error if loop.model else None,
                tested=tested,
            )
        )

    def result(self, stopped_because: str) -> SimulatedRun:
        loop, counts, ended = self.loop, self.loop.counts, self.loop.export(stopped_because)
        auto = loop.ledger.ids(State.AUTO)
        wrong = loop.ledger.labels[auto] != self.truth[auto]
        people, ended = _left_to_people(counts), loop.export(stopped_because)
        return SimulatedRun(
            ledger=loop.ledger,
            rounds=loop.round - 1,
            tests=loop.schedule.tests,
            certificate=ended.certificate,
            stopped_because=stopped_because,
            human_share=people / len(self.truth),
            answers=counts.human_labels + loop.repeated_answers,
            auto_labels=len(auto),
            auto_label_error=float(wrong.mean()) if len(auto) else 0.0,
            dataset_error=float(wrong.sum()) / max(1, counts.human_labels + counts.auto),
            oracle_human_share=min([people, *(each.best_human_labels for each in self.history)])
            / len(self.truth),
            ended=ended,
            history=self.history,
            records=self.records,
        )


def _left_to_people(counts: Counts) -> int:
    return counts.human_labels + counts.unlabeled + counts.failed


def _most_within(margin: npt.NDArray[np.floating], right: npt.NDArray[np.bool_], promise: Promise) -> int:
    """How many objects the best threshold labels; equal margins stay together."""
    order = np.argsort(-margin, kind="stable")
    errors = np.cumsum(~right[order])
    allowed = [promise.allowed(count) for count in range(1, len(order) + 1)]
    ends = np.append(margin[order][1:] < margin[order][:-1], True)[: len(order)]
    good = np.flatnonzero(ends & (errors <= allowed))
    return int(good[-1]) + 1 if len(good) else 0

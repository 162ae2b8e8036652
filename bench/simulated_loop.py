"""A whole run in memory: the steps' own core functions, in the steps' order, without S3, jobs or people.

What the state machine does between steps is done here in a few lines; everything that decides is
`labelloop.core`'s. Given the same model and seed, a run ends as it does on AWS, object for object: a test
holds the two together.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit, Verdict
from labelloop.core.certificate.auto_labeling import AutoLabeling
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.recorded_predictions import RecordedPredictions, record_predictions
from labelloop.core.people.human_labels import HumanLabels
from labelloop.core.people.second_opinions import Rows
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.people.spot_checks import NO_SPOT_CHECKS, SpotChecks
from labelloop.core.query_strategies import QueryStrategy, load_query_strategy
from labelloop.core.rounds import (
    Selection,
    choose_for_humans,
    conclude_test,
    label_what_is_sure,
    schedule_at_first_model,
    split,
    take_votes,
)
from labelloop.core.stopping import Next, decide
from labelloop.workflow.request import parse_request
from labelloop.workflow.run_state import AuditUnderWay, ModelOutput, RunState, certificate_document

SIMULATED_PEOPLE = {"TruthS3Uri": "s3://simulated/run/truth"}

Labels = npt.NDArray[np.integer]
Probabilities = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Answers:
    """What a model says of some objects."""

    probabilities: Probabilities  # shape (objects, classes)
    embedding: npt.NDArray[np.floating] | None = None  # shape (objects, numbers)
    disagreement: npt.NDArray[np.floating] | None = None  # nats; shape (objects,)


Predict = Callable[[Any], Answers]


class Model(Protocol):
    """What a container does in one round."""

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        """Learn from some objects, and return what predicts others; rows of `inputs` are objects."""
        ...


@dataclass(frozen=True)
class Round:
    """A round that had a model, before people were asked."""

    number: int
    human_labels: int
    accuracy: float  # on the pool
    best_human_labels: int  # if who knows the truth set the threshold now, and people labeled what is left
    expected_error: float | None
    tested: bool


@dataclass(frozen=True)
class RunResult:
    """How a run ended, held against the truth."""

    ledger: Ledger
    rounds: int
    tests: int
    certificate: dict[str, Any] | None
    stopped_because: str
    human_share: float
    answers: int  # of people: one a label, and those of who was asked again
    auto_labels: int
    auto_label_error: float  # share of wrong ones; 0 when there are none
    oracle_human_share: float
    history: list[Round] = field(default_factory=list)


AutoLabel = Callable[[RunState, Ledger, Predictions], AutoLabeling]


@dataclass
class _Run:
    """The state of a run, and what the steps keep in S3."""

    state: RunState
    ledger: Ledger
    inputs: Any
    truth: Labels
    people: SimulatedPeople
    model: Model
    auto_label: AutoLabel
    strategy: QueryStrategy
    audit: Audit | None = None
    disputed_spot_checks: Rows = field(default_factory=NO_SPOT_CHECKS.copy)
    predicted: npt.NDArray[np.int16] = field(init=False)  # by the model under test
    history: list[Round] = field(default_factory=list)


def simulate(
    inputs: Any,
    truth: Labels,
    model: Model,
    settings: dict[str, Any] | None = None,
    *,
    strategy: QueryStrategy | None = None,
    auto_label: AutoLabel = label_what_is_sure,
    labeled: Iterable[int] = (),
) -> RunResult:
    """Label a data set whose labels are known, and see what that took and how well it went.

    `inputs`: anything that an array of ids picks rows of; `truth`: class indices, shape (objects,);
    `settings`: the request's block `ActiveLearning`; `strategy`: instead of the one the settings name;
    `auto_label`: instead of labelloop's rule; `labeled`: ids of the objects whose label the input brings.
    """
    classes = int(truth.max()) + 1
    ledger = Ledger.of_size(len(truth))
    given = np.asarray(list(labeled), np.int64)
    ledger.label(given, truth[given], State.HUMAN, 0)
    state = _new_state(settings or {}, classes, ledger)
    people = SimulatedPeople.with_faults(
        array("h", truth.tolist()),
        LabelCategories(tuple(state.class_names)),
        state.settings.simulated_people,
    )
    asked_by = strategy or load_query_strategy(state.settings.query_strategy)
    run = _Run(state, ledger, inputs, truth, people, model, auto_label, asked_by)
    while run.state.next != Next.EXPORT:
        _round(run)
    return _result(run)


def _round(run: _Run) -> None:
    predictions, committed = None, NO_IDS
    if run.state.next == Next.TRAIN:
        predictions, committed = _train_and_auto_label(run)
    again = run.disputed_spot_checks["id"]
    selection = choose_for_humans(
        run.state, run.ledger, predictions, committed, run.audit, run.strategy, again
    )
    expected = (
        record_predictions(predictions, selection.asked, selection.spot_checks)
        if predictions is not None
        else None
    )
    run.ledger.ask(selection.asked)
    _merge(run, selection, committed, expected)


def _train_and_auto_label(run: _Run) -> tuple[Predictions, Ids]:
    state, ledger = run.state, run.ledger
    channels = split(state, ledger)
    schedule = schedule_at_first_model(state, ledger)
    run.state = state = state.with_ledger(ledger, "").model_copy(update={"schedule": schedule})
    classes = len(state.class_names)
    predict = run.model.fit(
        run.inputs[channels.train], ledger.labels[channels.train], classes, state.settings.seed + state.round
    )
    unseen = ledger.ids(State.POOL, State.VALIDATION)
    predictions = predictions_of(len(ledger), unseen, predict(run.inputs[unseen]))
    labeling = run.auto_label(state, ledger, predictions)
    run.history.append(_watch(run, predictions, labeling))
    run.predicted = predictions.label
    output = ModelOutput(
        predictions_s3_uri="",
        auto_labels_s3_uri="",
        auto_labels=len(labeling.ids),
        left_to_people=labeling.outlook.left_to_people if labeling.outlook else None,
    )
    run.audit = labeling.audit
    under_way = None
    if labeling.audit is not None:
        under_way = AuditUnderWay.of(
            labeling.audit,
            threshold=labeling.threshold or 0.0,
            pool=ledger.counts().pool,
            candidates_s3_uri="",
            auto_labels_s3_uri="",
        )
    run.state = state.model_copy(update={"schedule": labeling.schedule, "model": output, "audit": under_way})
    return predictions, NO_IDS if labeling.audit else labeling.ids


def predictions_of(size: int, ids: Ids, answers: Answers) -> Predictions:
    """What reading the transform job's output gives."""
    probabilities = np.asarray(answers.probabilities, np.float64)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    best, second = np.take_along_axis(probabilities, order, axis=1).T
    predictions = Predictions(size)
    predictions.label[ids] = order[:, 0]
    predictions.confidence[ids] = best
    predictions.margin[ids] = best - second
    predictions.entropy[ids] = -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1)
    if answers.embedding is not None:
        predictions.embedding = np.zeros((size, answers.embedding.shape[1]), "<f2")
        predictions.embedding[ids] = answers.embedding
    if answers.disagreement is not None:
        predictions.disagreement = np.zeros(size, "<f4")
        predictions.disagreement[ids] = answers.disagreement
    return predictions


def _merge(run: _Run, selection: Selection, committed: Ids, expected: RecordedPredictions | None) -> None:
    state, ledger = run.state, run.ledger
    audit = run.audit
    spot_checks = SpotChecks.of(
        expected, run.disputed_spot_checks, reviewed=state.settings.review_disagreements
    )
    people = HumanLabels(ledger, np.union1d(spot_checks.awaited(), audit.awaited() if audit else NO_IDS))
    for _ in people.additions(_answers(run, selection.asked)):
        pass
    people.record(state.round)
    taken = take_votes(state, ledger, spot_checks, audit, people)
    run.disputed_spot_checks = spot_checks.still_disputed()
    state, schedule = taken.state, taken.state.schedule
    changes: dict[str, Any] = {"model": None, "round": state.round + 1}
    if audit is not None:
        test = conclude_test(state, ledger, audit, goes_on=taken.goes_on)
        schedule, committed = test.schedule, test.committed
        changes["certificate"] = certificate_document(test.certificate)
        if test.verdict != Verdict.OPEN:
            changes["audit"] = run.audit = None
    if len(committed):
        ledger.label(committed, run.predicted[committed], State.AUTO, state.round)
    new_labels = len(people.labeled) + len(taken.settled)
    idle = not new_labels and not taken.repeated and not len(committed)
    run.state = state.with_ledger(ledger, "").model_copy(
        update={"idle_rounds": state.idle_rounds + 1 if idle else 0, "schedule": schedule, **changes}
    )
    _decide(run, rounds_done=state.round, new_human_labels=new_labels)


def _answers(run: _Run, asked: Ids) -> Iterator[Answer]:
    for number in asked.tolist():
        label = run.people.answer(number, f"r{run.state.round:03d}")
        yield Answer(number, label, {})


def _decide(run: _Run, *, rounds_done: int, new_human_labels: int) -> None:
    progress = run.state.progress(rounds_done=rounds_done, new_human_labels=new_human_labels)
    decision = decide(progress, run.state.limits)
    run.state = run.state.model_copy(
        update={"next": decision.next, "stopped_because": decision.stopped_because}
    )


def _new_state(settings: dict[str, Any], classes: int, ledger: Ledger) -> RunState:
    here = "s3://simulated/run/"
    request = parse_request(
        {
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": f"{here}input"}}},
            "OutputConfig": {"S3OutputPath": here},
            "LabelingJobNamePrefix": "simulated",
            "LabelAttributeName": "category",
            "LabelCategoryConfigS3Uri": f"{here}classes",
            "RoleArn": "arn:aws:iam::123456789012:role/simulated",
            "ActiveLearning": {
                "LabelingBackend": "simulated",
                "SimulatedPeople": SIMULATED_PEOPLE,
                **settings,
            },
        }
    )
    counts = ledger.counts()
    state = RunState(
        execution_name="simulated",
        prefix=here,
        job_prefix="simulated",
        request=request,
        class_names=[str(index) for index in range(classes)],
        image_uri="simulated",
        labels_in_input=counts.human_labels,
        counts=counts,
        manifest_s3_uri=here,
        ledger_s3_uri=here,
    )
    decision = decide(state.progress(rounds_done=0, new_human_labels=counts.human_labels), state.limits)
    return state.model_copy(update={"next": decision.next, "stopped_because": decision.stopped_because})


def _watch(run: _Run, predictions: Predictions, labeling: AutoLabeling) -> Round:
    pool = run.ledger.ids(State.POOL)
    right = predictions.label[pool] == run.truth[pool]
    most = _most_within_target(predictions.margin[pool], right, run.state.settings.target_error)
    return Round(
        number=run.state.round,
        human_labels=run.ledger.counts().human_labels,
        accuracy=float(right.mean()) if len(pool) else 1.0,
        best_human_labels=len(run.truth) - run.ledger.counts().auto - most,
        expected_error=labeling.outlook.expected_error if labeling.outlook else None,
        tested=labeling.schedule.tests > run.state.schedule.tests,
    )


def _most_within_target(margin: npt.NDArray[np.floating], right: npt.NDArray[np.bool_], target: float) -> int:
    """How many objects the best threshold labels; equal margins stay together."""
    order = np.argsort(-margin, kind="stable")
    errors = np.cumsum(~right[order])
    counts = np.arange(1, len(order) + 1)
    ends = np.append(margin[order][1:] < margin[order][:-1], True)[: len(order)]
    good = np.flatnonzero(ends & (errors <= target * counts))
    return int(good[-1]) + 1 if len(good) else 0


def _result(run: _Run) -> RunResult:
    counts = run.ledger.counts()
    auto = run.ledger.ids(State.AUTO)
    wrong = run.ledger.labels[auto] != run.truth[auto]
    people = counts.human_labels + counts.pool
    return RunResult(
        ledger=run.ledger,
        rounds=run.state.round - 1,
        tests=run.state.schedule.tests,
        certificate=run.state.certificate,
        stopped_because=run.state.stopped_because or "",
        # What no one labeled within the limits is still left to people.
        human_share=people / len(run.truth),
        answers=counts.human_labels + run.state.repeated_answers,
        auto_labels=len(auto),
        auto_label_error=float(wrong.mean()) if len(auto) else 0.0,
        oracle_human_share=min([people, *(watched.best_human_labels for watched in run.history)])
        / len(run.truth),
        history=run.history,
    )

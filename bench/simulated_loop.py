"""A whole run in memory: the steps' own core functions, in the steps' order, without S3, jobs or people.

What the state machine does between steps is done here in a few lines; everything that decides is
`labelloop.core`'s. Given the same model and seed, a run ends as it does on AWS, object for object: a test
holds the two together.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from labelloop.core.auto_labeling import AutoLabeling, auto_label
from labelloop.core.expectations import Expectations, expectations_of, learn_from
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.predictions import Predictions
from labelloop.core.query_strategies import QueryStrategy, load_query_strategy
from labelloop.core.randomness import random_stream
from labelloop.core.request import parse_request
from labelloop.core.run_state import RunState, certificate_document
from labelloop.core.selection import (
    Selection,
    select_at_random,
    select_most_useful,
    top_up_validation,
)
from labelloop.core.splitting import draw_validation_set, split_with_holdout, split_with_validation_set
from labelloop.core.stopping import Next, decide, objects_to_ask

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
    auto_labels: int
    auto_label_error: float  # share of wrong ones; 0 when there are none
    oracle_human_share: float
    history: list[Round] = field(default_factory=list)


AutoLabel = Callable[..., AutoLabeling]


@dataclass
class _Run:
    """The state of a run, and what the steps keep in S3."""

    state: RunState
    ledger: Ledger
    inputs: Any
    truth: Labels
    model: Model
    auto_label: AutoLabel
    strategy: QueryStrategy | None
    history: list[Round] = field(default_factory=list)


def simulate(
    inputs: Any,
    truth: Labels,
    model: Model,
    settings: dict[str, Any] | None = None,
    *,
    strategy: QueryStrategy | None = None,
    auto_label: AutoLabel = auto_label,
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
    run = _Run(state, ledger, inputs, truth, model, auto_label, strategy)
    while run.state.next != Next.EXPORT:
        _round(run)
    return _result(run)


def _round(run: _Run) -> None:
    predictions, labeling = _train_and_auto_label(run) if run.state.next == Next.TRAIN else (None, None)
    auto_labeled = labeling.ids if labeling else NO_IDS
    certificate = certificate_document(labeling.certificate) if labeling else None
    has_certificate = (certificate or run.state.certificate) is not None
    selection = _select(run, predictions, auto_labeled)
    top_up = _top_up(run, selection, has_certificate=has_certificate)
    expected = None
    if predictions is not None:
        expected = expectations_of(predictions, np.union1d(selection.asked, selection.released))
    run.ledger.release_to_training(selection.released)
    asked = np.union1d(selection.asked, top_up)
    run.ledger.ask(asked)
    _merge(run, asked, top_up, predictions, labeling, certificate, expected)


def _train_and_auto_label(run: _Run) -> tuple[Predictions, AutoLabeling]:
    state, ledger = run.state, run.ledger
    if not state.validation_drawn:
        rng = random_stream(state.settings.seed, "validation set")
        draw_validation_set(ledger, state.limits.validation, rng, input_is_random=state.input_is_random)
    if state.settings.policy == "blog":
        split = split_with_validation_set(ledger)
    else:
        share = state.settings.model.holdout_share or 0.0
        split = split_with_holdout(ledger, share, random_stream(state.settings.seed, "holdout", state.round))
    looks = state.looks
    if not looks.human_labels:
        looks = replace(looks, human_labels=ledger.counts().human_labels)
    run.state = state = state.with_ledger(ledger, "").model_copy(
        update={"validation_drawn": True, "looks": looks}
    )
    classes = len(state.class_names)
    predict = run.model.fit(
        run.inputs[split.train], ledger.labels[split.train], classes, state.settings.seed + state.round
    )
    unseen = ledger.ids(State.POOL, State.VALIDATION)
    predictions = predictions_of(len(ledger), unseen, predict(run.inputs[unseen]))
    last = state.progress(rounds_done=state.round - 1, new_human_labels=0).is_last_round(state.limits)
    labeling = run.auto_label(ledger, predictions, state.settings, looks, state.limits.batch, last=last)
    run.history.append(_watch(run, predictions, labeling))
    run.state = state.model_copy(update={"looks": labeling.looks})
    return predictions, labeling


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


def _select(run: _Run, predictions: Predictions | None, auto_labeled: Ids) -> Selection:
    state = run.state
    rng = random_stream(state.settings.seed, "selection", state.round)
    progress = state.progress(rounds_done=state.round - 1, new_human_labels=0)
    limits = state.limits
    now = state.settings.policy != "blog" and len(auto_labeled) > 0
    certified = now or state.certificate is not None
    count = objects_to_ask(progress, limits, with_model=predictions is not None, certified=certified)
    if predictions is None:
        return select_at_random(run.ledger, count, rng)
    strategy = run.strategy or load_query_strategy(state.settings.query_strategy)
    return select_most_useful(
        run.ledger,
        predictions,
        auto_labeled,
        count,
        strategy,
        rng,
        hidden_pool=state.settings.policy != "blog",
    )


def _top_up(run: _Run, selection: Selection, *, has_certificate: bool) -> Ids:
    state = run.state
    if state.settings.policy == "blog" or not state.validation_drawn or has_certificate:
        return NO_IDS
    progress = state.progress(rounds_done=state.round - 1, new_human_labels=0)
    most = progress.human_labels_left(state.limits) - len(selection.asked)
    rng = random_stream(state.settings.seed, "validation top-up", state.round)
    return top_up_validation(
        run.ledger, selection, state.looks.validation_wanted, state.fewest_validation, most, rng
    )


def _merge(
    run: _Run,
    asked: Ids,
    top_up: Ids,
    predictions: Predictions | None,
    labeling: AutoLabeling | None,
    certificate: dict[str, Any] | None,
    expected: Expectations | None,
) -> None:
    state, ledger = run.state, run.ledger
    ledger.label(asked, run.truth[asked], State.HUMAN, state.round)
    ledger.keep_for_validation(top_up)
    looks = state.looks if expected is None else learn_from(state.looks, expected, ledger)
    if predictions is not None and labeling is not None:
        ledger.label(labeling.ids, predictions.label[labeling.ids], State.AUTO, state.round)
    idle = not len(asked) and not (labeling and len(labeling.ids))
    run.state = state.with_ledger(ledger, "").model_copy(
        update={
            "idle_rounds": state.idle_rounds + 1 if idle else 0,
            "certificate": certificate or state.certificate,
            "looks": looks,
        }
    )
    _decide(run, rounds_done=state.round, new_human_labels=len(asked))
    run.state = run.state.model_copy(update={"round": state.round + 1})


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
                "SimulatedPeople": {"TruthS3Uri": f"{here}truth"},
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
        tested=labeling.looks.tests > run.state.looks.tests,
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
        tests=run.state.looks.tests,
        certificate=run.state.certificate,
        stopped_because=run.state.stopped_because or "",
        # What no one labeled within the limits is still left to people.
        human_share=people / len(run.truth),
        auto_labels=len(auto),
        auto_label_error=float(wrong.mean()) if len(auto) else 0.0,
        oracle_human_share=min([people, *(watched.best_human_labels for watched in run.history)])
        / len(run.truth),
        history=run.history,
    )

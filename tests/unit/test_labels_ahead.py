"""People label while the next model learns: what they get, what becomes of it, what no test may touch."""

import json
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelloop.core.errors import LedgerError
from labelloop.core.ledger import Counts, Ids, Ledger, State
from labelloop.core.loop import Loop, RoundOutcome, Selection
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.people.spot_checks import SPOT_CHECK
from labelloop.core.query_strategies import load_query_strategy
from labelloop.core.settings import LoopSettings
from labelloop.core.stopping import (
    Decision,
    Limits,
    Next,
    Standing,
    decide,
    objects_ahead,
    only_hears_people,
)
from labelloop.simulation import Batch, PeopleWhoKnow, SimulatedRun, Watcher, simulate
from labelloop.workflow.request import parse_settings
from labelloop.workflow.run_state import RunState
from tests.unit.test_loop_runs import by_chance
from tests.words import CATEGORIES, WordCounts, texts

SIZE = 400
LIMITS = Limits(start=20, validation=0, batch=10, new_human_labels=100, rounds=50, fewest_draws=5)
STANDING = Standing(
    counts=Counts(input=100, pool=80, validation=0, human=20, auto=0, failed=0),
    labels_in_input=0,
    round_number=1,
    new_human_labels=20,
    idle_rounds=0,
)
RANDOM = load_query_strategy("random")


def ids(*numbers: int) -> Ids:
    return np.array(numbers, np.int64)


def answered(numbers: Ids, label: int = 0) -> list[Answer]:
    return [Answer(number, label, {}) for number in numbers.tolist()]


# How many -------------------------------------------------------------------------------------------------


def test_a_share_of_the_batch_is_ahead_while_a_model_will_learn() -> None:
    assert objects_ahead(STANDING, LIMITS, 0.5, asked=10) == 5
    assert objects_ahead(STANDING, LIMITS, 0.25, asked=10) == 3, "rounded up"
    assert objects_ahead(STANDING, LIMITS, 1.0, asked=10) == 10
    assert objects_ahead(STANDING, LIMITS, 0.0, asked=10) == 0
    beginning = replace(STANDING, counts=replace(STANDING.counts, human=0, pool=100), round_number=0)
    assert objects_ahead(beginning, LIMITS, 1.0, asked=20) == 10, "of a batch, also where the start is larger"
    assert objects_ahead(beginning, LIMITS, 1.0, asked=19) == 0, "the next round asks people without a model"


@pytest.mark.parametrize(
    ("standing", "limits"),
    [
        (STANDING, replace(LIMITS, rounds=2)),  # it is the last round
        (STANDING, replace(LIMITS, new_human_labels=30)),  # the batch takes all that is left
        (STANDING, replace(LIMITS, new_human_labels=40)),  # nothing would be left for a test
        (STANDING, replace(LIMITS, fewest_draws=61)),  # too few would be left for one
        (replace(STANDING, rest_for_people=True), LIMITS),
        (replace(STANDING, testing=True), LIMITS),
    ],
)
def test_nothing_is_ahead_where_no_model_will_learn(standing: Standing, limits: Limits) -> None:
    assert objects_ahead(standing, limits, 1.0, asked=10) == 0


def test_what_is_ahead_is_on_the_budget_until_it_is_heard() -> None:
    limits = replace(LIMITS, new_human_labels=40)
    ahead = replace(STANDING, counts=replace(STANDING.counts, pool=68, ahead=12))
    assert ahead.human_labels_left(limits) == 8
    assert ahead.human_labels_to_come(limits) == 20
    assert replace(STANDING).human_labels_left(limits) == 20


@pytest.mark.parametrize(
    "ended",
    [
        {"counts": Counts(input=100, pool=0, validation=0, human=95, auto=0, failed=0, ahead=5)},
        {"idle_rounds": 2},
        {"round_number": 50},
        {"counts": Counts(input=100, pool=0, validation=0, human=100, auto=0, failed=0, ahead=5)},
    ],
)
def test_a_run_does_not_end_before_it_has_heard_what_people_said_ahead(ended: dict[str, Any]) -> None:
    counts = Counts(input=100, pool=75, validation=0, human=20, auto=0, failed=0, ahead=5)
    standing = replace(STANDING, **{"counts": counts, **ended})
    assert decide(standing, LIMITS) == Decision(Next.SELECT)
    assert only_hears_people(standing, LIMITS)
    heard = replace(standing, counts=replace(standing.counts, ahead=0))
    assert decide(heard, LIMITS).next == Next.EXPORT
    assert not only_hears_people(heard, LIMITS)
    assert not only_hears_people(replace(STANDING, counts=counts), LIMITS)


@pytest.mark.parametrize(
    ("backend", "image", "share"),
    [("workbench", "an-image", 0.5), ("workbench", None, 0.0), ("groundtruth", "an-image", 0.0)],
)
def test_only_the_workbench_asks_ahead_and_only_where_a_model_is_trained(
    backend: str, image: str | None, share: float
) -> None:
    event = json.loads((Path(__file__).parents[2] / "events/merge_labels.json").read_bytes())
    state = RunState.read(event["State"])
    asked = {"LabelingBackend": backend, "Workbench": {"LabelAheadShare": 0.5}, "Seed": 1}
    request = state.request.model_copy(update={"active_learning": parse_settings(asked)})
    state = state.model_copy(update={"request": request, "image_uri": image})
    assert state.loop_settings.ahead_share == share
    unsaid = parse_settings({"LabelingBackend": "workbench", "Seed": 1})
    assert unsaid.loop_settings(labels_ahead=True).ahead_share == 0, "off unless asked for"


# The ledger -----------------------------------------------------------------------------------------------


def test_an_object_ahead_has_left_the_pool_until_it_is_returned() -> None:
    ledger = Ledger.of_size(4)
    ledger.ask_ahead(ids(1, 2), 3)
    assert ledger.counts() == Counts(input=4, pool=2, validation=0, human=0, auto=0, failed=0, ahead=2)
    assert ledger.counts().unlabeled == 4
    assert ledger.ids(State.POOL).tolist() == [0, 3]
    for refused in (
        ledger.ask,
        lambda one: ledger.label(one, [0], State.AUTO, 4),
        lambda one: ledger.fail(one, 4),
    ):
        with pytest.raises(LedgerError, match="object 1 is AHEAD"):
            refused(ids(1))
    assert Ledger.from_bytes(ledger.to_bytes()).asked_ahead_before(4).tolist() == [1, 2]
    assert ledger.asked_ahead_before(3).tolist() == [], "the round that chose them does not hear of them"
    ledger.return_to_pool(ids(2))
    assert ledger.state_of(2) == State.POOL
    assert (int(ledger.rounds[2]), int(ledger.times_asked[2])) == (0, 1)
    with pytest.raises(LedgerError, match="object 0 is POOL, not AHEAD"):
        ledger.return_to_pool(ids(0))


# A round after the other ----------------------------------------------------------------------------------


def loop_with_a_batch_ahead(**settings: Any) -> tuple[Loop, Selection]:
    """People have been asked about the first labels, and have others ahead."""
    chosen = LoopSettings(start_size=20, batch_size=10, ahead_share=0.5, **settings)
    loop = Loop.begin(chosen, Ledger.of_size(200))
    return loop, loop.select(None, RANDOM)


def predictions_of(loop: Loop) -> Predictions:
    predictions = Predictions(len(loop.ledger))
    numbers = loop.ledger.ids(State.POOL)
    sure = np.linspace(0.5, 0.99, len(numbers))
    predictions.put(numbers, np.stack([sure, 1 - sure], axis=1))
    return predictions


def test_the_next_round_hears_them_and_what_nobody_answered_is_in_the_pool_again() -> None:
    loop, first = loop_with_a_batch_ahead()
    assert (len(first.asked), len(first.ahead)) == (20, 5)
    assert not np.intersect1d(first.asked, first.ahead).size
    outcome = loop.hear_people(answered(first.asked))
    assert outcome.record.counts.ahead == 5, "this round does not hear of them"
    assert outcome.record.next == Next.TRAIN
    second = loop.select(predictions_of(loop), RANDOM)
    assert not np.intersect1d(first.ahead, np.union1d(second.asked, second.ahead)).size
    labeled, skipped, unseen = first.ahead[:2], first.ahead[2:3], first.ahead[3:]
    heard = loop.hear_people(
        [
            *answered(labeled, 1),
            Answer(int(skipped[0]), None, {}, "skipped: blurred"),
            *answered(second.asked),
        ]
    )
    assert np.isin(labeled, heard.labeled).all()
    assert (loop.ledger.labels[labeled] == 1).all()
    assert (loop.ledger.rounds[labeled] == 2).all()
    assert {loop.ledger.state_of(int(one)) for one in (*skipped, *unseen)} == {State.POOL}
    assert loop.ledger.times_asked[skipped].tolist() == [1], "asked once more, then it is given up"
    assert loop.ledger.times_asked[unseen].tolist() == [0, 0], "as if nobody had been asked"
    assert heard.record.labeled_by_people == 12
    assert heard.record.sent_to_people == 13, "those that people have seen"
    assert (loop.ledger.mask(State.AHEAD) == np.isin(np.arange(200), second.ahead)).all()


def test_the_models_doubt_about_them_is_noted_as_that_of_others() -> None:
    loop, first = loop_with_a_batch_ahead()
    loop.hear_people(answered(first.asked))
    second = loop.select(predictions_of(loop), RANDOM)
    loop.hear_people([*answered(second.asked), *answered(first.ahead)])
    assert len(second.recorded_ahead) == 5  # type: ignore[arg-type]
    before = loop.schedule
    third = loop.select(None, RANDOM)
    loop.hear_people([*answered(third.asked), *answered(second.ahead)])
    assert loop.schedule.learned_from - before.learned_from == 5, "of this round's, there was no model"
    assert loop.schedule.doubts > before.doubts


def test_the_last_round_only_hears_what_people_were_given() -> None:
    loop, first = loop_with_a_batch_ahead()
    loop.hear_people(answered(first.asked))
    loop.disputed = np.zeros(1, SPOT_CHECK)  # people do not agree on an object, and nobody can be asked
    loop.disputed["id"], loop.disputed["label"] = loop.ledger.ids(State.POOL)[0], 1
    loop.disputed["votes"] = [[0, -1, -1, -1, -1]]
    loop.settings = replace(loop.settings, max_rounds=1)  # an execution that goes on may have fewer
    assert loop.decide().next == Next.SELECT
    last = loop.select(None, RANDOM)
    assert (len(last.asked), len(last.ahead)) == (0, 0)
    heard = loop.hear_people(answered(first.ahead))
    assert heard.labeled.tolist() == first.ahead.tolist()
    assert len(heard.settled) == 1, "its first answer stands"
    assert loop.decide().next == Next.EXPORT


def test_a_promise_about_the_whole_data_set_counts_what_people_can_still_give() -> None:
    """Also what they have ahead: what they leave of it, others can be asked about with the same budget."""
    settings: dict[str, Any] = {"certificate_for": "dataset", "max_human_labels": 90}
    loop, first = loop_with_a_batch_ahead(**settings)
    without = Loop.begin(loop.settings, Ledger.of_size(200)).promise()
    assert len(first.ahead) == 5
    assert loop.human_labels_left() == 85
    assert loop.promise() == without


def test_the_posts_rules_have_nothing_ahead() -> None:
    _, first = loop_with_a_batch_ahead(policy="blog", validation_size=10)
    assert len(first.asked)
    assert not len(first.ahead)


# Whole runs -----------------------------------------------------------------------------------------------


@dataclass
class PeopleOfBoth:
    """They answer what is ahead in part only, and are asked about nothing that they have answered."""

    people: PeopleWhoKnow
    share: float  # of what is ahead that they come to
    rng: np.random.Generator
    said: dict[int, list[int]] = field(default_factory=dict)
    ahead: Ids = field(default_factory=lambda: ids())
    labeled_ahead: int = 0

    def label(self, loop: Loop, selection: Selection) -> Batch:
        is_ahead = len(selection.asked) > 0 and np.array_equal(selection.asked, self.ahead)
        disputed = set(loop.disputed["id"].tolist())
        if loop.test is not None:
            disputed |= set(loop.test.audit.disputed().tolist())
        answers = []
        for answer in self.people.label(loop, selection).answers:
            if answer.label is None or (is_ahead and self.rng.random() > self.share):
                continue
            assert answer.object_id not in self.said or answer.object_id in disputed, "asked twice"
            self.said.setdefault(answer.object_id, []).append(answer.label)
            answers.append(answer)
        self.ahead = ids() if is_ahead else selection.ahead
        self.labeled_ahead += is_ahead * len(answers)
        assert sum(map(len, self.said.values())) <= loop.limits.new_human_labels
        return Batch(answers)


@dataclass
class Guard(Watcher):
    """Checks after each step that nothing but people has to do with what is ahead."""

    tests: int = 0
    tests_with_some_ahead: int = 0

    def model_heard(self, loop: Loop, predictions: Predictions) -> None:
        ahead = loop.ledger.ids(State.AHEAD)
        assert not predictions.present[ahead].any(), "the model is not asked about them"
        if loop.test is not None:
            self.tests += 1
            self.tests_with_some_ahead += bool(len(ahead))
            assert not np.isin(ahead, loop.test.audit.candidates["id"]).any()
        if loop.proposal is not None:
            assert not np.isin(ahead, loop.proposal.ids).any()

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        counts = loop.counts
        ahead = loop.ledger.ids(State.AHEAD)
        assert counts.human_labels + counts.auto + counts.failed + counts.pool + counts.ahead == counts.input
        assert (loop.ledger.labels[ahead] == -1).all()
        assert (loop.ledger.rounds[ahead] == outcome.record.round).all(), "each is heard a round later"
        if loop.test is not None or outcome.record.test is not None:
            assert not counts.ahead, "nothing is ahead while a test is under way"


def run(seed: int, **settings: Any) -> tuple[SimulatedRun, PeopleOfBoth, Guard]:
    rng = np.random.default_rng(seed)
    every = int(rng.integers(5, 40))
    truth = by_chance(SIZE, every)
    simulated = SimulatedPeople(
        array("h", truth.tolist()),
        CATEGORIES,
        error_rate=float(rng.choice([0.0, 0.1])),
        unanswered_share=float(rng.choice([0.0, 0.05])),
        seed=seed,
    )
    people = PeopleOfBoth(PeopleWhoKnow(simulated), float(rng.choice([0.0, 0.5, 1.0])), rng)
    chosen = {
        "Workbench": {"LabelAheadShare": float(rng.choice([0.3, 1.0, 2.0]))},
        "CertificateFor": str(rng.choice(["all", "dataset"])),
        "TargetError": float(rng.choice([0.1, 0.2])),
        "Seed": seed,
        **({"MaxHumanLabels": int(rng.integers(40, 200))} if rng.random() < 0.3 else {}),
        **({"MaxRounds": int(rng.integers(2, 7))} if rng.random() < 0.3 else {}),
        **({"BatchSize": int(rng.integers(5, 40))} if rng.random() < 0.5 else {}),
        **settings,
    }
    guard = Guard()
    inputs = WordCounts.inputs([text for text, _ in texts(SIZE)])
    ended = simulate(inputs, truth, WordCounts(), chosen, people=people, watchers=[guard])
    return ended, people, guard


@pytest.mark.slow
def test_nothing_that_people_say_is_lost_whatever_the_run() -> None:
    ahead = tests = 0
    for seed in range(60):
        ended, people, guard = run(seed)
        assert not ended.ledger.counts().ahead
        assert not np.isin(ended.ledger.ids(State.AUTO), list(people.said)).any()
        human = ended.ledger.ids(State.HUMAN, State.VALIDATION)
        assert set(human.tolist()) == set(people.said), seed
        for number, said in people.said.items():
            ((most, times),) = Counter(said).most_common(1)
            assert ended.ledger.labels[number] == (most if times > 1 else said[0])
        assert sum(record.labeled_by_people for record in ended.records) == len(human)
        ahead += people.labeled_ahead
        tests += guard.tests_with_some_ahead
    assert ahead > 500, "else this shows nothing"
    assert tests > 10


def test_the_same_seed_and_answers_give_the_same_labels() -> None:
    one, other = (run(7, Workbench={"LabelAheadShare": 1.0})[0] for _ in range(2))
    assert one.ledger.to_bytes() == other.ledger.to_bytes()
    assert one.records == other.records

"""The Loop by itself: its verbs in order, whatever its model and its people say, without a state machine."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.costs import PriceList
from labelloop.core.ledger import NO_LABEL, Ids, Ledger, State
from labelloop.core.loop import Loop, RoundOutcome, Selection
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.people.label_review import Review
from labelloop.core.query_strategies import load_query_strategy
from labelloop.core.records import RoundRecord, Verdict
from labelloop.core.settings import LoopSettings
from labelloop.core.stopping import Next

CLASSES = 3
MARGIN = load_query_strategy("margin")
QUICK = LoopSettings(target_error=0.2, start_size=20, batch_size=10)


def truth_of(size: int, seed: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.random.default_rng(seed).integers(0, CLASSES, size)


@dataclass
class Model:
    """Right about most objects, and sure of nearly all; what it says depends on the round alone."""

    truth: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    error: float = 0.02
    confidence: float = 0.97

    def __call__(self, loop: Loop) -> Predictions:
        rng = np.random.default_rng([7, loop.round])
        ids = loop.ledger.ids(State.POOL, State.VALIDATION)
        predictions = Predictions(len(self.truth))
        wrong = rng.random(len(ids)) < self.error
        predictions.label[ids] = (self.truth[ids] + wrong) % CLASSES
        predictions.confidence[ids] = self.confidence + (1 - self.confidence) * rng.random(len(ids)) * 0.9
        predictions.margin[ids] = 2 * predictions.confidence[ids] - 1
        predictions.entropy[ids] = 1 - predictions.confidence[ids]
        return predictions


Reply = Callable[[Loop, Selection], list[Answer]]


def right(truth: Ids) -> Reply:
    return lambda _loop, selection: [Answer(n, int(truth[n]), {}) for n in selection.asked.tolist()]


def one_round(loop: Loop, model: Model, reply: Reply) -> tuple[Selection, RoundOutcome]:
    predictions = None
    if loop.decide().next == Next.TRAIN:
        loop.split()
        predictions = model(loop)
        loop.hear_model(predictions)
    selection = loop.select(predictions, MARGIN)
    return selection, loop.hear_people(reply(loop, selection))


def to_the_end(loop: Loop, model: Model, reply: Reply) -> list[RoundRecord]:
    records = []
    while loop.decide().next != Next.EXPORT:
        records.append(one_round(loop, model, reply)[1].record)
    return records


def begin(size: int = 300, settings: LoopSettings = QUICK) -> tuple[Loop, Model]:
    return Loop.begin(settings, Ledger.of_size(size)), Model(truth_of(size))


def test_it_ends_with_every_object_labeled_and_a_certificate_that_holds() -> None:
    loop, model = begin()
    records = to_the_end(loop, model, right(model.truth))
    assert loop.decide().stopped_because == "every data object is labeled"
    assert loop.certificate is not None
    auto = loop.ledger.ids(State.AUTO)
    assert len(auto) == loop.certificate.auto_labels > 200
    assert np.mean(loop.ledger.labels[auto] != model.truth[auto]) <= loop.certificate.error_bound
    people = loop.ledger.ids(State.HUMAN, State.VALIDATION)
    assert np.array_equal(loop.ledger.labels[people], model.truth[people])
    assert [record.round for record in records] == list(range(1, len(records) + 1))
    assert records[-1].next == Next.EXPORT
    assert all(record.next == Next.TRAIN or record.test or record.certificate for record in records[:-1])
    assert sum(record.labeled_by_people for record in records) == loop.counts.human_labels
    assert sum(record.auto_labels_committed for record in records) == loop.counts.auto


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    def ledger_of(seed: int) -> bytes:
        loop, model = begin(settings=replace(QUICK, seed=seed))
        to_the_end(loop, model, right(model.truth))
        return loop.ledger.to_bytes()

    assert ledger_of(1) == ledger_of(1) != ledger_of(2)


def test_a_loop_taken_up_between_any_two_verbs_goes_on_as_the_whole_one() -> None:
    """The steps load and keep it: nothing may live outside its fields."""
    whole, model = begin()
    to_the_end(whole, model, right(model.truth))
    loop, model = begin()
    while loop.decide().next != Next.EXPORT:
        predictions = None
        if loop.decide().next == Next.TRAIN:
            loop.split()
            loop = replace(loop)
            predictions = model(loop)
            loop.hear_model(predictions)
            loop = replace(loop)
        selection = loop.select(predictions, MARGIN)
        loop = replace(loop, ledger=Ledger.from_bytes(loop.ledger.to_bytes()).copy())
        loop.hear_people(right(model.truth)(loop, selection))
        loop = replace(loop)
    assert loop.ledger.to_bytes() == whole.ledger.to_bytes()


def test_objects_that_nobody_answers_are_asked_about_once_more_then_given_up() -> None:
    loop, model = begin(size=12)
    silent = {3, 5}

    def reply(_loop: Loop, selection: Selection) -> list[Answer]:
        return [Answer(n, int(model.truth[n]), {}) for n in selection.asked.tolist() if n not in silent]

    first, outcome = one_round(loop, model, reply)
    assert silent <= set(first.asked.tolist())
    assert not len(outcome.given_up)
    second, outcome = one_round(loop, model, reply)
    assert set(second.asked.tolist()) == silent == set(outcome.given_up.tolist())
    assert loop.counts.failed == 2
    assert loop.decide().stopped_because == "every data object has a label or a reason why it can have none"


def test_a_batch_that_is_closed_early_costs_its_objects_nothing() -> None:
    loop, model = begin(size=12)
    for _ in range(4):
        selection = loop.select(None, MARGIN)
        seen = selection.asked[:1]
        answers = [Answer(n, int(model.truth[n]), {}) for n in seen.tolist()]
        outcome = loop.hear_people(answers, not_shown=[selection.asked])
        assert outcome.labeled.tolist() == seen.tolist()
        assert not len(outcome.given_up)
    assert loop.counts.human == 4
    assert not loop.ledger.times_asked[loop.ledger.ids(State.POOL)].any()


def test_nobody_answers_and_the_loop_stops() -> None:
    loop, model = begin()
    records = to_the_end(loop, model, lambda _loop, _selection: [])
    assert len(records) == 2
    assert loop.decide().stopped_because == "people gave no new label in 2 rounds in a row"
    assert loop.counts.human_labels == 0


def test_labels_changed_on_review_are_the_ledgers_and_are_counted_as_answers() -> None:
    loop, model = begin(settings=replace(QUICK, max_human_labels=40))
    selection, _ = one_round(loop, model, right(model.truth))
    number = int(selection.asked[0])
    before, new = int(loop.ledger.labels[number]), (int(loop.ledger.labels[number]) + 1) % CLASSES
    left = loop.human_labels_left()
    review = Review(number, before, "changed", new, {"category": new})
    loop.split()
    predictions = model(loop)
    loop.hear_model(predictions)
    loop.select(predictions, MARGIN)
    outcome = loop.hear_people([], reviews=[review])
    assert loop.ledger.labels[number] == new
    assert outcome.review.changed == {number: {"category": new}}
    assert outcome.record.label_review.changed == 1
    assert loop.human_labels_left() == left - 1


def test_a_budget_is_never_exceeded_whatever_is_asked_again() -> None:
    loop, model = begin(settings=replace(QUICK, max_cost=60.0, prices=PriceList(1.0, 0.0)))
    rng = np.random.default_rng(0)
    given = 0

    def reply(_loop: Loop, selection: Selection) -> list[Answer]:
        nonlocal given
        given += len(selection.asked)
        return [Answer(n, int(rng.integers(CLASSES)), {}) for n in selection.asked.tolist()]

    to_the_end(loop, model, reply)
    assert 50 < given <= 60
    assert loop.counts.human_labels + loop.repeated_answers <= 60


@pytest.mark.slow
def test_what_a_failed_test_has_drawn_is_trained_on() -> None:
    loop, model = begin(size=600)
    model.error, verdicts = 0.35, []
    while loop.decide().next != Next.EXPORT:
        _, outcome = one_round(loop, model, right(model.truth))
        if outcome.record.test is not None:
            verdicts.append(outcome.record.test.verdict)
            if outcome.record.test.verdict == Verdict.FAILED:
                assert outcome.ended_test is not None
                assert loop.counts.validation == 0
    assert Verdict.FAILED in verdicts
    assert loop.counts.auto == 0


def test_another_tuning_reaches_the_whole_run() -> None:
    def spot_checks(share: float) -> int:
        tuning = replace(DEFAULT, rounds=replace(DEFAULT.rounds, spot_checks=share))
        model = Model(truth_of(300), error=0.3, confidence=0.5)
        loop = Loop.begin(QUICK, Ledger.of_size(300), tuning=tuning)
        one_round(loop, model, right(model.truth))
        selection, _ = one_round(loop, model, right(model.truth))
        return len(selection.spot_checks)

    assert spot_checks(0.0) == 0
    assert spot_checks(0.5) == 5


replies = st.lists(
    st.tuples(st.integers(-2, 45), st.none() | st.integers(0, CLASSES - 1), st.booleans()), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.sampled_from(["default", "blog"]), st.lists(replies, max_size=12))
def test_whatever_people_say_the_ledger_sums_and_no_label_changes_but_by_review(
    seed: int, policy: str, rounds: list[list[tuple[int, int | None, bool]]]
) -> None:
    size = 40
    loop = Loop.begin(
        replace(QUICK, seed=seed, policy="blog" if policy == "blog" else "default", start_size=8),
        Ledger.of_size(size),
    )
    model = Model(truth_of(size, seed), error=0.3)
    before = loop.ledger.labels.copy()

    def reply(_loop: Loop, selection: Selection) -> list[Answer]:
        said = rounds[loop.round - 1]
        asked = selection.asked
        # Some answer what they are asked about, others whatever comes to their mind.
        return [
            Answer(int(asked[number % len(asked)]) if sensible and len(asked) else number, label, {})
            for number, label, sensible in said
        ]

    while loop.decide().next != Next.EXPORT and loop.round <= len(rounds):
        _, outcome = one_round(loop, model, reply)
        counts = loop.counts
        total = counts.pool + counts.validation + counts.human + counts.auto + counts.failed
        assert total == counts.input == size
        had_label = before != NO_LABEL
        assert (loop.ledger.labels[had_label] == before[had_label]).all()
        new = set(np.flatnonzero((loop.ledger.labels != NO_LABEL) & ~had_label).tolist())
        parts = [outcome.labeled, outcome.settled, outcome.auto_labels]
        assert new == set(np.concatenate(parts).tolist())
        assert len(new) == sum(map(len, parts)), "each in one of them"
        assert outcome.record.counts == counts
        before = loop.ledger.labels.copy()


def test_a_promise_about_the_data_set_leaves_out_labels_that_the_input_brings_by_machine() -> None:
    """Nobody tests them: they are no reason to allow more wrong labels among the others."""
    ledger = Ledger.of_size(1_000)
    ledger.label(np.arange(400), np.zeros(400, np.int16), State.AUTO, 0)
    loop = Loop.begin(LoopSettings(certificate_for="dataset", target_error=0.05), ledger)
    assert loop.promise().output == 600
    assert loop.promise().allowed(600) == 30, "not 50"
    ledger.label(np.arange(400, 500), np.zeros(100, np.int16), State.AUTO, 3)
    assert loop.promise().output == 600, "the run's own are among them"

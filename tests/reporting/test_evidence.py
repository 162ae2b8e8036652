"""Evidence against what anybody would count by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.report.model_quality import (
    MOST_CURVE_POINTS,
    ModelQualityCollector,
    Unlearned,
    confusion,
    coverage_curve,
    likely_label_errors,
    near_threshold,
    with_excerpts,
)

from .conftest import MadeUpRun

SCORED = st.lists(st.tuples(st.integers(0, 30).map(lambda n: n / 30), st.booleans()), min_size=1, max_size=80)
LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 4)), max_size=60)


@pytest.mark.slow
@given(SCORED, st.floats(0, 1))
def test_each_point_of_the_curve_is_what_lies_above_its_score(
    scored: list[tuple[float, bool]], threshold: float
) -> None:
    scores, correct = (np.array(column) for column in zip(*scored, strict=True))
    curve = coverage_curve(scores, correct, 0.9, threshold)
    for point in curve:
        above = correct[scores >= point.score]
        assert point.covered == len(above)
        assert point.coverage == len(above) / len(scores)
        assert point.accuracy == pytest.approx(above.mean())
        assert point.bound <= point.accuracy
    assert [point.score for point in curve] == sorted(set(scores.tolist()), reverse=True)


def test_a_long_curve_is_thinned_and_keeps_its_end_and_the_threshold() -> None:
    scores = np.linspace(1, 0, 5000)
    curve = coverage_curve(scores, np.ones(5000, bool), 0.9, float(scores[1233]))
    assert len(curve) <= MOST_CURVE_POINTS + 1
    assert curve[-1].covered == 5000
    assert 1234 in {point.covered for point in curve}


def test_no_objects_make_no_curve() -> None:
    assert coverage_curve(np.empty(0), np.empty(0, bool), 0.9) == ()


@given(LABELS)
def test_confusion_counts_every_pair_that_was_read(labels: list[tuple[int, int]]) -> None:
    people, model = (np.array([pair[side] for pair in labels], np.int16) for side in (0, 1))
    counted = confusion(people, model)
    read = [pair for pair in labels if pair[1] != NO_LABEL]
    assert Counter({(p, m): n for p, m, n in counted.pairs}) == Counter(read)
    assert (counted.objects, counted.unread) == (len(read), len(labels) - len(read))
    numbers = [number for *_, number in counted.pairs]
    assert numbers == sorted(numbers, reverse=True)


@given(st.lists(st.integers(0, 20), max_size=50), st.integers(0, 20))
def test_near_the_threshold_are_the_nearest(margins: list[int], threshold: int) -> None:
    margin, pool = np.array(margins, float), np.arange(len(margins)) % 3 > 0
    found = near_threshold(margin, pool, threshold, count=7).tolist()
    by_hand = sorted(np.flatnonzero(pool).tolist(), key=lambda each: abs(margins[each] - threshold))
    assert found == by_hand[:7]
    assert near_threshold(margin, pool, None).tolist() == []


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2), st.integers(0, 9)), max_size=50))
def test_likely_label_errors_are_the_most_confident_contradictions(rows: list[tuple[int, int, int]]) -> None:
    ledger, unlearned = Ledger.of_size(len(rows)), Unlearned.of_size(len(rows))
    ids = np.arange(len(rows))
    half = ids[::2]
    for state, some in ((State.HUMAN, half), (State.AUTO, ids[1::2])):
        ledger.label(some, [rows[each][0] for each in some], state, 1)
    unlearned.label[:] = [row[1] for row in rows]
    unlearned.confidence[:] = [row[2] for row in rows]
    doubted = [each for each in half.tolist() if rows[each][1] not in (NO_LABEL, rows[each][0])]
    by_hand = sorted(doubted, key=lambda each: -rows[each][2])
    assert likely_label_errors(unlearned, ledger, count=5).tolist() == by_hand[:5]


@pytest.mark.parametrize("seed", range(3))
def test_examples_stand_on_the_last_model_that_had_not_learned_from_them(seed: int) -> None:
    run = MadeUpRun(seed=seed)
    evidence = run.evidence()
    assert evidence
    expected = {}
    for each in run.rounds:
        for number in each.seen.ids(State.POOL, State.VALIDATION).tolist():
            expected[number] = (each.record.round, int(each.predictions.label[number]))
    groups = evidence.examples
    for examples in (groups.near_threshold, groups.least_confident, groups.likely_label_errors):
        assert examples
        for example in examples:
            assert (example.round, example.model) == expected[example.line - 1]
    for example in evidence.examples.likely_label_errors:
        assert example.people == run.truth[example.line - 1] != example.model
    auto = run.ledger.ids(State.AUTO).tolist()
    margins = sorted(float(run.rounds[-1].predictions.margin[each]) for each in auto)
    shown = [example.margin for example in evidence.examples.least_confident]
    assert shown == pytest.approx(margins[:20], abs=1e-4)
    assert {example.outcome for example in evidence.examples.least_confident} == {"auto"}


def test_numbers_by_class_sum_up() -> None:
    run = MadeUpRun(classes=4)
    evidence = run.evidence()
    assert evidence
    counts = run.ledger.counts()
    assert sum(entry.human for entry in evidence.by_class) == counts.human_labels
    assert sum(entry.auto for entry in evidence.by_class) == counts.auto
    last = evidence.accuracy_by_round[-1]
    assert sum(entry.objects for entry in evidence.by_class) == pytest.approx(last.objects, abs=0.5)
    assert sum(entry.correct for entry in evidence.by_class) == pytest.approx(last.correct, abs=0.5)
    assert evidence.coverage_curve[-1].accuracy == pytest.approx(last.accuracy)
    pairs = evidence.confusion.pairs
    agree = sum(number for people, model, number in pairs if people == model)
    assert agree == pytest.approx(last.correct, abs=0.5)


def test_of_every_model_all_is_counted_that_it_had_not_learned_from() -> None:
    run = MadeUpRun()
    evidence = run.evidence()
    assert evidence
    assert (evidence.basis, evidence.not_known) == ("all objects", 0)
    assert evidence.stood_for == run.ledger.counts().auto
    for entry, each in zip(evidence.accuracy_by_round, run.rounds, strict=True):
        # Who could not be labeled is left out.
        assert entry.objects == pytest.approx(len(each.seen.ids(State.POOL)) - run.failing)
        pool = np.setdiff1d(each.seen.ids(State.POOL), run.ledger.ids(State.FAILED))
        true = np.mean(each.predictions.label[pool] == run.truth[pool])
        assert entry.interval is not None
        assert entry.accuracy is not None
        low, high = entry.interval
        assert low <= entry.accuracy <= high
        assert entry.accuracy == pytest.approx(true, abs=0.1)


def test_under_the_posts_rules_the_validation_set_tells() -> None:
    run = MadeUpRun(policy="blog", strategy="random")
    evidence = run.evidence()
    assert evidence
    assert (evidence.basis, evidence.stood_for) == ("validation set", 0)
    for entry, each in zip(evidence.accuracy_by_round, run.rounds, strict=True):
        assert entry.accuracy == pytest.approx(each.record.validation_accuracy)
        assert entry.objects == len(each.seen.ids(State.VALIDATION))
        assert entry.correct is not None
        exact = stats.binomtest(round(entry.correct), round(entry.objects)).proportion_ci(0.9, "exact")
        assert entry.interval == pytest.approx((exact.low, exact.high))


def test_without_a_test_only_what_the_models_expect_is_told() -> None:
    run = MadeUpRun(certified=False)
    run.chances = None
    evidence = run.evidence()
    assert evidence
    assert (evidence.basis, evidence.coverage_curve) == ("unknown", ())
    assert evidence.not_known == run.ledger.counts().pool > 0
    for entry, each in zip(evidence.accuracy_by_round, run.rounds, strict=True):
        assert entry.accuracy is None
        assert "accuracy" not in entry.as_document()
        pool = each.seen.ids(State.POOL)
        assert entry.expected_accuracy == pytest.approx(each.predictions.confidence[pool].mean())


def test_what_few_objects_are_not_known_widens_the_interval() -> None:
    run = MadeUpRun(failing=0)
    run.chances = None
    # People label all but ten of what the model would have.
    people = Ledger.of_size(run.size)
    people.label(np.arange(10, run.size), run.truth[10:], State.HUMAN, 9)
    run.ledger = people
    evidence = run.evidence()
    assert evidence
    for entry, each in zip(evidence.accuracy_by_round, run.rounds, strict=True):
        pool = each.seen.ids(State.POOL)
        assert entry.correct is not None
        unknown, right = int((pool < 10).sum()), round(entry.correct)
        assert entry.low == pytest.approx(right / len(pool))
        assert entry.high == pytest.approx((right + unknown) / len(pool))


def test_a_failed_test_the_run_ended_with_tells_too() -> None:
    run = MadeUpRun(certified=False)
    evidence = run.evidence()
    assert evidence
    assert evidence.basis == "all objects"
    assert evidence.stood_for == run.ledger.counts().pool


def test_no_model_no_evidence() -> None:
    assert ModelQualityCollector(Ledger.of_size(3), 2, 0.9).record() is None
    assert with_excerpts(None, {}) is None

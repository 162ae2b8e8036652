"""Evidence against what anybody would count by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from labelloop.core.evidence import (
    MOST_CURVE_POINTS,
    EvidenceCollector,
    Unlearned,
    accuracy_interval,
    confusion,
    coverage_curve,
    fit_inverse_power_law,
    likely_label_errors,
    lower_accuracy_bound,
    near_threshold,
    with_excerpts,
)
from labelloop.core.ledger import NO_LABEL, Ledger, State

from .conftest import MadeUpRun

SCORED = st.lists(st.tuples(st.integers(0, 30).map(lambda n: n / 30), st.booleans()), min_size=1, max_size=80)
LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 4)), max_size=60)


@given(SCORED, st.floats(0, 1))
def test_each_point_of_the_curve_is_what_lies_above_its_score(
    scored: list[tuple[float, bool]], threshold: float
) -> None:
    scores, correct = (np.array(column) for column in zip(*scored, strict=True))
    curve = coverage_curve(scores, correct, 0.9, threshold)
    for point in curve:
        above = correct[scores >= point["score"]]
        assert point["covered"] == len(above)
        assert point["coverage"] == len(above) / len(scores)
        assert point["accuracy"] == above.mean()
        assert point["bound"] <= point["accuracy"]
    assert [point["score"] for point in curve] == sorted(set(scores.tolist()), reverse=True)


def test_a_long_curve_is_thinned_and_keeps_its_end_and_the_threshold() -> None:
    scores = np.linspace(1, 0, 5000)
    curve = coverage_curve(scores, np.ones(5000, bool), 0.9, float(scores[1233]))
    assert len(curve) <= MOST_CURVE_POINTS + 1
    assert curve[-1]["covered"] == 5000
    assert 1234 in {point["covered"] for point in curve}


def test_no_objects_make_no_curve() -> None:
    assert coverage_curve(np.empty(0), np.empty(0, bool), 0.9) == []


@given(st.integers(1, 60), st.data(), st.floats(0.5, 0.99))
def test_the_bound_is_where_so_many_right_answers_get_unlikely(
    objects: int, data: st.DataObject, confidence: float
) -> None:
    correct = data.draw(st.integers(1, objects))
    bound = lower_accuracy_bound(correct, objects, confidence)
    assert stats.binom.sf(correct - 1, objects, bound) == pytest.approx(1 - confidence)
    low, high = accuracy_interval(correct, objects, confidence)
    expected = stats.binomtest(correct, objects).proportion_ci(confidence, method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_the_bound_of_nothing_is_nothing() -> None:
    assert lower_accuracy_bound(0, 0, 0.9) == 0
    assert accuracy_interval(0, 0, 0.9) == (0, 1)


@given(LABELS)
def test_confusion_counts_every_pair_that_was_read(labels: list[tuple[int, int]]) -> None:
    people, model = (np.array([pair[side] for pair in labels], np.int16) for side in (0, 1))
    counted = confusion(people, model)
    read = [pair for pair in labels if pair[1] != NO_LABEL]
    assert Counter({(p, m): n for p, m, n in counted["pairs"]}) == Counter(read)
    assert (counted["objects"], counted["unread"]) == (len(read), len(labels) - len(read))
    numbers = [number for *_, number in counted["pairs"]]
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
            expected[number] = (each.record["round"], int(each.predictions.label[number]))
    for group, examples in evidence["examples"].items():
        assert examples, group
        for example in examples:
            assert (example["round"], example["model"]) == expected[example["id"]]
    for example in evidence["examples"]["likely_label_errors"]:
        assert example["people"] == run.truth[example["id"]] != example["model"]
    auto = run.ledger.ids(State.AUTO).tolist()
    margins = sorted(float(run.rounds[-1].predictions.margin[each]) for each in auto)
    shown = [example["margin"] for example in evidence["examples"]["least_confident"]]
    assert shown == pytest.approx(margins[:20], abs=1e-4)
    assert {example["outcome"] for example in evidence["examples"]["least_confident"]} == {"auto"}


def test_numbers_by_class_and_round_sum_up() -> None:
    run = MadeUpRun(classes=4)
    evidence = run.evidence()
    assert evidence
    counts = run.ledger.counts()
    assert sum(entry["human"] for entry in evidence["by_class"]) == counts.human_labels
    assert sum(entry["auto"] for entry in evidence["by_class"]) == counts.auto
    for entry, each in zip(evidence["validation_by_round"], run.rounds, strict=True):
        assert entry["correct"] / entry["objects"] == each.record["validation_accuracy"]
        assert entry["low"] < each.record["validation_accuracy"] < entry["high"]
    last = evidence["validation_by_round"][-1]
    assert sum(entry["validation"] for entry in evidence["by_class"]) == last["objects"]
    assert sum(entry["correct"] for entry in evidence["by_class"]) == last["correct"]


def test_no_model_no_evidence() -> None:
    assert EvidenceCollector(Ledger.of_size(3), 2, 0.9).document() is None
    with_excerpts(None, {})


@given(st.floats(0.7, 1.0), st.floats(0.5, 5), st.floats(0.2, 1.5))
def test_an_inverse_power_law_is_found_again(limit: float, factor: float, decay: float) -> None:
    sizes = [100, 200, 400, 800, 1600]
    accuracies = [limit - factor * size**-decay for size in sizes]
    law = fit_inverse_power_law(sizes, accuracies, [1] * 5)
    assert law
    assert law.limit <= 1
    for size, accuracy in zip(sizes, accuracies, strict=True):
        assert law.at(size) == pytest.approx(max(0, accuracy), abs=0.01)


@pytest.mark.parametrize(
    ("sizes", "accuracies"),
    [
        ([1, 2, 3], [0.5, 0.6, 0.7]),
        ([1, 1, 2, 2], [0.5, 0.6, 0.7, 0.7]),
        ([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6]),
        ([], []),
    ],
)
def test_what_tells_nothing_of_a_curve_gives_none(sizes: list[int], accuracies: list[float]) -> None:
    assert fit_inverse_power_law(sizes, accuracies, [1] * len(sizes)) is None

"""The benchmark of given labels: its simulated labelers, its references, and how it judges an outcome."""

from functools import partial

import numpy as np
import pytest

from bench import audit
from bench.betting import claimed_of_the_rest, refuted
from bench.datasets import DatasetMissingError, Texts
from bench.given_labels import (
    LEVEL,
    TARGET_ERROR,
    GivenLabels,
    Method,
    Outcome,
    kept_as_given,
    misinformation,
    simulated,
    stance,
)
from bench.given_labels import SETS as ALL_SETS
from bench.oracle_threshold import oracle_of_auto_labels, oracle_of_whole_set
from bench.pac_labeling import pac_labeling
from bench.uniform_audit import audit_of_auto_labels, audit_of_whole_set

PUBLISHED = {"stance": stance, "misinfo": misinformation}


def texts() -> Texts:
    """Texts of two classes with words that tell them apart; the last third has no such word."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=600)
    words = [["river", "lake"], ["stone", "rock"]]
    told = [f"{rng.choice(words[label])} {rng.choice(['north', 'south', 'east'])}" for label in labels[:400]]
    return Texts(
        "words", "", [*told, *(f"{rng.choice(['north', 'south'])} wind" for _ in labels[400:])], labels
    )


def given_labels(wrong: list[bool], confidences: list[float]) -> GivenLabels:
    truth = np.zeros(len(wrong), int)
    data = Texts("made", "", [str(number) for number in range(len(wrong))], truth)
    return GivenLabels(data, np.array(wrong).astype(int), np.array(confidences))


def saved(method: Method, given: GivenLabels, seed: int = 0) -> float:
    return 1 - method(given, seed).answers / len(given)


def published(name: str) -> GivenLabels:
    try:
        return PUBLISHED[name]()
    except DatasetMissingError as missing:
        pytest.skip(str(missing))


# Between the mean of 200 seeds, whose standard error is below half a point, and a mean that is published
# without its number of trials.
_TOLERANCE = 0.015


@pytest.mark.parametrize(("name", "figure"), [("stance", 0.277), ("misinfo", 0.171)])
def test_pac_labeling_saves_what_its_authors_published(name: str, figure: float) -> None:
    given = published(name)
    assert np.mean([saved(pac_labeling, given, seed) for seed in range(200)]) == pytest.approx(
        figure, abs=_TOLERANCE
    )


@pytest.mark.parametrize(
    ("name", "of_whole_set", "of_auto_labels"), [("stance", 0.411, 0.281), ("misinfo", 0.400, 0.044)]
)
def test_the_oracle_saves_what_the_best_threshold_does(
    name: str, of_whole_set: float, of_auto_labels: float
) -> None:
    given = published(name)
    assert saved(oracle_of_whole_set, given) == pytest.approx(of_whole_set, abs=0.0005)
    assert saved(oracle_of_auto_labels, given) == pytest.approx(of_auto_labels, abs=0.0005)


@pytest.mark.parametrize(("name", "figure"), [("stance", 0.284), ("misinfo", 0.207)])
def test_the_plain_audit_saves_in_hindsight_what_was_measured_before(name: str, figure: float) -> None:
    given = published(name)
    by_share = [
        np.mean(
            [
                saved(partial(audit_of_whole_set, draws=round(share * len(given))), given, seed)
                for seed in range(40)
            ]
        )
        for share in audit.SHARES_DRAWN
    ]
    assert max(by_share) == pytest.approx(figure, abs=_TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("method", [pac_labeling, audit_of_whole_set, audit_of_auto_labels])
def test_a_method_breaks_its_promise_no_more_often_than_it_says(method: Method) -> None:
    """Surest where wrong: a third of the surest are, and all else is right."""
    broken = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        confidences = rng.random(1000)
        given = given_labels((rng.random(1000) < 0.3 * (confidences > 0.8)).tolist(), confidences.tolist())
        outcome = method(given, seed)
        wrong = outcome.labels != given.truth
        of = outcome.kept if method is audit_of_auto_labels else np.ones(1000, bool)
        broken += bool(of.any() and wrong[of].mean() > TARGET_ERROR)
    assert broken <= 200 * LEVEL


@pytest.mark.parametrize("method", [pac_labeling, audit_of_whole_set, audit_of_auto_labels])
def test_labels_that_are_all_right_are_kept_but_for_the_draws(method: Method) -> None:
    given = given_labels([False] * 2000, np.linspace(0.5, 1, 2000).tolist())
    outcome = method(given, 0)
    assert outcome.answers <= 500
    assert outcome.kept.sum() == 2000 - outcome.answers


@pytest.mark.parametrize("method", [pac_labeling, audit_of_whole_set, audit_of_auto_labels])
def test_labels_that_are_all_wrong_are_left_to_people(method: Method) -> None:
    given = given_labels([True] * 2000, np.linspace(0.5, 1, 2000).tolist())
    assert method(given, 0).answers >= 0.95 * 2000


def test_the_oracle_takes_the_longest_run_that_keeps_the_target() -> None:
    wrong = [False] * 10 + [True] * 2 + [False] * 20 + [True] * 8
    given = given_labels(wrong, np.linspace(1, 0.5, 40).tolist())
    assert oracle_of_whole_set(given, 0).kept.sum() == 32
    assert oracle_of_auto_labels(given, 0).kept.sum() == 10


def test_without_replacement_a_claim_is_about_what_is_left() -> None:
    wrong = np.array([[True], [False], [True]])
    rest = claimed_of_the_rest(wrong, np.ones((3, 1), bool), np.array([10]), np.array([3]))
    assert rest.ravel().tolist() == [3 / 10, 2 / 9, 2 / 8]


def test_a_true_claim_is_refuted_no_more_often_than_the_level() -> None:
    rng = np.random.default_rng(0)
    wrong = np.arange(400) < 40
    drawn = np.array([rng.permutation(wrong)[:300] for _ in range(4000)]).T
    counted, objects = np.ones(drawn.shape, bool), np.full(4000, 400)
    true = claimed_of_the_rest(drawn, counted, objects, np.full(4000, 40))
    false = claimed_of_the_rest(drawn, counted, objects, np.full(4000, 80))
    assert refuted(drawn, true, counted, 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert refuted(drawn, false, counted, 0.05).mean() > 0.9


def test_a_simulated_labeler_is_as_accurate_as_asked_for_and_errs_where_texts_are_hard() -> None:
    given = simulated(texts, 0.8, seed=0)
    assert given.wrong.sum() == 120
    assert given.wrong[400:].mean() > 3 * given.wrong[:400].mean()
    assert given.wrong[:400].mean() > 0


def test_its_confidence_tells_of_its_errors_but_not_for_sure() -> None:
    given = simulated(texts, 0.8, seed=0)
    right, wrong = given.confidences[~given.wrong], given.confidences[given.wrong]
    surer = (right[:, np.newaxis] > wrong).mean() + (right[:, np.newaxis] == wrong).mean() / 2
    assert 0.6 < surer < 0.9
    assert given.confidences.min() > 0
    assert given.confidences.max() <= 1


def test_a_simulated_labeler_is_the_same_for_the_same_seed() -> None:
    first, again, other = (simulated(texts, 0.9, seed) for seed in (1, 1, 2))
    assert (first.labels == again.labels).all()
    assert (first.confidences == again.confidences).all()
    assert (first.labels != other.labels).any()


def test_an_outcome_is_measured_on_the_whole_set_or_on_what_is_kept() -> None:
    given = given_labels([True, *[False] * 39], [0.9] * 40)
    kept = np.arange(40) < 10
    ended = audit.measure(given, kept_as_given(given, kept), seconds=1, promises_kept=False)
    assert (ended.saved, ended.error, ended.error_of_kept, ended.broken) == (0.25, 0.025, 0.1, False)
    assert audit.measure(given, kept_as_given(given, kept), seconds=1, promises_kept=True).broken


def test_an_outcome_that_counts_too_few_answers_is_refused() -> None:
    given = given_labels([False] * 4, [0.9] * 4)
    kept = np.array([True, True, False, False])
    with pytest.raises(ValueError, match="2 labels of people of 1 answers"):
        audit.measure(given, Outcome(kept, given.truth, 1), seconds=1, promises_kept=False)


def test_an_outcome_whose_people_answer_otherwise_is_refused() -> None:
    given = given_labels([False] * 4, [0.9] * 4)
    with pytest.raises(ValueError, match="not what they answer"):
        audit.measure(given, Outcome(np.zeros(4, bool), given.truth + 1, 4), seconds=1, promises_kept=False)


def test_of_the_shares_drawn_the_best_is_told() -> None:
    name = "plain audit, best share drawn"
    done = [
        (audit.Task("stance", name, seed, share), audit.Ended(saved, 0.02, 0.1, broken, 1))
        for share, saved, broken in ((0.1, 0.3, False), (0.2, 0.4, True))
        for seed in (0, 1)
    ]
    (row,) = audit.document_of(done, 1, "")["rows"]
    assert (row["saved"], row["share_drawn"], row["broken"], row["runs"]) == (0.4, 0.2, 2, 2)


def test_every_data_set_has_a_table() -> None:
    for name in ALL_SETS:
        assert sum(name.startswith(prefixes) for prefixes in audit.TABLES.values()) == 1

import math

import numpy as np
import pytest

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.betting import make_plan
from labelloop.core.certificate.conclusion import TestUnderWay, certificate_of
from labelloop.core.certificate.promise import Promise
from labelloop.core.ledger import Ids
from labelloop.core.records import Verdict

SIZE = 2_000
OF_AUTO_LABELS = Promise(0.05)
LEVEL = 0.1
# Three standard deviations above the level, of 400 runs.
AT_MOST_BY_CHANCE = LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 400)


def audit_of(
    uncertainty: float = 0.01, *, size: int = SIZE, groups: int = 1, seed: int = 0, reviewed: bool = False,
    most_draws: int = SIZE, promise: Promise = OF_AUTO_LABELS,
) -> Audit:  # fmt: skip
    """Of objects 10, 11, ... all of which the model takes for class 0 (its group's number, if several)."""
    group_of = np.arange(size) % groups
    chances = np.full(size, uncertainty)
    plan = make_plan(chances[group_of == 0], promise, LEVEL / groups)
    rng, tested = np.random.default_rng(seed), [Group(plan, LEVEL / groups)] * groups
    return Audit.of(
        np.arange(size) + 10, group_of, 1 - chances, chances, group_of, tested, promise, most_draws, rng,
        reviewed=reviewed,
    )  # fmt: skip


def answer(audit: Audit, ids: Ids, wrong: set[int]) -> None:
    rows = np.searchsorted(audit.candidates["id"], ids)
    model = audit.candidates["label"][rows]
    audit.vote(ids, np.where(np.isin(ids, list(wrong)), model + 1, model))


def play(audit: Audit, wrong: set[int]) -> Verdict:
    """As long as anybody is to be asked. Evidence takes most of the time: it is not looked at in between."""
    while len(asked := audit.next_stage()):
        answer(audit, asked, wrong)
    return audit.outcome()


def test_a_test_passes_when_few_are_wrong_and_the_rest_is_labeled() -> None:
    audit = audit_of()
    assert play(audit, set(range(10, 20))) == Verdict.PASSED
    drawn, _ = audit.answers()
    assert np.array_equal(np.sort(np.concatenate([audit.open_ids(), drawn])), audit.candidates["id"])
    evidence = audit.evidence(0)
    assert evidence.drawn < 400
    assert evidence.error_bound <= 0.05
    assert evidence.way.answers == 0


def test_a_test_fails_when_many_are_wrong_and_nothing_is_labeled() -> None:
    audit = audit_of()
    assert play(audit, set(range(10, 10 + SIZE // 5))) == Verdict.FAILED
    assert not len(audit.open_ids())
    assert certificate_of(TestUnderWay(audit, 0.5, SIZE), 0.9, by_class=False) is None
    assert audit.evidence(0).drawn < 200, "it does not go on for long"


def test_a_stage_draws_as_many_as_will_probably_decide() -> None:
    audit = audit_of(0.02)
    planned = audit.groups[0].plan.draws
    first = audit.next_stage()
    assert len(first) == math.ceil(planned / 2)
    answer(audit, first, set(first[:3].tolist()))
    second = audit.next_stage()
    assert not set(first) & set(second)
    assert 0 < len(second) <= math.ceil(planned) - len(first)


def test_no_more_is_drawn_than_may_be_asked() -> None:
    assert not len(audit_of(0.03, most_draws=50).next_stage()), "that would decide nothing"
    audit = audit_of(0.01, most_draws=100)
    first = audit.next_stage()
    answer(audit, first, set(first[:2].tolist()))
    assert audit.outcome() == Verdict.FAILED
    assert not len(audit.next_stage())


def test_doubtful_objects_are_drawn_first() -> None:
    chances = np.where(np.arange(SIZE) < 200, 0.32, 0.001)
    plan = make_plan(chances, Promise(0.05), LEVEL)
    audit = Audit.of(
        np.arange(SIZE), np.zeros(SIZE, int), 1 - chances, chances, np.zeros(SIZE, int), [Group(plan, LEVEL)],
        Promise(0.05), SIZE, np.random.default_rng(0), reviewed=False,
    )  # fmt: skip
    drawn = audit.next_stage()
    assert np.mean(drawn < 200) > 0.15, "they are a tenth of all"


def test_a_drawn_object_without_an_answer_is_awaited_and_counts_as_wrong() -> None:
    audit = audit_of()
    drawn = audit.next_stage()
    answer(audit, drawn[::2], set())
    evidence = audit.evidence(0)
    assert (evidence.drawn, evidence.wrong, evidence.unsettled) == (len(drawn), 0, len(drawn[1::2]))
    assert evidence.open_objects == SIZE - len(drawn)
    assert set(audit.awaited()) == set(drawn[1::2])
    assert audit.outcome() == Verdict.OPEN
    audit.give_up(drawn[1::2])
    assert not len(audit.awaited())
    assert audit.evidence(0) == evidence, "silence is no evidence that the model is right"


def test_a_smaller_budget_draws_the_first_in_the_order_of_drawing() -> None:
    order = {number: place for place, number in enumerate(play_order(audit_of()))}
    cut = audit_of().next_stage(7)
    assert sorted(order[number] for number in cut.tolist()) == list(range(7))


def play_order(audit: Audit) -> list[int]:
    rows = np.argsort(audit.candidates["place"])
    return [int(number) for number in audit.candidates["id"][rows]]


# Withdrawing the doubtful ones ----------------------------------------------------------------------------


def with_doubtful_ones(seed: int = 0, size: int = SIZE) -> Audit:
    """A tenth of the objects are doubtful, and the model believes too much in all of them."""
    chances = np.where(np.arange(size) < size // 10, 0.12, 0.01)
    plan = make_plan(chances, Promise(0.05), LEVEL)
    return Audit.of(
        np.arange(size), np.zeros(size, int), 1 - chances, chances, np.zeros(size, int), [Group(plan, LEVEL)],
        Promise(0.05), size, np.random.default_rng(seed), reviewed=False,
    )  # fmt: skip


def wrong_ones(size: int, among_doubtful: float, else_: float, seed: int = 0) -> set[int]:
    chance = np.where(np.arange(size) < size // 10, among_doubtful, else_)
    return set(np.flatnonzero(np.random.default_rng(seed).random(size) < chance).tolist())


def test_doubtful_objects_are_withdrawn_where_the_rest_passes_sooner_without_them() -> None:
    withdrawals = 0
    for seed in range(10):
        audit = with_doubtful_ones(seed)
        assert play(audit, wrong_ones(SIZE, 0.35, 0.015, seed)) in (Verdict.PASSED, Verdict.FAILED)
        withdrawn = audit.candidates[(audit.candidates["stage"] > 0) & ~audit.candidates["drawn"]]
        withdrawals += len(withdrawn) > 0
        if len(withdrawn):
            assert audit.evidence(0).withdrawn == len(withdrawn)
            assert withdrawn["uncertainty"].mean() > 0.06, "of the most doubtful ones"
            assert withdrawn["stage"].min() > 2, "only after what was planned has been drawn"
            assert not np.isin(withdrawn["id"], audit.open_ids()).any()
    assert withdrawals >= 3


def test_what_was_withdrawn_does_not_count_as_drawn_by_chance() -> None:
    audit = with_doubtful_ones()
    first = audit.next_stage()
    answer(audit, first, set())
    before = audit.evidence(0)
    rows = np.flatnonzero(audit.candidates["stage"] == 0)[:50]
    audit.candidates["stage"][rows] = 2
    answer(audit, audit.candidates["id"][rows], set(audit.candidates["id"][rows].tolist()))
    after = audit.evidence(0)
    assert (after.drawn, after.wrong, after.withdrawn) == (before.drawn, 0, 50)
    assert after.error_estimate == before.error_estimate
    assert after.candidates == before.candidates == SIZE


# Answers that differ from the model's ---------------------------------------------------------------------


def one_drawn(*votes: int, reviewed: bool = True) -> tuple[Audit, Ids]:
    audit = audit_of(reviewed=reviewed)
    drawn = audit.next_stage()
    answer(audit, drawn[1:], set())
    for vote in votes:
        audit.vote(drawn[:1], np.array([vote]))
    return audit, drawn[:1]


@pytest.mark.parametrize(
    ("votes", "label", "wrong"),
    [
        ((0,), 0, 0),
        ((1,), None, 0),
        ((1, 1), 1, 1),
        ((1, 0), None, 0),
        ((1, 2), None, 0),
        ((1, 0, 0), 0, 0),
        ((1, 0, 1), 1, 1),
        ((1, 2, 2), 2, 1),
        ((1, 2, 0), None, 0),
        ((1, 2, 0, 0), 0, 0),
        ((1, 2, 0, 3, 2), 2, 1),
        ((1, 2, 0, 3, 4), 4, 0),  # nobody agrees with anybody: it does not speak for the model either
    ],
)
def test_people_are_asked_until_two_agree(votes: tuple[int, ...], label: int | None, wrong: int) -> None:
    audit, one = one_drawn(*votes)
    ids, labels = audit.answers()
    found = dict(zip(ids.tolist(), labels.tolist(), strict=True)).get(int(one[0]))
    assert found == label
    assert audit.disputed().tolist() == ([] if label is not None else one.tolist())
    evidence = audit.evidence(0)
    assert evidence.wrong == wrong
    assert evidence.unsettled == int(label is None or len(set(votes)) == 5)
    assert (audit.outcome() == Verdict.OPEN) or label is not None


def test_without_review_the_first_answer_counts() -> None:
    audit, _ = one_drawn(1, reviewed=False)
    assert not len(audit.disputed())
    assert audit.evidence(0).wrong == 1


def test_an_answer_nobody_contradicts_stands_but_people_have_not_agreed_on_it() -> None:
    audit, one = one_drawn(1)
    audit.let_stand(one)
    assert not len(audit.disputed())
    assert (audit.evidence(0).wrong, audit.evidence(0).unsettled) == (0, 1)


@pytest.mark.parametrize("votes", [(), (1, 2, 0, 3, 4)])
def test_what_people_never_settle_counts_against_the_model_only_where_there_was_a_bet(
    votes: tuple[int, ...],
) -> None:
    """Otherwise people who disagree about withdrawn objects would make the promise easier to keep."""
    drawn, withdrawn = audit_of(), audit_of()
    for audit, by_chance in ((drawn, True), (withdrawn, False)):
        ids = audit.next_stage()
        answer(audit, ids[1:], set())
        for vote in votes:
            audit.vote(ids[:1], np.array([vote]))
        audit.give_up(ids[:1])
        row = np.searchsorted(audit.candidates["id"], ids[0])
        audit.candidates["drawn"][row] = by_chance
    right = audit_of()
    answer(right, right.next_stage(), set())
    assert drawn.evidence(0).wrong_bound > right.evidence(0).wrong_bound
    assert withdrawn.evidence(0).error_estimate == 0
    assert withdrawn.evidence(0).wrong_bound >= right.evidence(0).wrong_bound


# Groups ---------------------------------------------------------------------------------------------------


def test_each_group_is_tested_by_itself_and_only_those_that_pass_are_labeled() -> None:
    audit = audit_of(groups=2)
    odd = {number for number in range(10, 10 + SIZE) if (number - 10) % 2 and number % 3}
    assert play(audit, odd) == Verdict.PASSED
    labeled = audit.open_ids()
    assert len(labeled)
    assert all((number - 10) % 2 == 0 for number in labeled)
    certificate = certificate_of(TestUnderWay(audit, 0.5, SIZE), 0.9, by_class=True)
    assert certificate is not None
    assert [found.class_index for found in certificate.by_class] == [0]
    assert certificate.auto_labels == len(labeled)
    assert certificate.level == pytest.approx(LEVEL / 2)


# The promise ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("believed", "share"), [(0.02, 0.055), (0.005, 0.06), (0.03, 0.052)])
def test_a_wrong_promise_is_as_rare_as_its_level(believed: float, share: float) -> None:
    """Just above the target, whatever the model believed of itself: a tenth may pass, and no more."""
    runs, broken = 400, 0
    for seed in range(runs):
        audit = audit_of(believed, size=600, seed=seed, most_draws=600)
        wrong = set((np.random.default_rng(seed).permutation(600)[: math.ceil(600 * share)] + 10).tolist())
        if play(audit, wrong) == Verdict.PASSED:
            labeled = audit.open_ids()
            broken += np.isin(labeled, list(wrong)).sum() > 0.05 * len(labeled)
    assert broken / runs <= AT_MOST_BY_CHANCE


@pytest.mark.slow
def test_a_wrong_promise_is_as_rare_where_doubtful_objects_are_withdrawn() -> None:
    """What is left to promise is just above the target in most of these runs."""
    broken, withdrawals = 0, 0
    for seed in range(400):
        audit = with_doubtful_ones(seed, size=600)
        wrong = wrong_ones(600, 0.2, 0.053, seed)
        if play(audit, wrong) == Verdict.PASSED:
            labeled = audit.open_ids()
            broken += np.isin(labeled, list(wrong)).sum() > 0.05 * len(labeled)
        withdrawals += audit.evidence(0).withdrawn > 0
    assert broken / 400 <= AT_MOST_BY_CHANCE
    assert withdrawals


def of_dataset(target: float, *, candidates: int, others: int) -> Promise:
    """Of candidates and of other objects that people label."""
    return Promise(target, candidates + others, candidates + others)


@pytest.mark.slow
@pytest.mark.parametrize(("believed", "excess"), [(0.05, 0), (0.02, 3), (0.08, 1), (0.02, 30)])
def test_a_wrong_promise_about_the_dataset_is_as_rare_as_its_level(believed: float, excess: int) -> None:
    """400 of 1,000 objects are candidates. Of all, 5 % may be wrong: 50 of those that are left in the end.

    Draws find errors, which people then correct: so that many more than 50 may be wrong at first, and the
    promise is broken in most of the runs that pass too soon.
    """
    promise, broken, passed = of_dataset(0.05, candidates=400, others=600), 0, 0
    for seed in range(400):
        audit = audit_of(believed, size=400, seed=seed, most_draws=400, promise=promise)
        wrong = set((np.random.default_rng(seed).permutation(400)[: 51 + excess] + 10).tolist())
        if play(audit, wrong) == Verdict.PASSED:
            passed += 1
            broken += np.isin(audit.open_ids(), list(wrong)).sum() > 50
    assert broken / 400 <= AT_MOST_BY_CHANCE
    assert passed, "a small part can always pass"


def test_no_more_candidates_than_may_be_wrong_need_no_draws() -> None:
    audit = audit_of(0.9, size=50, most_draws=50, promise=of_dataset(0.05, candidates=50, others=950))
    assert audit.outcome() == Verdict.PASSED
    assert len(audit.open_ids()) == 50
    assert audit.evidence(0).wrong_bound == 50


@pytest.mark.slow
@pytest.mark.parametrize("settled", [True, False])
def test_a_wrong_promise_is_as_rare_where_people_never_agree_on_what_is_withdrawn(settled: bool) -> None:
    """The doubtful tenth is right, and people quarrel about it; the rest has just too many errors."""
    broken = 0
    for seed in range(400):
        audit = with_doubtful_ones(seed, size=600)
        audit.reviewed = not settled
        sure = np.flatnonzero(audit.candidates["uncertainty"] < 0.1)
        chosen = np.random.default_rng(seed).permutation(sure)[: math.ceil(len(sure) * 0.055)]
        wrong, quarrels = set(chosen.tolist()), set(range(60))
        while len(ids := audit.next_stage()):
            withdrawn = ~audit.candidates["drawn"][ids]
            for vote in range(5):
                contested = np.isin(ids, list(quarrels)) & withdrawn
                answers = np.where(np.isin(ids, list(wrong)), 1, 0)
                audit.vote(ids, np.where(contested & (not settled), vote + 1, answers))
        if audit.outcome() == Verdict.PASSED:
            labeled = audit.open_ids()
            broken += np.isin(labeled, list(wrong)).sum() > 0.05 * len(labeled)
    assert broken / 400 <= AT_MOST_BY_CHANCE

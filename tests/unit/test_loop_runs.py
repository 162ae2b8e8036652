"""Whole runs of the Loop on made texts: what is labeled, asked, tested and promised, and why a run ends.

The state machine does the same, object for object: tests/statemachine/replay.py compares the two.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from labelloop.core.certificate.tuning import DEFAULT, Belief, Tuning
from labelloop.core.ledger import State
from labelloop.core.loop import Loop, Selection
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.records import Certificate, Report, RoundRecord
from labelloop.core.report.document import EndedRun, Failures, report_of
from labelloop.reporting.headline import headline
from labelloop.simulation import Batch, PeopleWhoKnow, SimulatedRun, simulate
from tests.words import CATEGORIES, CLASSES, TOO_STRICT, WordCounts, texts


@dataclass
class Recorded:
    """People whose answers are kept, with the loop that asked for them."""

    people: PeopleWhoKnow
    answers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    loop: Loop | None = None

    def label(self, loop: Loop, selection: Selection) -> Batch:
        self.loop = loop
        given, limit = sum(map(len, self.answers.values())), loop.limits.new_human_labels
        if not loop.settings.ahead_share:
            assert loop.human_labels_left() == max(0, limit - given)
        assert given + len(selection.asked) <= limit
        said = list(self.people.label(loop, selection).answers)
        for answer in said:
            if answer.label is not None:
                self.answers[answer.object_id].append(answer.label)
        return Batch(said)


@dataclass(frozen=True)
class Run:
    """A run that has ended, with the truth about its objects."""

    ended: SimulatedRun
    loop: Loop
    answers: dict[int, list[int]]
    truth: "np.ndarray[tuple[int], np.dtype[np.int64]]"

    @property
    def records(self) -> list[RoundRecord]:
        return self.ended.records

    @property
    def tested(self) -> list[RoundRecord]:
        return [record for record in self.records if record.test]

    @property
    def certificate(self) -> Certificate:
        assert self.ended.certificate is not None
        return self.ended.certificate

    def wrong(self, *states: State) -> int:
        ids = self.loop.ledger.ids(*states)
        return int((self.loop.ledger.labels[ids] != self.truth[ids]).sum())

    def report(self) -> Report:
        ended = self.loop.export(self.ended.stopped_because)
        return report_of(EndedRun(ended, "run", {}, "margin", CLASSES, tuple(self.records)), Failures(), None)


def truth_of(size: int, *, clean: bool = True) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([CLASSES.index(label) for _, label in texts(size, clean=clean)])


def by_chance(size: int, every: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The truth, but some objects' label has nothing to do with them: no model can be right about those."""
    truth = truth_of(size)
    truth[::every] = np.arange(0, size, every) % len(CLASSES)
    return truth


def run(
    size: int,
    *,
    labeled: Iterable[int] = (),
    truth: "np.ndarray[tuple[int], np.dtype[np.int64]] | None" = None,
    clean: bool = True,
    error_rate: float = 0.0,
    unanswered_share: float = 0.0,
    tuning: Tuning = DEFAULT,
    **settings: Any,
) -> Run:
    """A run to its end; all numbers of it must agree."""
    truth = truth_of(size, clean=clean) if truth is None else truth
    people = Recorded(
        PeopleWhoKnow(
            SimulatedPeople(
                array("h", truth.tolist()),
                CATEGORIES,
                error_rate=error_rate,
                unanswered_share=unanswered_share,
            )
        )
    )
    inputs = WordCounts.inputs([text for text, _ in texts(size, clean=clean)])
    given = list(labeled)
    ended = simulate(inputs, truth, WordCounts(), settings, people=people, labeled=given, tuning=tuning)
    assert people.loop is not None
    done = Run(ended, people.loop, people.answers, truth)
    accounted_for(done, given)
    return done


def accounted_for(done: Run, labeled: list[int]) -> None:
    """Every object ends in one state, every label is from somebody, every answer is counted once."""
    ledger, counts, records = done.loop.ledger, done.loop.counts, done.records
    assert counts.human_labels + counts.auto + counts.failed + counts.pool == counts.input == len(done.truth)
    human = set(ledger.ids(State.HUMAN, State.VALIDATION).tolist())
    assert human == {*labeled, *done.answers}
    assert (ledger.labels[labeled] == done.truth[labeled]).all()
    for number, said in done.answers.items():
        ((most, times),) = Counter(said).most_common(1)
        # People are asked until two agree; where they cannot be asked again, the first answer stands.
        assert ledger.labels[number] == (most if times > 1 else said[0])
    assert sum(record.labeled_by_people for record in records) == len(human) - len(labeled)
    assert sum(record.auto_labels_committed for record in records) == counts.auto
    asked_again = sum(len(said) - 1 for said in done.answers.values())
    assert sum(record.repeated_answers for record in records) == asked_again
    assert [record.round for record in records] == list(range(1, len(records) + 1))
    assert all(record.sent_to_people for record in records)
    assert records[-1].counts == counts


# What is labeled by whom, and what is promised ------------------------------------------------------------


def test_where_too_few_are_left_for_a_model_that_is_the_reason_for_no_certificate() -> None:
    done = run(60)
    assert done.loop.counts.human_labels == 60
    assert "no model was trained" in (done.report().no_certificate_because or "")


def test_people_label_a_start_then_the_model_labels_the_rest() -> None:
    done = run(800)
    first, second = done.records[:2]
    assert (first.trained, first.sent_to_people, first.labeled_by_people) == (False, 44, 44)
    assert second.trained
    assert done.loop.counts.auto > 300
    assert done.loop.counts.human_labels < 300
    assert done.wrong(State.HUMAN, State.VALIDATION) == 0
    assert done.wrong(State.AUTO) <= 0.05 * done.loop.counts.auto
    assert done.certificate.error_bound <= done.certificate.target_error == 0.05
    assert done.certificate.auto_labels == done.loop.counts.auto
    assert done.ended.stopped_because == "every data object is labeled"


def test_a_test_goes_on_without_training_until_it_is_decided() -> None:
    # One in eighteen is labeled by chance, so that a few drawn objects decide nothing.
    done = run(800, truth=by_chance(800, 18), TargetError=0.09)
    last = done.tested[-1]
    assert last.test is not None
    assert last.test.verdict == "PASSED"
    assert last.test.drawn == done.certificate.validation_objects
    later = [record for record in done.tested if not record.trained]
    assert later, "the first draws alone decide nothing"
    assert all(record.drawn_for_test == record.sent_to_people for record in later)
    assert done.loop.counts.auto > 0


@pytest.mark.slow
def test_people_who_differ_from_the_model_are_asked_again_until_two_agree() -> None:
    done = run(800, error_rate=0.1)
    again = [said for said in done.answers.values() if len(said) > 1]
    assert len(again) > 3
    assert all(max(Counter(said).values()) == 2 for said in again), "asked until two agree, and no longer"
    assert done.loop.counts.auto > 100, "a tenth of wrong labels does not keep the model from labeling"
    assert done.wrong(State.AUTO) <= 0.05 * done.loop.counts.auto


@pytest.mark.parametrize("limit", [{"MaxHumanLabels": 190}, {"MaxRounds": 4}])
def test_people_who_differ_from_the_model_lose_no_answer_when_the_run_ends(limit: dict[str, Any]) -> None:
    """Spot checks they have not agreed on yet are labeled as the first said."""
    done = run(500, error_rate=0.4, TargetError=0.02, BatchSize=50, **limit)
    answers = sum(map(len, done.answers.values()))
    assert answers > len(done.answers) == done.loop.counts.human_labels
    assert answers == sum(record.sent_to_people for record in done.records)
    assert answers <= limit.get("MaxHumanLabels", 250), "answers given again are on the budget"
    differ = [said for said in done.answers.values() if 1 < len(said) == len(set(said))]
    assert differ or limit != {"MaxRounds": 4}, "some have not agreed when the last round ends"


@pytest.mark.slow
def test_a_model_that_fails_its_test_learns_from_what_was_drawn() -> None:
    # Every fifth object is labeled by chance.
    done = run(800, truth=by_chance(800, 5), TargetError=0.1, BatchSize=0.1)
    failed = [record for record in done.tested if record.test and record.test.verdict == "FAILED"]
    assert failed
    assert done.loop.counts.auto == 0
    not_testing = [*failed, *(record for record in done.records if not record.test)]
    assert all(record.counts.validation == 0 for record in not_testing)
    after = next(record for record in done.records if record.round > failed[0].round and record.trained)
    assert after.human_labels_before == failed[0].human_labels, "the next model learns from all of them"
    because = done.report().no_certificate_because or ""
    assert because.endswith("failed, so the model labeled nothing")


def test_each_class_has_a_certificate_of_its_own_where_that_is_asked_for() -> None:
    done = run(1500, CertificateFor="class", TargetError=0.1)
    assert "of each class" in done.certificate.promise
    auto = done.loop.ledger.labels[done.loop.ledger.ids(State.AUTO)]
    assert len(auto) > 0
    for found in done.certificate.by_class:
        of_class = auto == found.class_index
        assert found.auto_labels == of_class.sum() > 0
        assert found.error_bound <= 0.1
    assert sum(found.auto_labels for found in done.certificate.by_class) == len(auto)


@pytest.mark.slow
def test_a_model_is_believed_to_doubt_too_much_only_where_the_draws_decide_what_passes() -> None:
    truth, eager = by_chance(800, 9), Tuning(belief=Belief(excess_doubt=1.0))
    for promise, changes in (("dataset", True), ("all", False)):
        usual, sooner = (
            run(800, truth=truth, tuning=tuning, CertificateFor=promise, MaxRounds=6).loop
            for tuning in (Tuning(belief=Belief(excess_doubt=0.0)), eager)
        )
        assert usual.schedule.learned_from > 0
        assert (usual.counts != sooner.counts) == changes


def test_enough_labels_in_the_input_train_at_once() -> None:
    (first,) = run(600, labeled=range(60), MaxRounds=1).records
    assert first.trained
    (first,) = run(600, labeled=range(20), MaxRounds=1).records
    assert not first.trained


def test_labels_in_the_input_may_be_biased_for_the_test_draws_from_the_rest() -> None:
    # Nothing of one class came with the input, so the first model never says it.
    biased = np.flatnonzero(truth_of(900) != CLASSES.index("river"))[:200].tolist()
    done = run(900, labeled=biased)
    assert done.wrong(State.AUTO) <= 0.05 * done.loop.counts.auto
    drawn = sum(record.drawn_for_test for record in done.records)
    assert drawn >= done.certificate.validation_objects > 0


def test_the_posts_rules_commit_above_the_margin_at_once_and_promise_nothing() -> None:
    done = run(100, clean=False, Policy="blog")
    first, *_ = trained = [record for record in done.records if record.trained]
    assert done.records[0].sent_to_people == 20
    assert all(record.threshold == 0.5 for record in trained)
    assert first.auto_labels_committed > 0
    assert all(record.sent_to_people <= 10 for record in trained)
    assert first.counts.validation == 10
    assert not done.tested
    assert done.ended.certificate is None
    assert done.report().no_certificate_because == "the post's rules promise nothing about the error"


def test_the_default_commits_nothing_before_a_test_has_passed() -> None:
    done = run(500, clean=False, TargetError=0.2)
    (committed,) = (record for record in done.records if record.auto_labels_committed)
    assert committed.test is not None
    assert committed.test.verdict == "PASSED"
    assert committed.auto_labels_committed == done.loop.counts.auto > 0


def test_where_nothing_can_be_certified_people_label_everything() -> None:
    done = run(60, TargetError=TOO_STRICT)
    (only,) = done.records
    assert (only.trained, only.sent_to_people, done.loop.counts.human_labels) == (False, 60, 60)
    draws = done.loop.limits.fewest_draws
    assert draws > 60
    because = done.report().no_certificate_because or ""
    assert f"draws {draws} objects or more, and there are 60" in because


# Why a run ends -------------------------------------------------------------------------------------------


def test_nobody_answers_and_the_labels_of_the_input_are_all_there_is() -> None:
    done = run(500, labeled=range(5), unanswered_share=1.0)
    assert done.ended.stopped_because == "people gave no new label in 2 rounds in a row"
    assert (done.loop.counts.human_labels, len(done.records)) == (5, 2)


def test_some_objects_are_never_answered_and_are_given_up() -> None:
    done = run(60, unanswered_share=0.2)
    assert done.loop.counts.failed > 3
    assert done.loop.counts.pool == 0
    assert (done.loop.ledger.times_asked[done.loop.ledger.ids(State.FAILED)] == 2).all()
    assert done.ended.stopped_because == "every data object has a label or a reason why it can have none"


def test_the_budget_of_human_labels_is_kept_and_the_rest_ends_with_its_reason() -> None:
    done = run(60, MaxHumanLabels=25)
    assert (done.loop.counts.human_labels, done.loop.counts.pool) == (25, 35)
    assert "MaxHumanLabels" in done.ended.stopped_because
    reason = done.loop.export(done.ended.stopped_because).why_unlabeled
    assert reason == f"not labeled: the run ended because {done.ended.stopped_because}"


def test_the_last_round_commits_what_is_certified() -> None:
    done = run(600, MaxRounds=2, BatchSize=3)
    assert len(done.records) == 2
    assert "MaxRounds" in done.ended.stopped_because or done.loop.counts.pool == 0
    assert done.records[-1].auto_labels_committed == done.loop.counts.auto > 0


def test_a_test_that_can_have_no_later_stage_draws_as_many_as_it_may() -> None:
    """Also where the draws choose how many pass: before any draw, hardly any do."""
    settings: dict[str, Any] = {"CertificateFor": "dataset", "TargetError": 0.08, "BatchSize": 0.05}
    done = run(1_500, truth=by_chance(1_500, 6), MaxRounds=6, **settings)
    (last,) = done.tested
    assert last.round == 6
    assert last.test is not None
    assert last.test.drawn >= 100
    assert done.loop.counts.auto > 500


@pytest.mark.slow
def test_a_promise_says_no_less_than_what_can_be_wrong_where_people_do_not_label_the_rest() -> None:
    """It was tested as if they would: then the same wrong labels are a larger share of fewer labels."""
    settings: dict[str, Any] = {"CertificateFor": "dataset", "TargetError": 0.08, "BatchSize": 0.05}
    truth = by_chance(1_500, 7)
    cut = run(1_500, truth=truth, MaxRounds=8, **settings)
    ended = cut.loop.export("the limit of rounds").certificate
    assert ended is not None
    assert cut.loop.counts.pool > 0
    bound = ended.dataset_error_bound or 0.0
    assert bound > 0.08
    assert ended.promised_error >= bound
    assert (
        ended.promise == f"error among all labels of the output <= {ended.promised_error:.3g}, 90% confidence"
    )
    assert ended.target_error == 0.08, "what was asked for stays told"
    top = headline(cut.report())
    assert top.sentence.startswith(f"At most {100 * ended.promised_error:.4g}% of all labels are wrong")
    assert "That is more than the 8% asked for: people did not label everything" in top.grounds[0]
    whole = run(1_500, truth=truth, **settings).loop.export(None).certificate
    assert whole is not None
    assert whole.promised_error == 0.08
    assert whole.promise == "error among all labels of the output <= 0.08, 90% confidence"

"""The loop: train, predict, auto-label, ask people, until nothing is left. Pure: no I/O, no clock.

One object holds all that a run knows between its steps. Its methods, in the order of a round:

    split         the labels the round's model learns from
    hear_model    what it says about the pool; a test of its labels may begin
    select        which objects people see
    hear_people   their answers; tests are settled, labels are committed, the round ends
    decide        what comes next; at the end:
    export        how the run ended

Its driver (the steps on AWS, or `labelloop.simulation` in memory) loads it, calls one method, and stores it.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_schedule import AuditSchedule, level
from labelloop.core.certificate.auto_labeling import (
    AutoLabeling,
    auto_label,
    may_learn_another_part,
    worth_another_part,
)
from labelloop.core.certificate.betting import fewest_draws
from labelloop.core.certificate.conclusion import Conclusion, TestUnderWay, conclude
from labelloop.core.certificate.lineage import chance_spent
from labelloop.core.certificate.other_promises import other_promises
from labelloop.core.certificate.possible_parts import Outlook
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.true_classes import classes_of_draws, classes_of_spot_checks
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import NO_IDS, Counts, Ids, Ledger, State
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.recorded_predictions import RecordedPredictions, record_predictions
from labelloop.core.model.splitting import (
    Split,
    draw_validation_set,
    split_with_holdout,
    split_with_validation_set,
)
from labelloop.core.people.hearing import hear, settle
from labelloop.core.people.human_labels import HumanLabels, unanswerable
from labelloop.core.people.label_review import LabelReview, Review, apply_reviews
from labelloop.core.people.second_opinions import MOST_VOTES, Rows, SecondOpinions
from labelloop.core.people.spot_checks import NO_SPOT_CHECKS, SpotChecks
from labelloop.core.query_strategies import QueryStrategy
from labelloop.core.query_strategies.selection import select_at_random, select_most_useful
from labelloop.core.randomness import random_stream
from labelloop.core.records import (
    Certificate,
    Lineage,
    ModelRecord,
    OtherPromise,
    RoundRecord,
    TrueClass,
    Verdict,
)
from labelloop.core.settings import LoopSettings
from labelloop.core.sizes import RoundTimes
from labelloop.core.stopping import (
    Decision,
    Limits,
    Standing,
    decide,
    objects_ahead,
    objects_to_ask,
    only_hears_people,
)


@dataclass(frozen=True)
class Selection:
    """Pool objects to ask people about."""

    asked: Ids
    drawn: Ids = field(default_factory=NO_IDS.copy)  # those for a test
    spot_checks: Ids = field(default_factory=NO_IDS.copy)  # those drawn at random
    # Not of this round: people go on with them while the next model learns.
    ahead: Ids = field(default_factory=NO_IDS.copy)
    # What the round's model said about those of the round, and those ahead.
    recorded: RecordedPredictions | None = None
    recorded_ahead: RecordedPredictions | None = None


@dataclass(frozen=True)
class Proposal:
    """The model's labels that need no test: they are committed at the end of the round."""

    ids: Ids
    labels: np.ndarray[tuple[int], np.dtype[np.int16]]


@dataclass(frozen=True)
class RoundOutcome:
    """The result of a round, object by object; all ids ascend."""

    labeled: Ids  # by people, in this round
    settled: Ids  # drawn at random; people's label is now final
    given_up: Ids  # people could not label them
    auto_labels: Ids  # committed
    review: LabelReview
    ended_test: Audit | None
    record: RoundRecord


@dataclass(frozen=True)
class EndedLoop:
    """How a run ended, for its output and its report."""

    settings: LoopSettings
    counts: Counts
    labels_in_input: int
    repeated_answers: int
    tests: int
    chance_left: float  # of a wrong promise, as a share, for further tests
    certificate: Certificate | None
    stopped_because: str | None
    unlabeled: npt.NDArray[np.bool_]  # objects still in the pool; shape (objects,)
    failed: npt.NDArray[np.bool_]  # objects that people could not label; shape (objects,)

    @property
    def why_unlabeled(self) -> str:
        """The reason that objects in the pool end with."""
        return f"not labeled: the run ended because {self.stopped_because}"


AutoLabelRule = Callable[["Loop", Predictions], AutoLabeling]


@dataclass
class Loop:
    """A run: its ledger, what is known about its models and tests, and its progress."""

    settings: LoopSettings
    ledger: Ledger
    labels_in_input: int  # human labels the input brought
    tuning: Tuning = DEFAULT  # does not change during a run
    round: int = 1
    idle_rounds: int = 0
    repeated_answers: int = 0
    schedule: AuditSchedule = field(default_factory=AuditSchedule)
    test: TestUnderWay | None = None
    certificate: Certificate | None = None  # of all parts of the pool that have passed a test
    goes_on: bool = False  # after a certificate: a later model may label a part of what is left
    disputed: Rows = field(default_factory=NO_SPOT_CHECKS.copy)  # spot checks that people disagree on
    new_human_labels: int = 0  # in the last round; before the first, those of the input
    times: RoundTimes | None = None  # of the last round, where people take time
    recorded_ahead: RecordedPredictions | None = None  # about what people go on with after this round
    # Of the round under way:
    model: ModelRecord | None = None
    proposal: Proposal | None = None
    recorded: RecordedPredictions | None = None  # what it said about the objects people were asked about
    recorded_before: RecordedPredictions | None = None  # what the last model said about those given ahead
    sent_to_people: int = 0
    drawn_for_test: int = 0

    @classmethod
    def begin(cls, settings: LoopSettings, ledger: Ledger, *, tuning: Tuning = DEFAULT) -> "Loop":
        """A run's first state; the ledger holds the labels from the input."""
        labels = ledger.counts().human_labels
        return cls(settings, ledger, labels_in_input=labels, tuning=tuning, new_human_labels=labels)

    @property
    def counts(self) -> Counts:
        return self.ledger.counts()

    @property
    def limits(self) -> Limits:
        """The run's limits, in data objects."""
        of_a_test = level(self.schedule, self.settings.confidence, self.tuning.timing.share_spent)
        return self.settings.limits(
            len(self.ledger),
            most_votes=MOST_VOTES,
            fewest_draws=fewest_draws(self.settings.promise(0, 0, 0), of_a_test, tuning=self.tuning),
            tuning=self.tuning,
        )

    def standing(self, *, new_human_labels: int = 0) -> Standing:
        """The run's progress. Answers count also where people have to be asked again."""
        return Standing(
            counts=self.counts,
            labels_in_input=self.labels_in_input,
            round_number=self.round - 1,
            new_human_labels=new_human_labels,
            idle_rounds=self.idle_rounds,
            repeated_answers=self.repeated_answers + self._answers_in_dispute(),
            testing=self.test is not None,
            rest_for_people=self.certificate is not None and not self.goes_on,
        )

    def _answers_in_dispute(self) -> int:
        """First answers about objects that have no label yet, because people and the model do not agree."""
        return len(self.disputed) + (len(self.test.audit.disputed()) if self.test is not None else 0)

    def promise(self) -> Promise:
        """What the next certificate has to promise."""
        return self._promise_with(self.settings)

    def _promise_with(self, settings: LoopSettings) -> Promise:
        granted = (self.certificate.wrong_bound or 0) if self.certificate else 0
        return settings.promise(self._most_labels(), self._labels_by_people(), granted)

    def _labels_expected(self, auto_labels: int) -> int:
        """How many labels the promise is about, with these auto-labels, if people answer all they can."""
        return min(self._most_labels(), self._labels_by_people() + auto_labels)

    def _most_labels(self) -> int:
        counts = self.counts
        return counts.input - counts.failed - self._by_machine_in_input()

    def _labels_by_people(self) -> int:
        """Those there are, those they can still give, and what the model has labeled so far."""
        counts = self.counts
        auto_labels = counts.auto - self._by_machine_in_input()
        # With those ahead: what people leave of these, they can be asked about again.
        left = self.standing().human_labels_to_come(self.limits)
        return counts.human_labels + auto_labels + self.settings.labels_for(left, tuning=self.tuning)

    def _by_machine_in_input(self) -> int:
        """Labels that the input brought by machine: nobody tests them, so no promise is about them."""
        return int((self.ledger.mask(State.AUTO) & (self.ledger.rounds == 0)).sum())

    def human_labels_left(self) -> int:
        """How many more answers the run may ask people for."""
        return self.standing().human_labels_left(self.limits)

    # The methods of a round ---------------------------------------------------------------------------------

    def split(self) -> Split:
        """The labels for the round's model. Under `blog` the first one draws the validation set."""
        if not self.schedule.human_labels:
            # Before the first test, growth is counted from the labels of the first model.
            self.schedule = replace(self.schedule, human_labels=self.counts.human_labels)
        if not self.settings.is_blog:
            rng = random_stream(self.settings.seed, "holdout", self.round)
            return split_with_holdout(self.ledger, self.settings.holdout_share, rng)
        if not self.counts.validation:
            rng = random_stream(self.settings.seed, "validation set")
            draw_validation_set(self.ledger, self.limits.validation, rng)
        return split_with_validation_set(self.ledger)

    def hear_model(self, predictions: Predictions, rule: AutoLabelRule | None = None) -> AutoLabeling:
        """What the round's model labels, or a test of what it would label.

        `predictions`: for pool and validation set; `rule`: replaces labelloop's own.
        """
        labeling = (rule or label_what_is_sure)(self, predictions)
        self.schedule = labeling.schedule
        self.model = _model_record(self.ledger, predictions, labeling)
        if labeling.audit is not None:
            threshold = 0.0 if labeling.threshold is None else labeling.threshold
            self.test = TestUnderWay(labeling.audit, threshold, self.counts.pool)
        else:
            self.proposal = Proposal(labeling.ids, predictions.label[labeling.ids])
        if labeling.outlook is not None:
            self._look_ahead(labeling.outlook, predictions)
        return labeling

    def select(self, predictions: Predictions | None, strategy: QueryStrategy) -> Selection:
        """What people see next. A test draws its next objects here, and records them.

        `predictions` come from this round's model; None when there was no model.
        """
        standing = self.standing()
        if only_hears_people(standing, self.limits, tuning=self.tuning):
            return self._ask(Selection(NO_IDS), predictions)
        selection = self._choose(predictions, strategy, standing)
        again = np.setdiff1d(self.disputed["id"], selection.asked)
        room = max(0, standing.human_labels_left(self.limits) - len(selection.asked))
        asked = np.union1d(selection.asked, again[:room])
        ahead = self._choose_ahead(predictions, strategy, standing, asked)
        return self._ask(replace(selection, asked=asked, ahead=ahead), predictions)

    def hear_people(
        self,
        answers: Iterable[Answer],
        *,
        reviews: Iterable[Review] = (),
        not_shown: Iterable[Ids] = (),
    ) -> RoundOutcome:
        """Take in what people said, and end the round.

        That is about this round's objects, and about those that they were given ahead in the one before.
        `answers` are read once, in order. `reviews`: labels that people were asked about again.
        `not_shown`: objects that people may not have seen, because their labeling job failed or was stopped.
        """
        drawn, ahead = self._drawn_at_random(), self.ledger.asked_ahead_before(self.round)
        self.ledger.return_to_pool(ahead)
        people = HumanLabels(self.ledger, np.concatenate([opinions.awaited() for opinions, _ in drawn]))
        people.read(answers)
        people.record(self.round)
        self._withdraw_unseen(ahead, people)
        self._note_doubts(people.labeled)
        review = apply_reviews(self.ledger, reviews)
        repeated, settled, goes_on = self._hear(drawn, people, review)
        for ids in not_shown:
            self.ledger.withdraw(ids)
        given_up = unanswerable(self.ledger, np.concatenate([opinions.disputed() for opinions, _ in drawn]))
        self.ledger.fail(given_up, self.round)
        if self.test is not None:
            self.test.audit.give_up(given_up)
        conclusion = self._conclude(goes_on=goes_on)
        committed = self._commit(conclusion)
        self.new_human_labels = len(people.labeled) + len(settled)
        labeled = self.new_human_labels or repeated or len(committed)
        self.idle_rounds = 0 if labeled else self.idle_rounds + 1
        ended_test = self._ended_test(conclusion)
        record = self._record(conclusion, people.ignored, repeated, len(committed), review).model_copy(
            update={
                "spot_checks_by_class": classes_of_spot_checks(drawn[0][0]),
                "draws_by_class": self._classes_of_draws(conclusion),
            }
        )
        self._next_round(ended=ended_test is not None)
        return RoundOutcome(
            labeled=np.sort(people.labeled),
            settled=np.sort(settled),
            given_up=given_up,
            auto_labels=committed,
            review=review,
            ended_test=ended_test,
            record=record.model_copy(update={"next": self.decide().next}),
        )

    def decide(self) -> Decision:
        """What comes next; if the loop stops, also why."""
        standing = self.standing(new_human_labels=self.new_human_labels)
        return decide(standing, self.limits, tuning=self.tuning)

    def export(self, stopped_because: str | None) -> EndedLoop:
        """How the run ended; `stopped_because`: the reason of the last decision."""
        counts = self.counts
        labels = counts.human_labels + counts.auto - self._by_machine_in_input()
        return EndedLoop(
            settings=self.settings,
            counts=counts,
            labels_in_input=self.labels_in_input,
            repeated_answers=self.repeated_answers,
            tests=self.schedule.tests,
            chance_left=self.schedule.chance_left,
            certificate=self.certificate.of_output(labels).of_lineage(self.lineage())
            if self.certificate
            else None,
            stopped_because=stopped_because,
            unlabeled=self.ledger.mask(State.POOL, State.AHEAD),
            failed=self.ledger.mask(State.FAILED),
        )

    def lineage(self) -> Lineage:
        """Of a run that goes on from no other."""
        spent = chance_spent(self.schedule, self.settings.confidence)
        return Lineage(executions=1, tests=self.schedule.tests, chance_spent=spent)

    # Looking ahead ------------------------------------------------------------------------------------------

    def _look_ahead(self, outlook: Outlook, predictions: Predictions) -> None:
        """From what the round's model said: are later ones worth training, and what is to be told?"""
        if self.goes_on:
            counts = self.counts
            self.goes_on = worth_another_part(
                outlook, self.promise(), counts.human_labels, counts.pool, tuning=self.tuning
            )
        if self.model is not None and self.test is None and self.certificate is None:
            others = self._other_promises(outlook, predictions)
            self.model = self.model.model_copy(update={"other_promises": others})

    def _other_promises(self, outlook: Outlook, predictions: Predictions) -> tuple[OtherPromise, ...]:
        """None where people would not label nearly all, or have given only the first labels."""
        counts, rounds = self.counts, self.tuning.rounds
        labels = counts.human_labels + min(outlook.human_labels, counts.pool)
        affordable = outlook.draws <= self.settings.most_draws(
            len(self.ledger), self.human_labels_left(), tuning=self.tuning
        )
        if affordable and labels <= rounds.told_above * counts.input:
            return ()
        if counts.human_labels < rounds.told_from * counts.input:
            return ()
        return other_promises(
            self.ledger,
            predictions,
            self.settings,
            self.schedule,
            self._promise_with,
            (labels if affordable else counts.input) - rounds.worth_telling * counts.input,
            random_stream(self.settings.seed, "other promises", self.round),
            tuning=self.tuning,
        )

    # Choosing for people ------------------------------------------------------------------------------------

    def _choose(
        self, predictions: Predictions | None, strategy: QueryStrategy, standing: Standing
    ) -> Selection:
        if self.test is not None:
            return self._choose_for_test(self.test.audit, predictions, strategy, standing)
        rng = random_stream(self.settings.seed, "selection", self.round)
        left_to_people = self.model.left_to_people if self.model else None
        count = objects_to_ask(
            standing,
            self.limits,
            left_to_people=left_to_people,
            times=self.times if self._batches_grow else None,
            tuning=self.tuning,
        )
        if predictions is None:
            return Selection(select_at_random(self.ledger, count, rng))
        auto_labeled = self.proposal.ids if self.proposal else NO_IDS
        spot_checks = self._draw_spot_checks(auto_labeled, count, rng)
        left_out = np.union1d(auto_labeled, spot_checks)
        useful = select_most_useful(
            self.ledger, predictions, left_out, count - len(spot_checks), strategy, rng
        )
        return Selection(np.union1d(useful, spot_checks), spot_checks=spot_checks)

    @property
    def _batches_grow(self) -> bool:
        """Whether a batch is as large as people's wait is long; who has objects ahead does not wait."""
        return self.settings.batch_size is None and not self.settings.ahead_share

    def _choose_ahead(
        self, predictions: Predictions | None, strategy: QueryStrategy, standing: Standing, asked: Ids
    ) -> Ids:
        """What people go on with while the next model learns."""
        # No model learns while a test is under way; said here too, for a test depends on it.
        if self.settings.is_blog or self.test is not None:
            return NO_IDS
        count = objects_ahead(
            standing, self.limits, self.settings.ahead_share, asked=len(asked), tuning=self.tuning
        )
        if not count:
            return NO_IDS
        auto_labeled = self.proposal.ids if self.proposal else NO_IDS
        left_out = np.concatenate([asked, self.disputed["id"], auto_labeled])
        rng = random_stream(self.settings.seed, "ahead", self.round)
        if predictions is None:
            return select_at_random(self.ledger, count, rng, left_out)
        return select_most_useful(self.ledger, predictions, left_out, count, strategy, rng)

    def _choose_for_test(
        self, audit: Audit, predictions: Predictions | None, strategy: QueryStrategy, standing: Standing
    ) -> Selection:
        left = standing.human_labels_left(self.limits)
        awaited = audit.awaited()
        if len(awaited):
            return Selection(awaited[:left], awaited[:left])
        drawn = audit.next_stage(left, once=self.round >= self.limits.rounds)
        if predictions is None:
            return Selection(drawn, drawn)
        # The objects for the test come first; the rest of the batch goes to people with them.
        candidates = np.asarray(audit.candidates["id"])
        if not len(drawn) and audit.outcome(evidence := audit.all_evidence()) == Verdict.PASSED:
            # It needs no draws: what it leaves to people is theirs already.
            candidates = candidates[audit.certified(evidence)]
        planned = round(sum(group.plan.draws for group in audit.groups))
        count = max(0, min(self.limits.batch, audit.most_draws - max(planned, len(drawn))))
        rng = random_stream(self.settings.seed, "selection", self.round)
        useful = select_most_useful(self.ledger, predictions, candidates, count, strategy, rng)
        return Selection(np.union1d(useful, drawn), drawn)

    def _draw_spot_checks(self, left_out: Ids, count: int, rng: np.random.Generator) -> Ids:
        if self.settings.is_blog:
            return NO_IDS
        # Objects that people could not label, or disagree on, differ from those never asked about.
        never_asked = np.flatnonzero(self.ledger.mask(State.POOL) & (self.ledger.times_asked == 0))
        open_objects = np.setdiff1d(never_asked, left_out)
        return np.sort(rng.permutation(open_objects)[: math.ceil(self.tuning.rounds.spot_checks * count)])

    def _ask(self, selection: Selection, predictions: Predictions | None) -> Selection:
        """Note what is asked, and what the round's model says about it."""
        if predictions is not None:
            selection = replace(
                selection,
                recorded=record_predictions(predictions, selection.asked, selection.spot_checks),
                recorded_ahead=record_predictions(predictions, selection.ahead, NO_IDS),
            )
        self.ledger.ask(selection.asked)
        self.ledger.ask_ahead(selection.ahead, self.round)
        self.recorded, self.recorded_ahead = selection.recorded, selection.recorded_ahead
        self.sent_to_people, self.drawn_for_test = len(selection.asked), len(selection.drawn)
        return selection

    # Hearing people -----------------------------------------------------------------------------------------

    def _drawn_at_random(self) -> list[tuple[SecondOpinions, State]]:
        """Objects whose label several people may have to agree on, and what they become."""
        spot_checks = SpotChecks.of(self.recorded, self.disputed, reviewed=self.settings.review_disagreements)
        drawn: list[tuple[SecondOpinions, State]] = [(spot_checks, State.HUMAN)]
        if self.test is not None:
            drawn.append((self.test.audit, State.VALIDATION))
        return drawn

    def _hear(
        self, drawn: list[tuple[SecondOpinions, State]], people: HumanLabels, review: LabelReview
    ) -> tuple[int, Ids, bool]:
        """Repeated answers, objects whose label is now final, and whether people can be asked again."""
        repeated = sum(hear(opinions, people) for opinions, _ in drawn)
        self.repeated_answers += repeated + review.counts.answered
        # What people agree on first: it is on the budget that decides whether they can be asked again.
        settled = [settle(self.ledger, opinions, becomes, self.round) for opinions, becomes in drawn]
        spot_checks = drawn[0][0]
        self.disputed = spot_checks.still_disputed()
        goes_on = self.human_labels_left() > 0 and self.round < self.limits.rounds
        if not goes_on:
            for opinions, becomes in drawn:
                opinions.let_stand(opinions.disputed())
                settled.append(settle(self.ledger, opinions, becomes, self.round))
            self.disputed = spot_checks.still_disputed()
        self.schedule = self.schedule.learned(*spot_checks.findings(), tuning=self.tuning)
        return repeated, np.concatenate(settled), goes_on

    def _withdraw_unseen(self, ahead: Ids, people: HumanLabels) -> None:
        """Of what people were given ahead, they saw what they said something about."""
        unseen = np.setdiff1d(ahead, np.concatenate([people.labeled, people.in_vain]))
        self.ledger.withdraw(unseen)
        self.sent_to_people += len(ahead) - len(unseen)

    def _note_doubts(self, labeled: Ids) -> None:
        """How sure the model had been of what people have labeled now."""
        for recorded in (self.recorded_before, self.recorded):
            if recorded is not None:
                known = np.isin(recorded["id"], labeled)
                self.schedule = self.schedule.asked(recorded["confidence"][known])

    def _conclude(self, *, goes_on: bool) -> Conclusion | None:
        if self.test is None:
            return None
        by_class = self.settings.certificate_for == "class"
        conclusion = conclude(self.test, self.settings.confidence, by_class=by_class, goes_on=goes_on)
        if conclusion.verdict == Verdict.FAILED:
            self.schedule = self.schedule.failed(*self.test.audit.findings(), tuning=self.tuning)
            self.ledger.release_to_training(self.ledger.ids(State.VALIDATION))
        if conclusion.certificate is not None:
            self._certify(conclusion.certificate)
        return conclusion

    def _certify(self, part: Certificate) -> None:
        expected = self._labels_expected(part.auto_labels)
        whole = self.certificate.plus(part) if self.certificate else part
        self.certificate = whole.of_output(expected)
        human_labels, left = self.counts.human_labels, self.counts.pool - part.auto_labels
        self.goes_on = self.schedule.chance_left > 0 and may_learn_another_part(
            self.promise(), human_labels, left, tuning=self.tuning
        )
        if self.goes_on:
            self.ledger.release_to_training(self.ledger.ids(State.VALIDATION))

    def _classes_of_draws(self, conclusion: Conclusion | None) -> tuple[TrueClass, ...]:
        if self.test is None or conclusion is None or conclusion.verdict != Verdict.PASSED:
            return ()
        return classes_of_draws(self.test.audit, self.ledger)

    def _ended_test(self, conclusion: Conclusion | None) -> Audit | None:
        if self.test is None or conclusion is None or conclusion.verdict == Verdict.OPEN:
            return None
        return self.test.audit

    def _commit(self, conclusion: Conclusion | None) -> Ids:
        """The model's labels that passed a test or need none."""
        if conclusion is not None and self.test is not None:
            candidates = self.test.audit.candidates
            ids = conclusion.committed
            labels = candidates["label"][np.searchsorted(candidates["id"], ids)]
        elif self.proposal is not None:
            # A late answer about an object of an earlier round counts before the model's label.
            still_open = self.ledger.mask(State.POOL)[self.proposal.ids]
            ids, labels = self.proposal.ids[still_open], self.proposal.labels[still_open]
        else:
            return NO_IDS
        self.ledger.label(ids, labels, State.AUTO, self.round)
        return ids

    def _record(
        self, conclusion: Conclusion | None, ignored: int, repeated: int, committed: int, review: LabelReview
    ) -> RoundRecord:
        model = self.model or ModelRecord()
        return RoundRecord(
            round=self.round,
            trained=self.model is not None,
            validation_accuracy=model.validation_accuracy,
            threshold=model.threshold,
            expected_error=model.expected_error,
            left_to_people=model.left_to_people,
            expected_draws=model.expected_draws,
            other_promises=model.other_promises,
            drawn_for_test=self.drawn_for_test,
            test=conclusion.record if conclusion else None,
            certificate=conclusion.certificate if conclusion else None,
            auto_labels_committed=committed,
            unreadable_by_model=model.unreadable,
            first_unreadable=model.first_unreadable,
            sent_to_people=self.sent_to_people,
            labeled_by_people=self.new_human_labels,
            ignored_answers=ignored,
            repeated_answers=repeated,
            label_review=review.counts,
            counts=self.counts,
        )

    def _next_round(self, *, ended: bool) -> None:
        self.test = None if ended else self.test
        self.model, self.proposal, self.recorded = None, None, None
        self.recorded_before, self.recorded_ahead = self.recorded_ahead, None
        self.sent_to_people, self.drawn_for_test = 0, 0
        self.round += 1


def label_what_is_sure(loop: Loop, predictions: Predictions) -> AutoLabeling:
    """Labelloop's rule: label what can be certified, as soon as the test is worth its cost."""
    if loop.schedule.chance_left <= 0 and not loop.settings.is_blog:
        # No test can pass at a level of zero.
        return AutoLabeling(NO_IDS, None, loop.schedule)
    standing = loop.standing()
    return auto_label(
        loop.ledger,
        predictions,
        loop.settings,
        loop.schedule,
        loop.limits,
        loop.promise(),
        standing.human_labels_left(loop.limits),
        random_stream(loop.settings.seed, "audit", loop.round),
        last=standing.is_last_round(loop.limits),
        tuning=loop.tuning,
    )


def _model_record(ledger: Ledger, predictions: Predictions, labeling: AutoLabeling) -> ModelRecord:
    outlook = labeling.outlook
    return ModelRecord(
        auto_labels=len(labeling.ids),
        validation_accuracy=_validation_accuracy(ledger, predictions),
        threshold=labeling.threshold,
        expected_error=outlook.expected_error if outlook else None,
        left_to_people=outlook.left_to_people if outlook else None,
        expected_draws=outlook.draws if outlook and math.isfinite(outlook.draws) else None,
        unreadable=predictions.errors,
        first_unreadable=predictions.first_error,
    )


def _validation_accuracy(ledger: Ledger, predictions: Predictions) -> float | None:
    """Share of the validation set the model got right; None without a validation set, as under `default`."""
    validation = ledger.ids(State.VALIDATION)
    if not len(validation):
        return None
    return float(np.mean(predictions.label[validation] == ledger.labels[validation]))

"""A round's decisions, as the steps make them: from the run's state and what stands in S3, without either."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from labelloop.core.certificate.audit import Audit, Verdict
from labelloop.core.certificate.audit_schedule import AuditSchedule
from labelloop.core.certificate.auto_labeling import AutoLabeling, auto_label
from labelloop.core.certificate.certificate import Certificate, certificate_of
from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.splitting import (
    Split,
    draw_validation_set,
    split_with_holdout,
    split_with_validation_set,
)
from labelloop.core.people.human_labels import HumanLabels
from labelloop.core.people.second_opinions import SecondOpinions
from labelloop.core.people.spot_checks import SpotChecks
from labelloop.core.query_strategies import QueryStrategy
from labelloop.core.query_strategies.selection import select_at_random, select_most_useful
from labelloop.core.randomness import random_stream
from labelloop.core.stopping import Progress, objects_to_ask
from labelloop.workflow.run_state import RunState


@dataclass(frozen=True)
class Selection:
    """Pool objects to ask people about."""

    asked: Ids
    drawn: Ids = field(default_factory=NO_IDS.copy)  # of these, for a test
    spot_checks: Ids = field(
        default_factory=NO_IDS.copy
    )  # of these, at random, to see how well the model knows itself


@dataclass(frozen=True)
class AuditConclusion:
    """What a test has come to, for the time being."""

    verdict: Verdict
    certificate: Certificate | None
    committed: Ids  # pool objects the model labels
    schedule: AuditSchedule
    drawn: int  # objects drawn by chance that people answered about by now
    wrong: int  # of these, how many the model had wrong
    withdrawn: int  # doubtful candidates people labeled so that the rest may pass
    error_estimate: float  # of the model, on all that it would label
    error_bound: float  # of what nobody was asked about; the largest of all groups


def split(state: RunState, ledger: Ledger) -> Split:
    """The training job's channels. Under the policy `blog` the first model draws the validation set."""
    if state.settings.policy == "blog":
        if not ledger.counts().validation:
            rng = random_stream(state.settings.seed, "validation set")
            draw_validation_set(ledger, state.limits.validation, rng)
        return split_with_validation_set(ledger)
    rng = random_stream(state.settings.seed, "holdout", state.round)
    return split_with_holdout(ledger, _holdout_share(state), rng)


def schedule_at_first_model(state: RunState, ledger: Ledger) -> AuditSchedule:
    """Before the first test, growth is counted from the labels of the first model."""
    if state.schedule.human_labels:
        return state.schedule
    return replace(state.schedule, human_labels=ledger.counts().human_labels)


def label_what_is_sure(state: RunState, ledger: Ledger, predictions: Predictions) -> AutoLabeling:
    """What the model labels in this round, or a test of what it would label."""
    progress = state.progress(rounds_done=state.round - 1, new_human_labels=0)
    return auto_label(
        ledger,
        predictions,
        state.settings,
        state.schedule,
        state.limits,
        progress.human_labels_left(state.limits),
        random_stream(state.settings.seed, "audit", state.round),
        last=progress.is_last_round(state.limits),
    )


def validation_accuracy(ledger: Ledger, predictions: Predictions) -> float | None:
    """Share of the validation set the model got right; None where there is none, but under `blog`."""
    validation = ledger.ids(State.VALIDATION)
    if not len(validation):
        return None
    return float(np.mean(predictions.label[validation] == ledger.labels[validation]))


def choose_for_humans(
    state: RunState,
    ledger: Ledger,
    predictions: Predictions | None,
    auto_labeled: Ids,
    audit: Audit | None,
    strategy: QueryStrategy,
    disputed_spot_checks: Ids,
) -> Selection:
    """What people see next. An audit's next objects are drawn, and marked so in it.

    `predictions` and `auto_labeled` are of this round's model; None and none when there was none.
    `disputed_spot_checks`: of earlier rounds; people are asked about them again, as far as they may be.
    """
    unsettled = len(disputed_spot_checks) + (len(audit.disputed()) if audit else 0)
    progress = _progress(state, rounds_done=state.round - 1, unsettled=unsettled)
    selection = _choose(state, ledger, predictions, auto_labeled, audit, strategy, progress)
    again = np.setdiff1d(disputed_spot_checks, selection.asked)
    room = max(0, progress.human_labels_left(state.limits) - len(selection.asked))
    return replace(selection, asked=np.union1d(selection.asked, again[:room]))


def _progress(state: RunState, *, rounds_done: int, unsettled: int) -> Progress:
    """Counting answers about objects whose label is not settled, which the ledger does not know of."""
    progress = state.progress(rounds_done=rounds_done, new_human_labels=0)
    return replace(progress, repeated_answers=progress.repeated_answers + unsettled)


def _choose(
    state: RunState,
    ledger: Ledger,
    predictions: Predictions | None,
    auto_labeled: Ids,
    audit: Audit | None,
    strategy: QueryStrategy,
    progress: Progress,
) -> Selection:
    limits = state.limits
    drawn, once = NO_IDS, state.round >= limits.rounds
    if audit is not None:
        disputed = audit.disputed()
        if len(disputed) or predictions is None:
            drawn = disputed if len(disputed) else audit.next_stage(once=once)
            return Selection(drawn[: progress.human_labels_left(limits)], drawn)
        drawn = audit.next_stage(once=once)
    rng = random_stream(state.settings.seed, "selection", state.round)
    left_to_people = state.model.left_to_people if state.model else None
    count = objects_to_ask(progress, limits, left_to_people=left_to_people)
    if predictions is None:
        return Selection(select_at_random(ledger, count, rng))
    if audit is not None:
        # What the test will take comes first; the rest of a batch is asked about along with it.
        auto_labeled = np.asarray(audit.candidates["id"])
        planned = round(sum(group.plan.draws for group in audit.groups))
        count = max(0, min(limits.batch, audit.most_draws - max(planned, len(drawn))))
        useful = select_most_useful(ledger, predictions, auto_labeled, count, strategy, rng)
        return Selection(np.union1d(useful, drawn), drawn)
    spot_checks = _spot_checks(state, ledger, auto_labeled, count, rng)
    left_out = np.union1d(auto_labeled, spot_checks)
    useful = select_most_useful(ledger, predictions, left_out, count - len(spot_checks), strategy, rng)
    return Selection(np.union1d(useful, spot_checks), spot_checks=spot_checks)


def _spot_checks(state: RunState, ledger: Ledger, left_out: Ids, count: int, rng: np.random.Generator) -> Ids:
    if state.settings.policy == "blog":
        return NO_IDS
    # Who was asked about and got no answer, or answers that differ, is no like of those never asked about.
    never_asked = np.flatnonzero(ledger.mask(State.POOL) & (ledger.times_asked == 0))
    open_objects = np.setdiff1d(never_asked, left_out)
    return np.sort(rng.permutation(open_objects)[: math.ceil(DEFAULT.rounds.spot_checks * count)])


@dataclass(frozen=True)
class Heard:
    """What people's answers about objects drawn at random have come to."""

    state: RunState  # with what was learned
    settled: Ids  # objects whose label is settled by now
    repeated: int  # answers about objects that had been answered about before
    goes_on: bool  # people can be asked again


def take_votes(
    state: RunState,
    ledger: Ledger,
    spot_checks: SpotChecks,
    audit: Audit | None,
    people: HumanLabels,
    *,
    reviews: int = 0,
) -> Heard:
    """Take people's answers: settled spot checks go to training, what a test drew to validation.

    `reviews`: other answers of this round about objects that had been answered about before.
    """
    drawn: list[tuple[SecondOpinions, State]] = [(spot_checks, State.HUMAN)]
    if audit is not None:
        drawn.append((audit, State.VALIDATION))
    repeated = sum(_hear(votes, people) for votes, _ in drawn)
    heard = state.with_ledger(ledger, state.ledger_s3_uri).model_copy(
        update={"repeated_answers": state.repeated_answers + repeated + reviews}
    )
    unsettled = sum(len(votes.disputed()) for votes, _ in drawn)
    progress = _progress(heard, rounds_done=state.round, unsettled=unsettled)
    goes_on = progress.human_labels_left(heard.limits) > 0 and state.round < heard.limits.rounds
    settled = [_settle(ledger, votes, becomes, state.round, goes_on=goes_on) for votes, becomes in drawn]
    learned = heard.with_ledger(ledger, state.ledger_s3_uri).model_copy(
        update={"schedule": state.schedule.learned(*spot_checks.findings())}
    )
    return Heard(learned, np.concatenate(settled), repeated, goes_on)


def _hear(votes: SecondOpinions, people: HumanLabels) -> int:
    """Note people's answers; who is not answered about again is taken at the first word."""
    asked_again = votes.disputed()
    ids, labels = people.votes_about(votes.awaited())
    votes.vote(ids, labels)
    votes.let_stand(np.setdiff1d(asked_again, ids))
    return len(np.intersect1d(asked_again, ids))


def _settle(
    ledger: Ledger, votes: SecondOpinions, becomes: State, round_number: int, *, goes_on: bool
) -> Ids:
    """Label the objects whose label is settled; if nobody can be asked again, first answers stand."""
    if not goes_on:
        votes.let_stand(votes.disputed())
    settled, labels = votes.answers()
    new = ledger.mask(State.POOL)[settled]
    ledger.label(settled[new], labels[new], becomes, round_number)
    return np.asarray(settled[new])


def conclude_test(state: RunState, ledger: Ledger, audit: Audit, *, goes_on: bool) -> AuditConclusion:
    """Whether a test has passed, failed, or needs more draws; a failed one's objects go to training.

    `goes_on`: people can be asked again.
    """
    assert state.audit is not None
    verdict = audit.outcome()
    if verdict == Verdict.OPEN and not goes_on:
        verdict = Verdict.PASSED if audit.passed() else Verdict.FAILED
    schedule, certificate, committed = state.schedule, None, NO_IDS
    if verdict == Verdict.PASSED:
        certificate = certificate_of(
            audit,
            state.settings.confidence,
            state.audit.threshold,
            state.audit.pool,
            by_class=state.settings.certificate_for == "class",
        )
        committed = audit.open_ids()
    elif verdict == Verdict.FAILED:
        schedule = schedule.failed(*audit.findings())
        ledger.release_to_training(ledger.ids(State.VALIDATION))
    evidence = audit.all_evidence()
    candidates = sum(found.candidates for found in evidence)
    return AuditConclusion(
        verdict=verdict,
        certificate=certificate,
        committed=committed,
        schedule=schedule,
        drawn=sum(found.drawn for found in evidence),
        wrong=sum(found.wrong for found in evidence),
        withdrawn=sum(found.withdrawn for found in evidence),
        error_estimate=sum(found.error_share(candidates) for found in evidence),
        error_bound=max(found.error_bound for found in evidence),
    )


def _holdout_share(state: RunState) -> float:
    model = state.settings.model
    if model.holdout_share is not None:
        return model.holdout_share
    return 0.0 if model.is_own_image else DEFAULT.rounds.holdout_of_other_images

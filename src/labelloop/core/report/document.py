"""The report: what the run did, and what became of every data object."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from labelloop.core.certificate.audit_schedule import AuditSchedule, level
from labelloop.core.certificate.betting import fewest_draws
from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.loop import EndedLoop
from labelloop.core.randomness import as_written
from labelloop.core.records import (
    Failure,
    FailureRecord,
    FoundationModelRecord,
    LearningLaw,
    ModelQuality,
    OutcomeCounts,
    RandomBaseline,
    Report,
    RoundRecord,
)
from labelloop.core.report.forecast import forecast
from labelloop.core.report.learning_curve import InversePowerLaw, fit_inverse_power_law
from labelloop.core.report.true_classes import true_classes

FAILURES_LISTED = 100


class Failures:
    """Objects without a label, each with its reason: all counted, the first of them listed."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._listed: list[Failure] = []

    def note(self, line_number: int, reason: str) -> None:
        """Take note of an object, by its line in the output manifest, counted from 1."""
        self._reasons[reason] += 1
        if len(self._listed) < FAILURES_LISTED:
            self._listed.append(Failure(line=line_number, reason=reason))

    def record(self) -> FailureRecord:
        return FailureRecord(
            by_reason=dict(self._reasons.most_common(FAILURES_LISTED)), first=tuple(self._listed)
        )


@dataclass(frozen=True)
class EndedRun:
    """A run at its end: what the report is made of."""

    loop: EndedLoop
    execution: str
    requested: dict[str, Any]  # the request's block `ActiveLearning`, with its defaults
    query_strategy: str
    classes: tuple[str, ...]
    rounds: tuple[RoundRecord, ...]
    given_by: tuple[str, ...] | None = None  # the sources of labels that are given, if no model is trained
    earlier_seeds: tuple[str, ...] = ()  # that draws came from before
    foundation_model: tuple[FoundationModelRecord, ...] = ()  # of each asking


def report_of(run: EndedRun, failures: Failures, quality: ModelQuality | None) -> Report:
    """The machine-readable report; seconds and comparisons with a known truth are added by who has them.

    `quality`: what `model_quality` makes of the models' predictions; None when there are none.
    """
    ended, settings, counts = run.loop, run.loop.settings, run.loop.counts
    first, again = (*run.foundation_model, None, None)[:2]
    return Report(
        execution=run.execution,
        policy=settings.policy,
        query_strategy=run.query_strategy,
        seed=as_written(settings.seed),
        seed_was_secret=not settings.seed_was_given,
        earlier_seeds=run.earlier_seeds,
        target_error=settings.target_error,
        confidence=settings.confidence,
        classes=run.classes,
        counts=OutcomeCounts.of(counts),
        human_labels_in_input=ended.labels_in_input,
        machine_labels_in_input=counts.auto - _auto_labels_of_the_run(run),
        certificate=ended.certificate,
        no_certificate_because=_why_no_certificate(run),
        stopped_because=ended.stopped_because,
        cost=settings.prices.cost(
            human_labels=counts.human_labels - ended.labels_in_input,
            auto_labels=_auto_labels_of_the_run(run),
            repeated_answers=ended.repeated_answers,
            foundation_model=sum(asking.spent or 0.0 for asking in run.foundation_model),
        ),
        rounds=run.rounds,
        # What more labels would teach a model: labels that are given do not get better.
        random_baseline=(None if run.given_by else random_baseline(run.query_strategy, run.rounds, quality)),
        evidence=quality,
        given_by=run.given_by,
        foundation_model=first,
        foundation_model_again=again,
        true_classes=true_classes(run.rounds),
        next_round=None if run.given_by else forecast(run.rounds, counts.pool, settings.target_error),
        failures=failures.record(),
        settings=run.requested,
    )


def random_baseline(
    query_strategy: str, rounds: tuple[RoundRecord, ...], quality: ModelQuality | None
) -> RandomBaseline:
    """What randomly drawn labels would have given: a learning curve through the rounds that had no others."""
    scored = {entry.round: entry for entry in (quality.accuracy_by_round if quality else ())}
    known = [
        (record, entry.accuracy, entry.labeled)
        for record in _rounds_on_random_labels(rounds, query_strategy)
        if (entry := scored.get(record.round)) is not None
        and entry.accuracy is not None
        and entry.labeled is not None
    ]
    labels = [record.human_labels_before for record, _, _ in known]
    law = fit_inverse_power_law(
        labels, [accuracy for _, accuracy, _ in known], [weight for _, _, weight in known]
    )
    if law is None:
        return RandomBaseline(unknown_because=_why_no_baseline(len(set(labels))))
    last = [record for record in rounds if record.trained][-1].human_labels_before
    return RandomBaseline(
        law=LearningLaw(limit=law.limit, factor=law.factor, decay=law.decay),
        rounds=tuple(record.round for record, _, _ in known),
        human_labels=last,
        accuracy=law.at(last),
        curve=_points(law, min(labels), max(last, *labels)),
    )


def _rounds_on_random_labels(rounds: tuple[RoundRecord, ...], query_strategy: str) -> list[RoundRecord]:
    """Rounds whose model learned from labels drawn from the whole input alike.

    Once a strategy has chosen, auto-labels have been left out, or a test has drawn the doubtful objects more
    often, the labels are no longer such a draw.
    """
    found = []
    for record in rounds:
        if record.trained:
            found.append(record)
            if query_strategy != "random" or record.auto_labels_committed or record.test:
                break
    return found


def _why_no_baseline(random_sizes: int) -> str:
    if random_sizes == 0:
        return "no model was trained on randomly drawn labels and scored"
    if random_sizes < 4:
        rounds = "only one round" if random_sizes == 1 else f"only {random_sizes} rounds"
        return (
            f"{rounds} had a model trained on randomly drawn labels alone, and a learning curve takes four "
            "to fit"
        )
    return "the accuracy did not rise with the number of randomly drawn labels"


def _points(law: InversePowerLaw, first: int, last: int) -> tuple[tuple[float, float], ...]:
    steps = 24
    sizes = [first + (last - first) * step / steps for step in range(steps + 1)]
    return tuple((size, law.at(size)) for size in sizes)


def _auto_labels_of_the_run(run: EndedRun) -> int:
    """Auto-labels that came with the input are left out."""
    return min(sum(record.auto_labels_committed for record in run.rounds), run.loop.counts.auto)


def _why_no_certificate(run: EndedRun) -> str | None:
    ended, settings, counts = run.loop, run.loop.settings, run.loop.counts
    if ended.certificate is not None:
        return None
    if settings.is_blog:
        return "the post's rules promise nothing about the error"
    if ended.chance_left <= 0 and not counts.auto:
        return (
            "earlier tests, of this execution or of others that go on from the same first one, have used up "
            "the allowed chance of a wrong certificate"
        )
    of_a_test = level(AuditSchedule(), settings.confidence, DEFAULT.timing.share_spent)
    fewest = fewest_draws(settings.promise(0, 0, 0), of_a_test)
    if not ended.tests and counts.input - ended.labels_in_input <= fewest:
        return (
            f"a test of an error of {settings.target_error:.3g} at {settings.confidence:.0%} "
            f"confidence draws {fewest} objects or more, and there are {counts.input} in all"
        )
    if counts.auto == counts.pool == 0 and not any(record.trained for record in run.rounds):
        return "after the first labels, too few objects were left for a test, so no model was trained"
    if counts.auto == 0:
        tests = "1 test" if ended.tests == 1 else f"{ended.tests} tests"
        return (
            f"{tests} failed, so the model labeled nothing"
            if ended.tests
            else "the model never expected to pass a test, so it labeled nothing"
        )
    return "the auto-labels came with the input"

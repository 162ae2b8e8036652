"""How an audit ended, as the record that report.json holds."""

from typing import Annotated, Any, ClassVar

import numpy as np

from labelloop.core.ledger import NO_LABEL, State
from labelloop.core.model.prior_labels import NONE_GIVEN
from labelloop.core.records import Certificate, Document, IfKnown, OutcomeCounts, Record, RoundRecord
from labelloop.label_audit.audit_run import AuditRun
from labelloop.label_audit.estimates import Estimates, Interval
from labelloop.label_audit.forecast import Plan
from labelloop.label_audit.labeled_rows import corrected_rows
from labelloop.label_audit.table import AuditTable

# Confidences that differ more than this are shown in as many bins of equally many objects.
_MOST_BINS = 5


class Share(Record):
    """A share of objects: the estimate, and an interval at the level of the report."""

    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> "Share":
        return cls(estimate=float(interval.estimate), low=float(interval.low), high=float(interval.high))


class ClassFinding(Record):
    """A class: how often it is given, how often it is true, and how often it is given wrongly."""

    name: str
    given: int
    given_share: float
    true_share: Share
    given_error: Annotated[Share | None, IfKnown] = None  # of the labels that are given; absent without any


class Kind(Record):
    """Objects with the same given label and about the same confidence."""

    label: str
    confidence: str  # in words; empty where none is stated
    objects: int
    checked: int  # by people
    wrong: int  # of them
    share_wrong: Annotated[float | None, IfKnown] = (
        None  # of all its objects, as far as people's answers tell
    )


class JudgeFinding(Record):
    """Two classes, one of which is the one that is looked for: the labels as the verdicts of a judge."""

    positive: str
    rate_given: float
    true_rate: Share
    sensitivity: Share  # of the truly positive, the share that is given so
    specificity: Share  # of the others, the share that is given so


class PlannedAnswers(Record):
    """What was foreseen before anyone was asked."""

    answers: int
    seldom_more_than: int
    basis: str

    @classmethod
    def of(cls, plan: Plan) -> "PlannedAnswers":
        outlook = plan.outlook
        return cls(answers=outlook.answers, seldom_more_than=outlook.seldom_more, basis=plan.basis)


class AuditReport(Document):
    """The machine-readable report of an audit."""

    FORMAT: ClassVar = 1

    file: str
    text_column: str
    label_columns: tuple[str, ...]
    confidence_columns: tuple[str, ...] = ()
    classes: tuple[str, ...]
    certificate_for: str
    target_error: float
    confidence: float
    second_opinions: bool
    people: str
    seed: int
    seed_was_secret: bool
    counts: OutcomeCounts
    human_share: float
    answers: int
    repeated_answers: int
    corrections: int
    certificate: Certificate | None = None
    no_certificate_because: str | None = None
    stopped_because: str | None = None
    final_error: Annotated[float | None, IfKnown] = None
    given_error_by_truth: Annotated[float | None, IfKnown] = None
    planned: Annotated[PlannedAnswers | None, IfKnown] = None
    given_error: Annotated[Share | None, IfKnown] = None
    by_class: tuple[ClassFinding, ...] = ()
    judge: Annotated[JudgeFinding | None, IfKnown] = None
    kinds: tuple[Kind, ...] = ()
    rounds: tuple[RoundRecord, ...] = ()
    notes: tuple[str, ...] = ()


def report_of(
    run: AuditRun,
    table: AuditTable,
    *,
    people: str,
    seed_was_secret: bool,
    positive: str | None = None,
    planned: PlannedAnswers | None = None,
) -> AuditReport:
    """The report of an audit, as far as it has got. `positive`: the class that a judge looks for."""
    ended, settings = run.export(), run.loop.settings
    estimates = Estimates(run, table.given, settings.confidence)
    wrong_given = estimates.share_wrong()
    counts = OutcomeCounts.of(ended.counts)
    return AuditReport(
        file=", ".join(path.name for path in table.paths),
        text_column=table.columns.text,
        label_columns=table.columns.labels,
        confidence_columns=table.columns.confidences,
        classes=table.classes,
        certificate_for=settings.certificate_for,
        target_error=settings.target_error,
        confidence=settings.confidence,
        second_opinions=settings.review_disagreements,
        people=people,
        seed=settings.seed,
        seed_was_secret=seed_was_secret,
        counts=counts,
        # What nobody labeled, people would have to.
        human_share=(counts.human + counts.without_a_label) / len(table),
        answers=run.answers,
        repeated_answers=ended.repeated_answers,
        corrections=sum(1 for _ in corrected_rows(run.loop.ledger, table)),
        certificate=ended.certificate,
        no_certificate_because=None if ended.certificate else _why_none(run),
        stopped_because=ended.stopped_because,
        final_error=_final_error(run, table),
        given_error_by_truth=_given_error(table),
        planned=planned,
        given_error=Share.of(wrong_given) if wrong_given else None,
        by_class=tuple(_class(estimates, table, number) for number in range(len(table.classes))),
        judge=_judge(estimates, table, positive),
        kinds=tuple(_kinds(estimates, run, table)),
        rounds=tuple(run.records),
        notes=table.notes,
    )


def _why_none(run: AuditRun) -> str:
    counts = run.loop.counts
    if not counts.auto and counts.human_labels + counts.failed == counts.input:
        return "people labeled every row: no part of the given labels could be shown to be good enough"
    return "no test of the given labels passed"


def _final_error(run: AuditRun, table: AuditTable) -> float | None:
    """Of all labels of the output, where the truth is known."""
    if table.truth is None:
        return None
    labels = run.loop.ledger.labels
    compared = (table.truth != NO_LABEL) & (labels != NO_LABEL)
    return float((labels != table.truth)[compared].mean()) if compared.any() else None


def _given_error(table: AuditTable) -> float | None:
    if table.truth is None:
        return None
    compared = (table.truth != NO_LABEL) & (table.given != NONE_GIVEN)
    return float((table.given != table.truth)[compared].mean()) if compared.any() else None


def _class(estimates: Estimates, table: AuditTable, number: int) -> ClassFinding:
    given, error = int((table.given == number).sum()), estimates.share_wrong_of(number)
    return ClassFinding(
        name=table.classes[number],
        given=given,
        given_share=given / len(table),
        true_share=Share.of(estimates.true_share(number)),
        given_error=Share.of(error) if error else None,
    )


def _judge(estimates: Estimates, table: AuditTable, positive: str | None) -> JudgeFinding | None:
    if len(table.classes) != 2:
        return None
    looked_for = positive_class(table.classes, positive)
    return JudgeFinding(
        positive=table.classes[looked_for],
        rate_given=float((table.given == looked_for).mean()),
        true_rate=Share.of(estimates.true_share(looked_for)),
        sensitivity=Share.of(estimates.recall(looked_for)),
        specificity=Share.of(estimates.recall(1 - looked_for)),
    )


_USUALLY_POSITIVE = ("yes", "pass", "passed", "true", "positive", "correct", "good", "ok", "1")


def positive_class(classes: tuple[str, ...], named: str | None) -> int:
    """The index of the class that is looked for: as named, else one that is usually meant, else the last."""
    if named is not None:
        return classes.index(named)
    usual = [number for number, name in enumerate(classes) if name.strip().casefold() in _USUALLY_POSITIVE]
    return usual[0] if usual else len(classes) - 1


# Which kinds of objects are labeled wrongly -------------------------------------------------------------


def _kinds(estimates: Estimates, run: AuditRun, table: AuditTable) -> list[Kind]:
    """By given label and confidence; the worst of what is known first."""
    names, bin_of = _bins(table)
    wrong, counts_for = estimates.counted_wrong()
    checked = run.loop.ledger.mask(State.HUMAN, State.VALIDATION)
    found = []
    for label, name in enumerate(table.classes):
        for number, confidence in enumerate(names):
            members = (table.given == label) & (bin_of == number)
            if not members.any():
                continue
            weight = counts_for[members & checked].sum()
            share = float(counts_for[members & wrong].sum() / weight) if weight > 0 else None
            found.append(
                Kind(
                    label=name,
                    confidence=confidence,
                    objects=int(members.sum()),
                    checked=int((members & checked).sum()),
                    wrong=int((members & wrong).sum()),
                    share_wrong=share,
                )
            )
    return sorted(found, key=lambda kind: (-(kind.share_wrong or 0) * kind.objects, kind.label))


def _bins(table: AuditTable) -> tuple[list[str], Any]:
    confidence = table.confidence
    stated = ~np.isnan(confidence)
    values = np.unique(confidence[stated])
    if not len(values):
        return [""], np.zeros(len(table), np.int64)
    if len(values) > _MOST_BINS:
        edges = np.unique(np.quantile(confidence[stated], np.linspace(0, 1, _MOST_BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, confidence, side="left")
        names = []
        for number in range(len(edges) + 1):
            inside = confidence[stated & (bins == number)]
            names.append(_span(inside.min(), inside.max()) if len(inside) else "")
    else:
        bins = np.searchsorted(values, confidence)
        names = [_span(value, value) for value in values]
    return [*names, "not stated"], np.where(stated, bins, len(names))


def _span(low: float, high: float) -> str:
    return f"{100 * low:.3g}%" if low == high else f"{100 * low:.3g} to {100 * high:.3g}%"

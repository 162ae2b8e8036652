"""Who labeled which data objects, after each round."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelloop.core.records import Report, ReviewCounts, RoundRecord, TestRecord, Verdict
from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Figure, Key, Section, Table
from labelloop.reporting.text import count, counted

_STANDS = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.OPEN: "continues"}


@dataclass(frozen=True)
class _Segment:
    """The data objects of a round that were labeled in one way, or are open."""

    mark: str  # the class in the style sheet
    words: str
    objects: int


def rounds(report: Report) -> Section | None:
    if not report.rounds:
        return None
    text = "The state of all data objects after each round."
    if report.policy != "blog":
        text += " The model's labels are committed when the test of their certificate has passed."
    paragraphs = [text, *_reviews([record.label_review for record in report.rounds])]
    return Section("rounds", "Round by round", paragraphs, figures=[_figure(report.rounds)])


def _reviews(reviews: Sequence[ReviewCounts]) -> list[str]:
    """The outcomes of labels that people reviewed because the model contradicted them, and corrections."""
    told = _reviewed(reviews)
    if corrected := sum(review.corrected for review in reviews):
        told.append(f"Reviewers corrected {counted(corrected, 'label')} of closed batches.")
    return told


def _reviewed(reviews: Sequence[ReviewCounts]) -> list[str]:
    if not (answered := sum(review.answered for review in reviews)):
        return []
    return [
        f"People reviewed {counted(answered, 'label')} of theirs that the model contradicted: "
        f"{count(sum(review.confirmed for review in reviews))} confirmed, "
        f"{count(sum(review.changed for review in reviews))} changed, "
        f"{count(sum(review.undecided for review in reviews))} unchanged because the new answers did not "
        "decide it."
    ]


def _segments(record: RoundRecord) -> list[_Segment]:
    """The segments at the end of a round; they sum to the input."""
    outcomes = record.outcomes
    return [
        _Segment("human", "by people", outcomes.human),
        _Segment("auto", "by the model", outcomes.auto),
        _Segment("failed", "impossible to label", outcomes.failed),
        _Segment("open", "open", outcomes.unlabeled),
    ]


def _figure(records: Sequence[RoundRecord]) -> Figure:
    total = max(1, max(record.counts.input for record in records))
    plot = Plot(_describe(records), (0, len(records)), (0, total))
    plot.y_axis(count, whole=True)
    every = -(-len(records) // 12)
    column = (plot.x.end - plot.x.start) / len(records)
    centers = [plot.x.start + (number + 0.5) * column for number in range(len(records))]
    ticks = [(center, str(record.round)) for center, record in zip(centers, records, strict=True)]
    plot.x_axis("round", ticks[::every])
    width = min(44.0, column * (0.72 if len(records) <= 60 else 1))
    for center, record in zip(centers, records, strict=True):
        _column(plot, record, center - width / 2, width)
    shown = {segment.mark for record in records for segment in _segments(record) if segment.objects}
    return Figure(
        "Data objects by who labeled them",
        plot.markup(),
        _in_words(records),
        _table(records),
        [Key(one.mark, one.words) for one in _segments(records[-1]) if one.mark in shown],
        wide=True,
    )


def _in_words(records: Sequence[RoundRecord]) -> str:
    asked = sum(record.sent_to_people for record in records)
    answered = sum(record.labeled_by_people for record in records)
    told = f"People were asked about {count(asked)} data objects and gave {count(answered)} labels."
    committed = [record for record in records if record.auto_labels_committed]
    for record in committed[-1:]:
        labels = count(record.auto_labels_committed)
        told += f" The model's last {labels} were committed in round {record.round}."
    return told + "".join(_ended_test(record.round, record.test) for record in records if record.test)


def _ended_test(round_number: int, test: TestRecord) -> str:
    """The result of a test, in words."""
    if test.verdict == Verdict.OPEN:
        return ""
    return (
        f" In round {round_number} a test {_STANDS[test.verdict]}: "
        f"{count(test.drawn)} objects were drawn, the model was wrong on {count(test.wrong)}"
        f"{_unsettled(test)}."
    )


def _unsettled(test: TestRecord) -> str:
    return f", and {count(test.unsettled)} were never settled" if test.unsettled else ""


def _column(plot: Plot, record: RoundRecord, left: float, width: float) -> None:
    below = 0
    for segment in _segments(record):
        top, foot = plot.y(below + segment.objects), plot.y(below)
        title = f"round {record.round}: {count(segment.objects)} {segment.words}"
        plot.rect(left, top, width, foot - top, segment.mark, title)
        below += segment.objects


def _describe(records: Sequence[RoundRecord]) -> str:
    last = records[-1]
    labeled = ", ".join(f"{count(one.objects)} {one.words}" for one in _segments(last) if one.objects)
    return f"After round {last.round}: {labeled}"


def _table(records: Sequence[RoundRecord]) -> Table:
    rows = [
        [
            str(record.round),
            count(record.sent_to_people),
            count(record.labeled_by_people),
            _test(record.test) if record.test else "",
            *(count(segment.objects) for segment in _segments(record)),
        ]
        for record in records
    ]
    columns = ["Round", "Asked", "Labeled", "Test", "By people", "By the model", "Failed", "Open"]
    return Table("Data objects after each round", columns, rows, frozenset({1, 2, 4, 5, 6, 7}))


def _test(test: TestRecord) -> str:
    withdrawn = f", {count(test.withdrawn)} withdrawn" if test.withdrawn else ""
    return f"{_STANDS[test.verdict]}: {count(test.wrong)} of {count(test.drawn)} wrong{withdrawn}"

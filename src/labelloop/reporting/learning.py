"""How the model improved from round to round, and how accurate the last model is where it is sure."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelloop.core.records import (
    AccuracyOfRound,
    CoveragePoint,
    ModelQuality,
    RandomBaseline,
    Report,
    RoundRecord,
)
from labelloop.reporting.classes import whose_objects
from labelloop.reporting.curves import accuracy_range, axis_percent, mark_rounds, plot_over_labels
from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Figure, Key, Section, Table
from labelloop.reporting.text import count, percent, printable, short_percent

# A band narrower than this cannot be seen in a chart.
_VISIBLE = 0.004


@dataclass(frozen=True)
class _Model:
    """A round's model: the number of labels it was trained on, and what is known of its accuracy."""

    labels: int
    quality: AccuracyOfRound

    @property
    def round(self) -> int:
        return self.quality.round


@dataclass(frozen=True)
class _Measured(_Model):
    """A model whose accuracy is known."""

    accuracy: float


@dataclass(frozen=True)
class _Outlook:
    """What a round's model expected of the labels that it would give."""

    record: RoundRecord
    error: float

    @property
    def labels(self) -> int:
        return self.record.human_labels_before

    @property
    def left_to_people(self) -> int:
        return self.record.left_to_people or 0

    @property
    def test_begun(self) -> bool:
        return self.record.drawn_for_test > 0


@dataclass(frozen=True)
class _Testable(_Outlook):
    """An outlook on a test that could pass."""

    draws: float

    @property
    def labels_in_total(self) -> float:
        """How many objects people would label in total if the test had begun in that round."""
        return self.labels + self.draws + self.left_to_people


def learning_curve(report: Report) -> Section | None:
    if report.given_by:
        outlook = _outlook_figures(report)
        return Section("learning", "What was expected", [], figures=outlook) if outlook else None
    models = _models(report)
    known = [
        _Measured(model.labels, model.quality, model.quality.accuracy)
        for model in models
        if model.quality.accuracy is not None
    ]
    figures, paragraphs = _outlook_figures(report), []
    if known:
        figures.insert(0, _accuracy_figure(report, known))
        paragraphs = [_random_baseline(report)]
    elif models:
        if expected := _expected_accuracy_figure(models):
            figures.insert(0, expected)
        paragraphs = [_why_not_known(report.evidence), _random_baseline(report)]
    return Section("learning", "Learning", paragraphs, figures=figures) if figures else None


def _models(report: Report) -> list[_Model]:
    """The known accuracy of each round's model, with the number of labels it was trained on."""
    scored = {entry.round: entry for entry in report.evidence.accuracy_by_round} if report.evidence else {}
    models = []
    for record in report.rounds:
        quality = scored.get(record.round)
        if record.validation_accuracy is not None and (quality is None or quality.accuracy is None):
            known = quality or AccuracyOfRound(round=record.round)
            quality = known.model_copy(update={"accuracy": record.validation_accuracy})
        if quality is not None:
            models.append(_Model(record.human_labels_before, quality))
    return models


def coverage(report: Report) -> Section | None:
    quality = report.evidence
    if quality is None or not quality.coverage_curve:
        return None
    text = f"The model's answers, starting with the surest, {whose_objects(quality)}."
    if quality.stood_for:
        drawn = "The ones drawn at random for the test represent"
        text += f" {drawn} the {count(quality.stood_for)} that nobody labeled."
    return Section(
        "coverage", "Accuracy against coverage", [text], figures=[_coverage_figure(report, quality)]
    )


def _accuracy_figure(report: Report, known: Sequence[_Measured]) -> Figure:
    points = [(model.labels, model.accuracy) for model in known]
    intervals = [
        (model.labels, *interval)
        for model in known
        if (interval := _open_interval(model.quality)) is not None
    ]
    same = [
        (model.labels, model.quality.on_the_last) for model in known if model.quality.on_the_last is not None
    ]
    estimate = (report.random_baseline and report.random_baseline.curve) or ()
    lows = [low for _, low, _ in intervals] + [value for _, value in (*points, *same, *estimate)]
    plot = plot_over_labels(_describe(points), points, accuracy_range(lows))
    plot.band(intervals, "band")
    if len(intervals) == 1:
        plot.whisker(*intervals[0], "whisker")
    plot.curve(estimate, "estimate")
    if len(same) > 1:
        plot.curve(same, "curve auto-stroke")
    plot.curve(points, "curve")
    mark_rounds(plot, [model.round for model in known], points, "point")
    exact = _on_a_validation_set(report)
    keys = [Key("curve", "on the validation set" if exact else "on all objects it had not learned from")]
    if intervals:
        method = "exact, Clopper-Pearson" if exact else "approximate"
        keys.append(Key("band", f"{short_percent(report.confidence)} interval ({method})"))
    if len(same) > 1:
        keys.append(
            Key("curve auto-stroke", "on the same objects: those the last model had not learned from")
        )
    if estimate:
        keys.append(Key("estimate", "estimate for random labeling"))
    return Figure(
        "Accuracy by labels from people",
        plot.markup(),
        _about_the_curve(report),
        _accuracy_table(known),
        keys,
    )


def _on_a_validation_set(report: Report) -> bool:
    return report.policy == "blog"


def _describe(points: Sequence[tuple[int, float]], what: str = "Accuracy") -> str:
    first, last = points[0], points[-1]
    if len(points) == 1:
        return f"{what} {percent(first[1])} with {count(first[0])} labels by people"
    return (
        f"{what} from {percent(first[1])} with {count(first[0])} labels by people "
        f"to {percent(last[1])} with {count(last[0])}, in {len(points)} rounds"
    )


def _about_the_curve(report: Report) -> str:
    if _on_a_validation_set(report):
        return "Each round's model on objects it had not learned from."
    told = "Each round's model on objects it had not learned from, compared with people's later labels."
    quality = report.evidence
    if quality is not None and quality.stood_for:
        told += " The objects drawn for the test represent those that the model labeled."
    told += " The curve also rises because people label the hard objects, so these are no longer counted."
    same = quality is not None and any(each.on_the_last is not None for each in quality.accuracy_by_round)
    return f"{told} The curve on the same objects shows the effect of learning alone." if same else told


def _why_not_known(quality: ModelQuality | None) -> str:
    left_out = quality.not_known if quality else 0
    return (
        "The accuracy of the models is not known. No test of a certificate was finished on the objects that "
        f"the last model had not learned from, and nobody labeled {count(left_out)} of these objects. The "
        "chart shows the accuracy that the models expected."
    )


def _expected_accuracy_figure(models: Sequence[_Model]) -> Figure | None:
    expected = [
        (model.round, model.labels, model.quality.expected_accuracy)
        for model in models
        if model.quality.expected_accuracy is not None
    ]
    if not expected:
        return None
    points = [(labels, accuracy) for _, labels, accuracy in expected]
    shown = accuracy_range([value for _, value in points])
    plot = plot_over_labels(_describe(points, "Expected accuracy"), points, shown)
    plot.curve(points, "curve auto-stroke")
    mark_rounds(plot, [number for number, _, _ in expected], points, "point auto")
    rows = [[str(number), count(labels), percent(accuracy)] for number, labels, accuracy in expected]
    table = Table(
        "Expected accuracy by round", ["Round", "Labels by people", "Expected"], rows, frozenset({1, 2})
    )
    note = (
        "The mean of each model's probabilities for its answers, on all objects it had not learned from. "
        "Models are often surer than they should be."
    )
    keys = [Key("curve auto-stroke", "accuracy that the model expects")]
    return Figure("The accuracy that the models expected", plot.markup(), note, table, keys)


def _random_baseline(report: Report) -> str:
    baseline = report.random_baseline or RandomBaseline()
    if baseline.law is not None and baseline.human_labels is not None and baseline.accuracy is not None:
        law = baseline.law
        given = ", counting the labels that came with the input" if report.human_labels_in_input else ""
        return (
            f"The same number of random labels, {count(baseline.human_labels)}, would have given "
            f"an accuracy of about {percent(baseline.accuracy)}. That is an estimate: accuracy = "
            f"{law.limit:.3f} − {law.factor:.3f} · n^−{law.decay:.2f}, fitted to the "
            f"{len(baseline.rounds or ())} rounds that learned only from randomly drawn labels{given}."
        )
    because = baseline.unknown_because or "the records of the rounds do not say"
    return (
        "This run does not show what the same number of random labels would have given: "
        f"{printable(because)}."
    )


def _accuracy_table(known: Sequence[_Measured]) -> Table:
    rows = [
        [
            str(model.round),
            count(model.labels),
            percent(model.accuracy),
            _interval(model.quality),
            _right(model.quality),
            "" if model.quality.on_the_last is None else percent(model.quality.on_the_last),
        ]
        for model in known
    ]
    columns = ["Round", "Labels by people", "Accuracy", "Interval", "Right", "On the same objects"]
    return Table("Accuracy by round", columns, rows, frozenset({1, 2, 3, 4, 5}))


def _interval(quality: AccuracyOfRound) -> str:
    if quality.interval is None:
        return "not known"
    low, high = quality.interval
    return f"{percent(low)} to {percent(high)}" if _open_interval(quality) else "–"


def _open_interval(quality: AccuracyOfRound) -> tuple[float, float] | None:
    """None too where people labeled everything that the accuracy is of: then nothing is estimated."""
    if quality.interval is None:
        return None
    low, high = quality.interval
    return (low, high) if high > low else None


def _right(quality: AccuracyOfRound) -> str:
    if quality.correct is None or quality.objects is None:
        return "not known"
    return f"{count(quality.correct)} of {count(quality.objects)}"


def _outlook_figures(report: Report) -> list[Figure]:
    """What each round's model expected of a test of its certificate."""
    known = [
        _Outlook(record, record.expected_error)
        for record in report.rounds
        if record.expected_error is not None
    ]
    if not known:
        return []
    table = _outlook_table(known)
    figures = [_expected_error_figure(report.target_error, known, table)]
    testable = [
        _Testable(outlook.record, outlook.error, outlook.record.expected_draws)
        for outlook in known
        if outlook.record.expected_draws is not None
    ]
    return [*figures, _in_all_figure(testable, table)] if testable else figures


def _expected_error_figure(wanted: float, known: Sequence[_Outlook], table: Table) -> Figure:
    expected = [(outlook.labels, outlook.error) for outlook in known]
    highest = max(wanted, *(value for _, value in expected))
    plot = plot_over_labels(_describe(expected, "Expected error"), expected, (0, highest * 1.1))
    plot.line([plot.at(0, wanted), plot.at(plot.x.high, wanted)], "target")
    plot.curve(expected, "curve auto-stroke")
    tested = [", a test began" if outlook.test_begun else "" for outlook in known]
    mark_rounds(plot, [outlook.record.round for outlook in known], expected, "point auto", tested)
    note = (
        "The share of its labels that each model expected to be wrong. It is corrected by how wrong earlier "
        "expectations were about objects that people labeled later."
    )
    keys = [
        Key("curve auto-stroke", "expected error"),
        Key("target", f"allowed: {short_percent(wanted)}"),
    ]
    return Figure("Expected error of the model's labels", plot.markup(), note, table, keys)


def _in_all_figure(testable: Sequence[_Testable], table: Table) -> Figure:
    points = [(outlook.labels, outlook.labels_in_total) for outlook in testable]
    highest = max(in_total for _, in_total in points)
    plot = plot_over_labels(_describe_in_all(testable[-1]), points, (0, highest * 1.1), counts=True)
    plot.band([(labels, 0, in_total) for labels, in_total in points], "band")
    plot.curve(points, "curve")
    for outlook, point in zip(testable, points, strict=True):
        tested = ", the test began" if outlook.test_begun else ""
        plot.dot(plot.at(*point), "point", f"round {outlook.record.round}: {count(point[1])}{tested}")
    note = (
        "The labels so far, plus the draws of a test, plus the objects that the model would leave to people. "
        "The test begins when one more round is not expected to lower this sum."
    )
    keys = [Key("curve", "expected labels by people in total")]
    return Figure("If the test began now", plot.markup(), note, table, keys)


def _describe_in_all(last: _Testable) -> str:
    return (
        f"If the test began in round {last.record.round}, people would label about "
        f"{count(last.labels_in_total)} in total"
    )


def _outlook_table(known: Sequence[_Outlook]) -> Table:
    rows = [
        [
            str(outlook.record.round),
            count(outlook.labels),
            percent(outlook.error),
            count(outlook.left_to_people),
            _draws(outlook.record.expected_draws),
            "begun" if outlook.test_begun else "",
        ]
        for outlook in known
    ]
    columns = ["Round", "Labels by people", "Expected error", "Left to people", "Draws", "Test"]
    return Table("What each model expected of a test", columns, rows, frozenset({1, 2, 3, 4}))


def _draws(expected: float | None) -> str:
    return "not possible yet" if expected is None else count(expected)


def _coverage_figure(report: Report, quality: ModelQuality) -> Figure:
    curve, threshold, wanted = quality.coverage_curve, quality.threshold, 1 - report.target_error
    # The bounds for only a few objects are very low, and would flatten the rest of the chart.
    shown = [point for point in curve if point.covered >= 10] or curve
    # What people labeled is known for sure: where that is nearly all, the bound is on the curve.
    bounded = any(point.accuracy - point.bound >= _VISIBLE for point in shown)
    lowest = min([wanted, *(point.bound for point in shown if point.coverage > 0.1)])
    plot = Plot(
        _describe_coverage(curve, threshold),
        (0, 1),
        accuracy_range([lowest, min(point.accuracy for point in shown)]),
    )
    plot.y_axis(axis_percent)
    plot.x_number_axis("coverage of these objects", axis_percent)
    if bounded:
        plot.band([(point.coverage, point.bound, point.accuracy) for point in shown], "band")
    plot.line([plot.at(0, wanted), plot.at(1, wanted)], "target")
    plot.curve([(point.coverage, point.accuracy) for point in shown], "curve")
    marked = [point for point in curve if threshold is not None and point.score >= threshold]
    if marked:
        plot.line([plot.at(marked[-1].coverage, value) for value in (plot.y.low, plot.y.high)], "threshold")
        plot.dot(plot.at(marked[-1].coverage, marked[-1].accuracy), "point")
    keys = [Key("curve", "accuracy on the covered objects")]
    if bounded:
        method = "exact" if _on_a_validation_set(report) else "approximate"
        confidence = short_percent(report.confidence)
        keys.append(Key("band", f"down to the {method} lower bound, {confidence} confidence"))
    keys.append(Key("target", f"wanted: {short_percent(wanted)}"))
    if marked:
        keys.append(Key("threshold", f"threshold: margin {threshold:.3f}"))
    note = _read_off(curve, marked[-1] if marked else None)
    return Figure("Accuracy against coverage", plot.markup(), note, _coverage_table(curve), keys, wide=True)


def _read_off(curve: Sequence[CoveragePoint], at_threshold: CoveragePoint | None) -> str:
    whole = curve[-1]
    of_all = f"If it answers all of them, {_right_on(whole)}"
    if at_threshold is None:
        return f"No threshold was set in that round. {of_all}"
    of_the_sure = _right_on(at_threshold)
    return f"If it answers {percent(at_threshold.coverage)} of these objects, {of_the_sure} {of_all}"


def _right_on(point: CoveragePoint) -> str:
    told = f"the model is right on {percent(point.accuracy)}"
    if percent(point.bound) == percent(point.accuracy):
        return f"{told}."
    return f"{told}, and by the bound on at least {percent(point.bound)}."


def _describe_coverage(curve: Sequence[CoveragePoint], threshold: float | None) -> str:
    whole = curve[-1]
    text = f"Accuracy {percent(whole.accuracy)} when the model answers all {count(whole.covered)} objects"
    above = [point for point in curve if threshold is not None and point.score >= threshold]
    if above:
        text += f"; {percent(above[-1].accuracy)} on the {percent(above[-1].coverage)} above the threshold"
    return text


def _coverage_table(curve: Sequence[CoveragePoint]) -> Table:
    step = -(-len(curve) // 25)
    rows = [
        [
            percent(point.coverage),
            count(point.covered),
            percent(point.accuracy),
            percent(point.bound),
            f"{point.score:.3f}",
        ]
        for point in curve[::-1][::step][::-1]
    ]
    columns = ["Coverage", "Objects", "Accuracy", "Lower bound", "Margin"]
    return Table("Accuracy against coverage", columns, rows, frozenset({1, 2, 3, 4}))

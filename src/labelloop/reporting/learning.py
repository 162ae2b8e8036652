"""How the model got better from round to round, and how accurate the last one is where it is sure."""

from typing import Any

from labelloop.core.report import human_labels_before
from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Figure, Key, Section, Table
from labelloop.reporting.text import count, percent, printable, short_percent


def learning_curve(document: dict[str, Any]) -> Section | None:
    rounds = [
        record for record in document.get("rounds", ()) if record.get("validation_accuracy") is not None
    ]
    if not rounds:
        return None
    figures = [_accuracy_figure(document, rounds)]
    outlook = _outlook_figure(rounds)
    if outlook:
        figures.append(outlook)
    return Section("learning", "Learning", [_random_baseline(document)], figures=figures)


def coverage(document: dict[str, Any]) -> Section | None:
    evidence = document.get("evidence") or {}
    curve = evidence.get("coverage_curve")
    if not curve:
        return None
    text = (
        "The model's answers, the surest first: the further right, the more of the validation set it "
        f"answers. From the model of round {evidence['round']}, on objects it had not learned from."
    )
    return Section(
        "coverage", "Accuracy against coverage", [text], figures=[_coverage_figure(document, curve)]
    )


def _accuracy_figure(document: dict[str, Any], rounds: list[dict[str, Any]]) -> Figure:
    bounds = {
        entry["round"]: entry for entry in (document.get("evidence") or {}).get("validation_by_round", ())
    }
    baseline = document.get("random_baseline") or {}
    points = [(human_labels_before(record), record["validation_accuracy"]) for record in rounds]
    intervals = [
        (human_labels_before(record), bounds[record["round"]]["low"], bounds[record["round"]]["high"])
        for record in rounds
        if record["round"] in bounds
    ]
    estimate = baseline.get("curve", ())
    lows = [low for _, low, _ in intervals] + [value for _, value in (*points, *estimate)]
    widest = max(labels for labels, _ in points)
    plot = Plot(_describe(points), (0, widest * 1.05), _accuracy_range(lows))
    plot.y_axis(_axis_percent)
    plot.x_number_axis("labels by people", count, most=4, whole=True)
    plot.band(intervals, "band")
    if len(intervals) == 1:
        plot.whisker(*intervals[0], "whisker")
    plot.curve(estimate, "estimate")
    plot.curve(points, "curve")
    for record, point in zip(rounds, points, strict=True):
        plot.dot(plot.at(*point), "point", f"round {record['round']}: {percent(point[1])}")
    keys = [Key("curve", "validation accuracy")]
    if intervals:
        keys.append(Key("band", f"{short_percent(document['confidence'])} interval (Clopper-Pearson)"))
    if estimate:
        keys.append(Key("estimate", "the random baseline's estimate"))
    return Figure(
        "Validation accuracy by labels from people",
        plot.markup(),
        _about_the_curve(document),
        _accuracy_table(rounds, bounds),
        keys,
    )


def _describe(points: list[tuple[int, float]]) -> str:
    first, last = points[0], points[-1]
    if len(points) == 1:
        return f"Validation accuracy {percent(first[1])} with {count(first[0])} labels by people"
    return (
        f"Validation accuracy from {percent(first[1])} with {count(first[0])} labels by people "
        f"to {percent(last[1])} with {count(last[0])}, in {len(points)} rounds"
    )


def _about_the_curve(document: dict[str, Any]) -> str:
    told = "Each round's model on objects it had not learned from."
    if document.get("policy") == "blog" or document.get("query_strategy") == "random":
        return told
    return (
        f"{told} What people would have been asked about leaves the validation set as it leaves the pool, so "
        "each point is for what was still open then: the curve also rises because hard objects leave."
    )


def _random_baseline(document: dict[str, Any]) -> str:
    baseline = document.get("random_baseline") or {}
    if "law" in baseline:
        law = baseline["law"]
        return (
            f"Random labeling of the same number, {count(baseline['human_labels'])} labels, would have given "
            f"an accuracy of about {percent(baseline['accuracy'])}. That is an estimate: accuracy = "
            f"{law['limit']:.3f} − {law['factor']:.3f} · n^−{law['decay']:.2f}, fitted to the "
            f"{len(baseline['rounds'])} rounds that learned from randomly drawn labels alone."
        )
    because = baseline.get("unknown_because", "the rounds' records do not tell")
    return (
        "What random labeling of the same number of objects would have given cannot be said honestly from "
        f"this run: {printable(because)}."
    )


def _accuracy_table(rounds: list[dict[str, Any]], bounds: dict[int, dict[str, Any]]) -> Table:
    rows = []
    for record in rounds:
        bound = bounds.get(record["round"])
        rows.append(
            [
                str(record["round"]),
                count(human_labels_before(record)),
                percent(record["validation_accuracy"]),
                f"{percent(bound['low'])} to {percent(bound['high'])}" if bound else "not known",
                f"{count(bound['correct'])} of {count(bound['objects'])}" if bound else "not known",
            ]
        )
    columns = ["Round", "Labels by people", "Accuracy", "Interval", "Right"]
    return Table("Validation accuracy by round", columns, rows, frozenset({1, 2, 3, 4}))


def _outlook_figure(rounds: list[dict[str, Any]]) -> Figure | None:
    """How near each round's model came to a test of its certificate."""
    known = [record for record in rounds if record.get("expected_error") is not None]
    if not known:
        return None
    expected = [(human_labels_before(record), record["expected_error"]) for record in known]
    allowed = [(human_labels_before(record), record["allowed_error"]) for record in known]
    widest = max(labels for labels, _ in expected)
    plot = Plot(
        f"Expected error {percent(expected[-1][1])} in the last round, {percent(allowed[-1][1])} allowed",
        (0, widest * 1.05),
        (0, max(value for _, value in (*expected, *allowed)) * 1.1),
    )
    plot.y_axis(_axis_percent)
    plot.x_number_axis("labels by people", count, most=4, whole=True)
    plot.curve(allowed, "target")
    plot.curve(expected, "curve auto-stroke")
    for record, point in zip(known, expected, strict=True):
        tested = ", tested" if record.get("tested") else ""
        plot.dot(plot.at(*point), "point auto", f"round {record['round']}: {percent(point[1])}{tested}")
    table = Table(
        "Expected error of labeling all but one batch, by round",
        ["Round", "Labels by people", "Expected", "Allowed", "Tested"],
        [
            [
                str(record["round"]),
                count(human_labels_before(record)),
                percent(record["expected_error"]),
                percent(record["allowed_error"]),
                "yes" if record.get("tested") else "no",
            ]
            for record in known
        ],
        frozenset({1, 2, 3}),
    )
    note = (
        "What the model itself expects to get wrong of all but one batch, corrected by how far it was wrong "
        "about what people labeled since. Below the dashed line a test of the certificate is worth making."
    )
    keys = [Key("curve auto-stroke", "expected error"), Key("target", "allowed by the next test")]
    return Figure("How far from a certificate", plot.markup(), note, table, keys)


def _coverage_figure(document: dict[str, Any], curve: list[dict[str, Any]]) -> Figure:
    evidence = document["evidence"]
    threshold, wanted = evidence.get("threshold"), 1 - document["target_error"]
    # Few objects say little: their bounds would flatten the rest.
    shown = [point for point in curve if point["covered"] >= 10] or curve
    lowest = min([wanted, *(point["bound"] for point in shown if point["coverage"] > 0.1)])
    plot = Plot(
        _describe_coverage(curve, threshold),
        (0, 1),
        _accuracy_range([lowest, min(point["accuracy"] for point in shown)]),
    )
    plot.y_axis(_axis_percent)
    plot.x_number_axis("coverage of the validation set", _axis_percent)
    plot.band([(point["coverage"], point["bound"], point["accuracy"]) for point in shown], "band")
    plot.line([plot.at(0, wanted), plot.at(1, wanted)], "target")
    plot.curve([(point["coverage"], point["accuracy"]) for point in shown], "curve")
    marked = [point for point in curve if threshold is not None and point["score"] >= threshold]
    if marked:
        plot.line(
            [plot.at(marked[-1]["coverage"], value) for value in (plot.y.low, plot.y.high)], "threshold"
        )
        plot.dot(plot.at(marked[-1]["coverage"], marked[-1]["accuracy"]), "point")
    keys = [
        Key("curve", "accuracy of what is covered"),
        Key("band", f"down to its exact lower bound, {short_percent(document['confidence'])} confidence"),
        Key("target", f"wanted: {short_percent(wanted)}"),
    ]
    if marked:
        keys.append(Key("threshold", f"threshold: margin {threshold:.3f}"))
    note = _read_off(curve, marked[-1] if marked else None)
    return Figure("Accuracy against coverage", plot.markup(), note, _coverage_table(curve), keys, wide=True)


def _read_off(curve: list[dict[str, Any]], at_threshold: dict[str, Any] | None) -> str:
    whole = curve[-1]
    right = "the model is right on {}, and by the exact bound on {} at the least."
    of_all = f"Answering all of it, {right.format(percent(whole['accuracy']), percent(whole['bound']))}"
    if at_threshold is None:
        return f"No threshold could be set. {of_all}"
    of_the_sure = right.format(percent(at_threshold["accuracy"]), percent(at_threshold["bound"]))
    return f"Answering {percent(at_threshold['coverage'])} of the validation set, {of_the_sure} {of_all}"


def _describe_coverage(curve: list[dict[str, Any]], threshold: float | None) -> str:
    whole = curve[-1]
    text = (
        f"Accuracy {percent(whole['accuracy'])} when the model answers all {count(whole['covered'])} objects"
    )
    above = [point for point in curve if threshold is not None and point["score"] >= threshold]
    if above:
        text += (
            f"; {percent(above[-1]['accuracy'])} on the {percent(above[-1]['coverage'])} above the threshold"
        )
    return text


def _coverage_table(curve: list[dict[str, Any]]) -> Table:
    step = -(-len(curve) // 25)
    rows = [
        [
            percent(point["coverage"]),
            count(point["covered"]),
            percent(point["accuracy"]),
            percent(point["bound"]),
            f"{point['score']:.3f}",
        ]
        for point in curve[::-1][::step][::-1]
    ]
    columns = ["Coverage", "Objects", "Accuracy", "Lower bound", "Margin"]
    return Table("Accuracy against coverage", columns, rows, frozenset({1, 2, 3, 4}))


def _accuracy_range(values: list[float]) -> tuple[float, float]:
    """From a round number under the lowest value up to 100 %."""
    lowest = min(0.97, *values)
    step = 0.02 if lowest > 0.9 else 0.05 if lowest > 0.75 else 0.1
    return max(0.0, (lowest + 1e-9) // step * step), 1.0


def _axis_percent(value: float) -> str:
    return f"{100 * value:.4g}%"

"""How the model improved from round to round, and how accurate the last model is where it is sure."""

from typing import Any

from labelloop.core.report.document import human_labels_before
from labelloop.reporting.classes import whose_objects
from labelloop.reporting.curves import accuracy_range, axis_percent, mark_rounds, plot_over_labels
from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Figure, Key, Section, Table
from labelloop.reporting.text import count, percent, printable, short_percent


def learning_curve(document: dict[str, Any]) -> Section | None:
    models = _models(document)
    known = [each for each in models if "accuracy" in each]
    figures, paragraphs = _outlook_figures(document), []
    if known:
        figures.insert(0, _accuracy_figure(document, known))
        paragraphs = [_random_baseline(document)]
    elif models:
        if expected := _expected_accuracy_figure(models):
            figures.insert(0, expected)
        paragraphs = [_why_not_known(document), _random_baseline(document)]
    return Section("learning", "Learning", paragraphs, figures=figures) if figures else None


def _models(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The known accuracy of each round's model, with the number of labels it was trained on."""
    scored = {
        entry["round"]: entry for entry in (document.get("evidence") or {}).get("accuracy_by_round", ())
    }
    models = []
    for record in document.get("rounds", ()):
        entry = scored.get(record["round"], {})
        if record.get("validation_accuracy") is not None:
            entry = {"accuracy": record["validation_accuracy"], **entry}
        if entry:
            models.append({**entry, "round": record["round"], "labels": human_labels_before(record)})
    return models


def coverage(document: dict[str, Any]) -> Section | None:
    evidence = document.get("evidence") or {}
    curve = evidence.get("coverage_curve")
    if not curve:
        return None
    text = f"The model's answers, starting with the surest, {whose_objects(evidence)}."
    return Section(
        "coverage", "Accuracy against coverage", [text], figures=[_coverage_figure(document, curve)]
    )


def _accuracy_figure(document: dict[str, Any], known: list[dict[str, Any]]) -> Figure:
    baseline = document.get("random_baseline") or {}
    points = [(each["labels"], each["accuracy"]) for each in known]
    intervals = [(each["labels"], each["low"], each["high"]) for each in known if "low" in each]
    same = [(each["labels"], each["on_the_last"]) for each in known if "on_the_last" in each]
    estimate = baseline.get("curve", ())
    lows = [low for _, low, _ in intervals] + [value for _, value in (*points, *same, *estimate)]
    plot = plot_over_labels(_describe(points), points, accuracy_range(lows))
    plot.band(intervals, "band")
    if len(intervals) == 1:
        plot.whisker(*intervals[0], "whisker")
    plot.curve(estimate, "estimate")
    if len(same) > 1:
        plot.curve(same, "curve auto-stroke")
    plot.curve(points, "curve")
    mark_rounds(plot, [each["round"] for each in known], points, "point")
    exact = _on_a_validation_set(document)
    keys = [Key("curve", "on the validation set" if exact else "on all objects it had not learned from")]
    if intervals:
        method = "exact, Clopper-Pearson" if exact else "approximate"
        keys.append(Key("band", f"{short_percent(document['confidence'])} interval ({method})"))
    if len(same) > 1:
        keys.append(
            Key("curve auto-stroke", "on the same objects: those the last model had not learned from")
        )
    if estimate:
        keys.append(Key("estimate", "estimate for random labeling"))
    return Figure(
        "Accuracy by labels from people",
        plot.markup(),
        _about_the_curve(document),
        _accuracy_table(known),
        keys,
    )


def _on_a_validation_set(document: dict[str, Any]) -> bool:
    return document.get("policy") == "blog"


def _describe(points: list[tuple[int, float]], what: str = "Accuracy") -> str:
    first, last = points[0], points[-1]
    if len(points) == 1:
        return f"{what} {percent(first[1])} with {count(first[0])} labels by people"
    return (
        f"{what} from {percent(first[1])} with {count(first[0])} labels by people "
        f"to {percent(last[1])} with {count(last[0])}, in {len(points)} rounds"
    )


def _about_the_curve(document: dict[str, Any]) -> str:
    if _on_a_validation_set(document):
        return "Each round's model on objects it had not learned from."
    told = "Each round's model on objects it had not learned from, compared with people's later labels."
    if (document.get("evidence") or {}).get("stood_for"):
        told += " The objects drawn for the test represent those that the model labeled."
    told += " The curve also rises because people label the hard objects, so these are no longer counted."
    known = (document.get("evidence") or {}).get("accuracy_by_round", ())
    same = any("on_the_last" in each for each in known)
    return f"{told} The curve on the same objects shows the effect of learning alone." if same else told


def _why_not_known(document: dict[str, Any]) -> str:
    left_out = document["evidence"].get("not_known", 0)
    return (
        "The accuracy of the models is not known. No test of a certificate was finished on the objects that "
        f"the last model had not learned from, and nobody labeled {count(left_out)} of these objects. The "
        "chart shows the accuracy that the models expected."
    )


def _expected_accuracy_figure(rounds: list[dict[str, Any]]) -> Figure | None:
    known = [each for each in rounds if each.get("expected_accuracy") is not None]
    if not known:
        return None
    points = [(each["labels"], each["expected_accuracy"]) for each in known]
    shown = accuracy_range([value for _, value in points])
    plot = plot_over_labels(_describe(points, "Expected accuracy"), points, shown)
    plot.curve(points, "curve auto-stroke")
    mark_rounds(plot, [each["round"] for each in known], points, "point auto")
    rows = [
        [str(each["round"]), count(labels), percent(value)]
        for each, (labels, value) in zip(known, points, strict=True)
    ]
    table = Table(
        "Expected accuracy by round", ["Round", "Labels by people", "Expected"], rows, frozenset({1, 2})
    )
    note = (
        "The mean of each model's probabilities for its answers, on all objects it had not learned from. "
        "Models are often surer than they should be."
    )
    keys = [Key("curve auto-stroke", "accuracy that the model expects")]
    return Figure("The accuracy that the models expected", plot.markup(), note, table, keys)


def _random_baseline(document: dict[str, Any]) -> str:
    baseline = document.get("random_baseline") or {}
    if "law" in baseline:
        law = baseline["law"]
        given = (
            ", counting the labels that came with the input" if document.get("human_labels_in_input") else ""
        )
        return (
            f"The same number of random labels, {count(baseline['human_labels'])}, would have given "
            f"an accuracy of about {percent(baseline['accuracy'])}. That is an estimate: accuracy = "
            f"{law['limit']:.3f} − {law['factor']:.3f} · n^−{law['decay']:.2f}, fitted to the "
            f"{len(baseline['rounds'])} rounds that learned only from randomly drawn labels{given}."
        )
    because = baseline.get("unknown_because", "the records of the rounds do not say")
    return (
        "This run does not show what the same number of random labels would have given: "
        f"{printable(because)}."
    )


def _accuracy_table(known: list[dict[str, Any]]) -> Table:
    rows = [
        [
            str(each["round"]),
            count(each["labels"]),
            percent(each["accuracy"]),
            f"{percent(each['low'])} to {percent(each['high'])}" if "low" in each else "not known",
            f"{count(each['correct'])} of {count(each['objects'])}" if "objects" in each else "not known",
            percent(each["on_the_last"]) if "on_the_last" in each else "",
        ]
        for each in known
    ]
    columns = ["Round", "Labels by people", "Accuracy", "Interval", "Right", "On the same objects"]
    return Table("Accuracy by round", columns, rows, frozenset({1, 2, 3, 4, 5}))


def _outlook_figures(document: dict[str, Any]) -> list[Figure]:
    """What each round's model expected of a test of its certificate."""
    known = [record for record in document.get("rounds", ()) if record.get("expected_error") is not None]
    if not known:
        return []
    table = _outlook_table(known)
    figures = [_expected_error_figure(document, known, table)]
    testable = [record for record in known if record.get("expected_draws") is not None]
    return [*figures, _in_all_figure(testable, table)] if testable else figures


def _expected_error_figure(document: dict[str, Any], known: list[dict[str, Any]], table: Table) -> Figure:
    expected = [(human_labels_before(record), record["expected_error"]) for record in known]
    wanted = document["target_error"]
    highest = max(wanted, *(value for _, value in expected))
    plot = plot_over_labels(_describe(expected, "Expected error"), expected, (0, highest * 1.1))
    plot.line([plot.at(0, wanted), plot.at(plot.x.high, wanted)], "target")
    plot.curve(expected, "curve auto-stroke")
    tested = [", a test began" if _test_begun(record) else "" for record in known]
    mark_rounds(plot, [record["round"] for record in known], expected, "point auto", tested)
    note = (
        "The share of its labels that each model expected to be wrong. It is corrected by how wrong earlier "
        "expectations were about objects that people labeled later."
    )
    keys = [
        Key("curve auto-stroke", "expected error"),
        Key("target", f"allowed: {short_percent(wanted)}"),
    ]
    return Figure("Expected error of the model's labels", plot.markup(), note, table, keys)


def _in_all_figure(testable: list[dict[str, Any]], table: Table) -> Figure:
    """How many objects people would label in total if the test had begun in that round."""
    labels = [human_labels_before(record) for record in testable]
    draws = [number + record["expected_draws"] for number, record in zip(labels, testable, strict=True)]
    in_all = [number + record["left_to_people"] for number, record in zip(draws, testable, strict=True)]
    points = list(zip(labels, in_all, strict=True))
    described = _describe_in_all(testable[-1], in_all[-1])
    plot = plot_over_labels(described, points, (0, max(in_all) * 1.1), counts=True)
    plot.band([(number, 0, value) for number, value in points], "band")
    plot.curve(points, "curve")
    for record, point in zip(testable, points, strict=True):
        tested = ", the test began" if _test_begun(record) else ""
        plot.dot(plot.at(*point), "point", f"round {record['round']}: {count(point[1])}{tested}")
    note = (
        "The labels so far, plus the draws of a test, plus the objects that the model would leave to people. "
        "The test begins when one more round is not expected to lower this sum."
    )
    keys = [Key("curve", "expected labels by people in total")]
    return Figure("If the test began now", plot.markup(), note, table, keys)


def _describe_in_all(record: dict[str, Any], in_all: float) -> str:
    return f"If the test began in round {record['round']}, people would label about {count(in_all)} in total"


def _outlook_table(known: list[dict[str, Any]]) -> Table:
    rows = [
        [
            str(record["round"]),
            count(human_labels_before(record)),
            percent(record["expected_error"]),
            count(record.get("left_to_people") or 0),
            "not possible yet" if record.get("expected_draws") is None else count(record["expected_draws"]),
            "begun" if _test_begun(record) else "",
        ]
        for record in known
    ]
    columns = ["Round", "Labels by people", "Expected error", "Left to people", "Draws", "Test"]
    return Table("What each model expected of a test", columns, rows, frozenset({1, 2, 3, 4}))


def _test_begun(record: dict[str, Any]) -> bool:
    return bool(record.get("drawn_for_test"))


def _coverage_figure(document: dict[str, Any], curve: list[dict[str, Any]]) -> Figure:
    evidence = document["evidence"]
    threshold, wanted = evidence.get("threshold"), 1 - document["target_error"]
    # The bounds for only a few objects are very low, and would flatten the rest of the chart.
    shown = [point for point in curve if point["covered"] >= 10] or curve
    lowest = min([wanted, *(point["bound"] for point in shown if point["coverage"] > 0.1)])
    plot = Plot(
        _describe_coverage(curve, threshold),
        (0, 1),
        accuracy_range([lowest, min(point["accuracy"] for point in shown)]),
    )
    plot.y_axis(axis_percent)
    plot.x_number_axis("coverage of these objects", axis_percent)
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
        Key("curve", "accuracy on the covered objects"),
        Key(
            "band",
            f"down to the {'exact' if _on_a_validation_set(document) else 'approximate'} lower bound, "
            f"{short_percent(document['confidence'])} confidence",
        ),
        Key("target", f"wanted: {short_percent(wanted)}"),
    ]
    if marked:
        keys.append(Key("threshold", f"threshold: margin {threshold:.3f}"))
    note = _read_off(curve, marked[-1] if marked else None)
    return Figure("Accuracy against coverage", plot.markup(), note, _coverage_table(curve), keys, wide=True)


def _read_off(curve: list[dict[str, Any]], at_threshold: dict[str, Any] | None) -> str:
    whole = curve[-1]
    right = "the model is right on {}, and by the bound on at least {}."
    of_all = f"If it answers all of them, {right.format(percent(whole['accuracy']), percent(whole['bound']))}"
    if at_threshold is None:
        return f"No threshold was set in that round. {of_all}"
    of_the_sure = right.format(percent(at_threshold["accuracy"]), percent(at_threshold["bound"]))
    return f"If it answers {percent(at_threshold['coverage'])} of these objects, {of_the_sure} {of_all}"


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

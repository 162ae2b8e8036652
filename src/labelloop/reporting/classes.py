"""Which classes the model confuses, and the results of each class."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from labelloop.core.records import ClassQuality, Confusion, ModelQuality, Report, TrueClass
from labelloop.core.report.true_classes import missed_in_words
from labelloop.reporting.drawing import Drawing
from labelloop.reporting.parts import Cell, Figure, Key, Section, Table
from labelloop.reporting.text import count, percent, printable, short_percent

MOST_IN_A_TABLE = 12  # more classes than this are drawn
MOST_CLASSES_LISTED = 200
MOST_CONFUSIONS_LISTED = 12
_NAME = 40
_KEYS = (Key("agree", "people and model agree"), Key("differ", "they differ"))


def class_name(classes: Sequence[str], index: int) -> str:
    return printable(classes[index], _NAME) if 0 <= index < len(classes) else str(index)


def whose_objects(quality: ModelQuality) -> str:
    """On which objects the last model's answers are compared with people's, in words."""
    last = f"round {quality.round}"
    if quality.on_a_validation_set:
        return f"on the validation set of {last}"
    of = f"on the objects that the model of {last} had not learned from"
    if quality.stood_for:
        return f"{of}, estimated from the {count(quality.labeled)} of them that people saw"
    return f"{of} and people labeled" + (
        f" (nobody labeled {count(quality.not_known)} more, mostly easier ones, which are left out)"
        if quality.not_known
        else ""
    )


def how_many(quality: ModelQuality, objects: float) -> str:
    """A number of objects, said to be estimated where nobody has seen all of them."""
    return f"about {count(objects)}" if quality.stood_for else count(objects)


def confusion(report: Report) -> Section | None:
    quality = report.evidence
    if quality is None or not quality.confusion.pairs:
        return None
    matrix = quality.confusion
    shown = sorted({index for people, model, _ in matrix.pairs for index in (people, model)})
    text = (
        f"People's labels compared with the model's, {whose_objects(quality)}: they agree on "
        f"{how_many(quality, matrix.agreed)} of {count(matrix.objects)} objects."
    )
    if matrix.unread:
        text += f" The model could not read {count(matrix.unread)} more."
    mistakes = _mistakes(report.classes, matrix)
    tables = [mistakes] if mistakes.rows else []
    if len(shown) <= MOST_IN_A_TABLE:
        return Section(
            "confusion",
            "Confusion between classes",
            [text],
            tables=[_matrix(report.classes, matrix, shown), *tables],
        )
    figure = _heat_map(report.classes, matrix, shown)
    return Section("confusion", "Confusion between classes", [text], figures=[figure], tables=tables)


def _by_people(matrix: Confusion) -> dict[int, float]:
    """Objects of each class, by people's label; estimates may be fractions."""
    totals = defaultdict[int, float](float)
    for people, _, number in matrix.pairs:
        totals[people] += number
    return totals


def _matrix(classes: Sequence[str], matrix: Confusion, shown: Sequence[int]) -> Table:
    numbers = {(people, model): number for people, model, number in matrix.pairs}
    totals = _by_people(matrix)
    rows: list[list[Cell | str]] = []
    for people in shown:
        row: list[Cell | str] = [Cell(class_name(classes, people), from_outside=True)]
        for model in shown:
            number = numbers.get((people, model), 0)
            share = number / totals[people] if totals[people] else 0
            row.append(Cell(count(number), shade=min(10, -int(-10 * share // 1)) if number else 0))
        rows.append(row)
    columns = ["People's label ↓ model's →", *(class_name(classes, model) for model in shown)]
    return Table(
        "Objects: people's label by row, the model's by column",
        columns,
        rows,
        frozenset(range(1, len(columns))),
    )


def _heat_map(classes: Sequence[str], matrix: Confusion, shown: Sequence[int]) -> Figure:
    size, left = 360.0, 26.0
    cell = (size - left) / len(shown)
    place = {index: position for position, index in enumerate(shown)}
    totals = _by_people(matrix)
    drawing = Drawing(
        f"Confusion matrix of {len(shown)} classes; the diagonal is where people and model agree",
        width=size,
        height=size,
    )
    drawing.rect(left, left, size - left, size - left, "plane")
    for people, model, number in matrix.pairs:
        shade = max(1, round(10 * number / totals[people]))
        title = f"people: {class_name(classes, people)}, model: {class_name(classes, model)}: {count(number)}"
        x, y = left + place[model] * cell, left + place[people] * cell
        drawing.rect(x, y, cell, cell, f"{'agree' if people == model else 'differ'} h{shade}", title)
    every = -(-len(shown) // 10)
    for index in shown[::every]:
        middle = left + (place[index] + 0.5) * cell
        drawing.text((left - 4, middle + 4), str(index), "tick end")
        drawing.text((middle, left - 6), str(index), "tick middle")
    note = (
        "Rows are people's labels and columns the model's, by class index. "
        "A stronger color means a larger share of the row."
    )
    return Figure("Confusion matrix", drawing.markup(), note, _all_pairs(classes, matrix), _KEYS, wide=True)


def _all_pairs(classes: Sequence[str], matrix: Confusion) -> Table:
    return _pairs("Labels by people and by the model", classes, matrix.pairs[:200], _by_people(matrix))


def _mistakes(classes: Sequence[str], matrix: Confusion) -> Table:
    wrong = [pair for pair in matrix.pairs if pair[0] != pair[1]][:MOST_CONFUSIONS_LISTED]
    return _pairs("The most frequent confusions", classes, wrong, _by_people(matrix))


def _pairs(
    caption: str,
    classes: Sequence[str],
    pairs: Sequence[tuple[int, int, float]],
    totals: Mapping[int, float],
) -> Table:
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(classes, people), from_outside=True),
            Cell(class_name(classes, model), from_outside=True),
            count(number),
            percent(number / totals[people]),
        ]
        for people, model, number in pairs
    ]
    columns = ["People say", "The model says", "Objects", "Of the class"]
    return Table(caption, columns, rows, frozenset({2, 3}))


def by_class(report: Report) -> Section | None:
    quality = report.evidence
    if quality is None or not quality.by_class:
        return None
    ordered = sorted(quality.by_class, key=lambda entry: (-entry.labeled, entry.class_index))
    listed = ordered[:MOST_CLASSES_LISTED]
    text = f"“Accuracy” is the share of a class's objects that the model got right, {whose_objects(quality)}."
    bounded = quality.on_a_validation_set or quality.stood_for > 0
    if bounded:
        bound = "exact" if quality.on_a_validation_set else "approximate"
        text += f" “At least” is the {bound} lower bound at {short_percent(report.confidence)} confidence"
        text += "." if quality.on_a_validation_set else "; where people labeled all objects, none is needed."
    if len(ordered) > len(listed):
        text += f" The table has the {count(len(listed))} largest of {count(len(ordered))} classes."
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(report.classes, entry.class_index), from_outside=True),
            count(entry.labeled),
            count(entry.human),
            count(entry.auto),
            f"{how_many(quality, entry.correct)} of {count(entry.objects)}",
            "not known" if entry.accuracy is None else percent(entry.accuracy),
            *([_at_least(quality, entry)] if bounded else []),
        ]
        for entry in listed
    ]
    columns = ["Class", "Labeled", "By people", "By the model", "Right", "Accuracy"]
    columns += ["At least"] if bounded else []
    table = Table("Labels and accuracy by class", columns, rows, frozenset(range(1, len(columns))))
    if len(rows) <= 2 * MOST_IN_A_TABLE:
        return Section("by-class", "Class by class", [text], tables=[table])
    return Section("by-class", "Class by class", [text], folded_tables=[table])


def _at_least(quality: ModelQuality, entry: ClassQuality) -> str:
    if entry.accuracy is None:
        return "not known"
    # Nothing was left to estimate.
    if not quality.on_a_validation_set and math.isclose(entry.bound, entry.accuracy):
        return "–"
    return percent(entry.bound)


def true_classes(report: Report) -> Section | None:
    """Of each class as people see it, what the model's labels make of it."""
    if not report.true_classes:
        return None
    known = {entry.class_index: entry for entry in report.true_classes}
    entries = [known.get(index, TrueClass(class_index=index)) for index in range(len(report.classes))]
    listed = sorted(entries, key=lambda entry: (entry.seen, entry.class_index))[:MOST_CLASSES_LISTED]
    text = (
        "A promise about the auto-labels, even about those of each class, is about the classes that the "
        "model gave. Of each class that people gave: how many objects were drawn at random, for the test and "
        "as spot checks, how many of them the model got wrong, and how many of the model's labels they "
        "represent."
    )
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(report.classes, entry.class_index), from_outside=True),
            count(entry.seen),
            count(entry.wrong),
            count(entry.objects),
            count(entry.wrong_objects),
        ]
        for entry in listed
    ]
    columns = ["People's class", "Seen", "Wrong", "Represents", "Of these wrong"]
    table = Table("What the model makes of each class", columns, rows, frozenset(range(1, 5)))
    sentences = missed_in_words(
        report.true_classes, [class_name(report.classes, index) for index in range(len(report.classes))]
    )
    title = "Are small classes lost?"
    if len(rows) <= 2 * MOST_IN_A_TABLE:
        return Section("true-classes", title, [text, *sentences], tables=[table])
    return Section("true-classes", title, [text, *sentences], folded_tables=[table])


def certificate_by_class(report: Report) -> Section | None:
    if report.certificate is None or not report.certificate.by_class:
        return None
    text = "The labels of each class separately: the objects drawn for its test, and the result."
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(report.classes, part.class_index), from_outside=True),
            count(part.auto_labels),
            count(part.validation_objects),
            count(part.validation_errors),
            percent(part.error_bound),
        ]
        for part in report.certificate.by_class
    ]
    columns = ["Class", "Labels by the model", "Drawn", "Wrong", "Error at most"]
    table = Table("The certificate of each class", columns, rows, frozenset({1, 2, 3, 4}))
    return Section("certificate", "What is promised for each class", [text], tables=[table])

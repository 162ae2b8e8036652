"""Which classes the model confuses, and the results of each class."""

from collections import Counter
from typing import Any

from labelloop.reporting.drawing import Drawing
from labelloop.reporting.parts import Cell, Figure, Key, Section, Table
from labelloop.reporting.text import count, percent, printable, short_percent

MOST_IN_A_TABLE = 12  # more classes than this are drawn
MOST_CLASSES_LISTED = 200
MOST_CONFUSIONS_LISTED = 12
_NAME = 40
_KEYS = (Key("agree", "people and model agree"), Key("differ", "they differ"))


def class_name(document: dict[str, Any], index: int | None) -> str:
    names = document.get("classes", ())
    if index is None:
        return "none"
    return printable(names[index], _NAME) if 0 <= index < len(names) else str(index)


def whose_objects(evidence: dict[str, Any]) -> str:
    """On which objects the last model's answers are compared with people's, in words."""
    last = f"round {evidence['round']}"
    if evidence.get("basis") == "validation set":
        return f"on the validation set of {last}"
    of = f"on the objects that the model of {last} had not learned from"
    labeled, stood_for = evidence.get("labeled", 0), evidence.get("stood_for", 0)
    if stood_for:
        return (
            f"{of} (people labeled {count(labeled)} of them; the objects drawn for the test represent the "
            f"other {count(stood_for)}, so these numbers are estimates)"
        )
    left_out = evidence.get("not_known", 0)
    return f"{of} and people labeled" + (
        f" (nobody labeled {count(left_out)} more, mostly easier ones, which are left out)"
        if left_out
        else ""
    )


def confusion(document: dict[str, Any]) -> Section | None:
    matrix = (document.get("evidence") or {}).get("confusion")
    if not matrix or not matrix["pairs"]:
        return None
    shown = sorted({index for people, model, _ in matrix["pairs"] for index in (people, model)})
    right = sum(number for people, model, number in matrix["pairs"] if people == model)
    text = (
        f"People's labels compared with the model's, {whose_objects(document['evidence'])}: they agree on "
        f"{count(right)} of {count(matrix['objects'])} objects."
    )
    if matrix.get("unread"):
        text += f" The model could not read {count(matrix['unread'])} more."
    mistakes = _mistakes(document, matrix)
    tables = [mistakes] if mistakes.rows else []
    if len(shown) <= MOST_IN_A_TABLE:
        return Section(
            "confusion",
            "Confusion between classes",
            [text],
            tables=[_matrix(document, matrix, shown), *tables],
        )
    figure = _heat_map(document, matrix, shown)
    return Section("confusion", "Confusion between classes", [text], figures=[figure], tables=tables)


def _by_people(matrix: dict[str, Any]) -> Counter[int]:
    """Objects of each class, by people's label; estimates may be fractions."""
    totals: Counter[int] = Counter()
    for people, _, number in matrix["pairs"]:
        totals[people] += number
    return totals


def _matrix(document: dict[str, Any], matrix: dict[str, Any], shown: list[int]) -> Table:
    numbers = {(people, model): number for people, model, number in matrix["pairs"]}
    totals = _by_people(matrix)
    rows: list[list[Cell | str]] = []
    for people in shown:
        row: list[Cell | str] = [Cell(class_name(document, people), from_outside=True)]
        for model in shown:
            number = numbers.get((people, model), 0)
            share = number / totals[people] if totals[people] else 0
            row.append(Cell(count(number), shade=min(10, -int(-10 * share // 1)) if number else 0))
        rows.append(row)
    columns = ["People's label ↓ model's →", *(class_name(document, model) for model in shown)]
    return Table(
        "Objects: people's label by row, the model's by column",
        columns,
        rows,
        frozenset(range(1, len(columns))),
    )


def _heat_map(document: dict[str, Any], matrix: dict[str, Any], shown: list[int]) -> Figure:
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
    for people, model, number in matrix["pairs"]:
        shade = max(1, round(10 * number / totals[people]))
        title = (
            f"people: {class_name(document, people)}, model: {class_name(document, model)}: {count(number)}"
        )
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
    return Figure("Confusion matrix", drawing.markup(), note, _all_pairs(document, matrix), _KEYS, wide=True)


def _all_pairs(document: dict[str, Any], matrix: dict[str, Any]) -> Table:
    return _pairs("Labels by people and by the model", document, matrix["pairs"][:200], _by_people(matrix))


def _mistakes(document: dict[str, Any], matrix: dict[str, Any]) -> Table:
    wrong = [pair for pair in matrix["pairs"] if pair[0] != pair[1]][:MOST_CONFUSIONS_LISTED]
    return _pairs("The most frequent confusions", document, wrong, _by_people(matrix))


def _pairs(caption: str, document: dict[str, Any], pairs: list[list[int]], totals: Counter[int]) -> Table:
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(document, people), from_outside=True),
            Cell(class_name(document, model), from_outside=True),
            count(number),
            percent(number / totals[people]),
        ]
        for people, model, number in pairs
    ]
    columns = ["People say", "The model says", "Objects", "Of the class"]
    return Table(caption, columns, rows, frozenset({2, 3}))


def by_class(document: dict[str, Any]) -> Section | None:
    numbers = (document.get("evidence") or {}).get("by_class")
    if not numbers:
        return None
    ordered = sorted(numbers, key=lambda entry: (-entry["human"] - entry["auto"], entry["class"]))
    listed = ordered[:MOST_CLASSES_LISTED]
    evidence = document["evidence"]
    bound = "exact" if evidence.get("basis") == "validation set" else "approximate"
    text = (
        "“Accuracy” is the share of a class's objects that the model got right, "
        f"{whose_objects(evidence)}. “At least” is the {bound} lower bound at "
        f"{short_percent(document['confidence'])} confidence."
    )
    if len(ordered) > len(listed):
        text += f" The table has the {count(len(listed))} largest of {count(len(ordered))} classes."
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(document, entry["class"]), from_outside=True),
            count(entry["human"] + entry["auto"]),
            count(entry["human"]),
            count(entry["auto"]),
            f"{count(entry['correct'])} of {count(entry['objects'])}",
            percent(entry["correct"] / entry["objects"]) if entry["objects"] else "not known",
            percent(entry["bound"]) if entry["objects"] else "not known",
        ]
        for entry in listed
    ]
    columns = ["Class", "Labeled", "By people", "By the model", "Right", "Accuracy", "At least"]
    table = Table("Labels and accuracy by class", columns, rows, frozenset(range(1, 7)))
    if len(rows) <= 2 * MOST_IN_A_TABLE:
        return Section("by-class", "Class by class", [text], tables=[table])
    return Section("by-class", "Class by class", [text], folded_tables=[table])


def certificate_by_class(document: dict[str, Any]) -> Section | None:
    parts = (document.get("certificate") or {}).get("ByClass")
    if not parts:
        return None
    text = "The labels of each class separately: the objects drawn for its test, and the result."
    rows: list[list[Cell | str]] = [
        [
            Cell(class_name(document, part["ClassIndex"]), from_outside=True),
            count(part["AutoLabels"]),
            count(part["ValidationObjects"]),
            count(part["ValidationErrors"]),
            percent(part["ErrorBound"]),
        ]
        for part in parts
    ]
    columns = ["Class", "Labels by the model", "Drawn", "Wrong", "Error at most"]
    table = Table("The certificate of each class", columns, rows, frozenset({1, 2, 3, 4}))
    return Section("certificate", "What is promised for each class", [text], tables=[table])

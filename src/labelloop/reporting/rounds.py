"""Who labeled which data objects, after each round."""

from collections import Counter
from typing import Any

from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Figure, Key, Section, Table
from labelloop.reporting.text import count, counted

_SEGMENTS = (
    ("human", "by people"),
    ("auto", "by the model"),
    ("failed", "impossible to label"),
    ("open", "open"),
)


def rounds(document: dict[str, Any]) -> Section | None:
    records = document.get("rounds")
    if not records:
        return None
    text = "The state of all data objects after each round."
    if document.get("policy") != "blog":
        text += " The model's labels are committed once, when the test of its certificate has passed."
    return Section("rounds", "Round by round", [text, *_reviews(records)], figures=[_figure(records)])


def _reviews(records: list[dict[str, Any]]) -> list[str]:
    """The outcomes of the labels that people reviewed because the model contradicted them."""
    totals = Counter[str]()
    for record in records:
        totals.update(record.get("label_review", {}))
    if not totals.total():
        return []
    return [
        f"People reviewed {counted(totals.total(), 'label')} of theirs that the model contradicted: "
        f"{count(totals['confirmed'])} confirmed, {count(totals['changed'])} changed, "
        f"{count(totals['undecided'])} unchanged because the new answers did not decide it."
    ]


def segments(record: dict[str, Any]) -> dict[str, int]:
    """The number of data objects by who labeled them, at the end of a round; sums to the input."""
    counts = record["counts"]
    return {
        "human": counts["human"] + counts["validation"],
        "auto": counts["auto"],
        "failed": counts["failed"],
        "open": counts["pool"],
    }


def _figure(records: list[dict[str, Any]]) -> Figure:
    total = max(1, max(record["counts"]["input"] for record in records))
    plot = Plot(_describe(records), (0, len(records)), (0, total))
    plot.y_axis(count, whole=True)
    every = -(-len(records) // 12)
    column = (plot.x.end - plot.x.start) / len(records)
    centers = [plot.x.start + (number + 0.5) * column for number in range(len(records))]
    ticks = [(center, str(record["round"])) for center, record in zip(centers, records, strict=True)]
    plot.x_axis("round", ticks[::every])
    width = min(44.0, column * (0.72 if len(records) <= 60 else 1))
    for center, record in zip(centers, records, strict=True):
        _column(plot, record, center - width / 2, width)
    shown = [key for key, _ in _SEGMENTS if any(segments(record)[key] for record in records)]
    return Figure(
        "Data objects by who labeled them",
        plot.markup(),
        _in_words(records),
        _table(records),
        [Key(key, words) for key, words in _SEGMENTS if key in shown],
        wide=True,
    )


def _in_words(records: list[dict[str, Any]]) -> str:
    asked = sum(record.get("sent_to_people", 0) for record in records)
    answered = sum(record.get("labeled_by_people", 0) for record in records)
    told = f"People were asked about {count(asked)} data objects and gave {count(answered)} labels."
    committed = [record for record in records if record.get("auto_labels_committed")]
    for record in committed[-1:]:
        labels = count(record["auto_labels_committed"])
        told += f" The model's last {labels} were committed in round {record['round']}."
    return told + _tests(records)


def _tests(records: list[dict[str, Any]]) -> str:
    """The results of the tests, in words."""
    told = ""
    for record in records:
        test = record.get("test")
        if test and test["verdict"] != "OPEN":
            stands = "passed" if test["verdict"] == "PASSED" else "failed"
            told += (
                f" In round {record['round']} a test {stands}: "
                f"{count(test['drawn'])} objects were drawn, the model was wrong on {count(test['wrong'])}."
            )
    return told


def _column(plot: Plot, record: dict[str, Any], left: float, width: float) -> None:
    below = 0
    for key, words in _SEGMENTS:
        number = segments(record)[key]
        top, foot = plot.y(below + number), plot.y(below)
        plot.rect(left, top, width, foot - top, key, f"round {record['round']}: {count(number)} {words}")
        below += number


def _describe(records: list[dict[str, Any]]) -> str:
    last = segments(records[-1])
    labeled = ", ".join(f"{count(last[key])} {words}" for key, words in _SEGMENTS if last[key])
    return f"After round {records[-1]['round']}: {labeled}"


def _table(records: list[dict[str, Any]]) -> Table:
    rows = []
    for record in records:
        state = segments(record)
        rows.append(
            [
                str(record["round"]),
                count(record.get("sent_to_people", 0)),
                count(record.get("labeled_by_people", 0)),
                _test(record),
                *(count(state[key]) for key, _ in _SEGMENTS),
            ]
        )
    columns = ["Round", "Asked", "Labeled", "Test", "By people", "By the model", "Failed", "Open"]
    return Table("Data objects after each round", columns, rows, frozenset({1, 2, 4, 5, 6, 7}))


def _test(record: dict[str, Any]) -> str:
    test = record.get("test")
    if not test:
        return ""
    stands = {"PASSED": "passed", "FAILED": "failed"}.get(test["verdict"], "continues")
    withdrawn = f", {count(test['withdrawn'])} withdrawn" if test.get("withdrawn") else ""
    return f"{stands}: {count(test['wrong'])} of {count(test['drawn'])} wrong{withdrawn}"

"""What the next round would bring, how long each part took, and the settings of the run."""

from collections.abc import Iterator
from typing import Any

from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Cell, Figure, Key, Section, Table
from labelloop.reporting.text import count, percent, printable, seconds

# The time of the nested state machine is already counted in its own states.
_CONTAINERS = {"ActiveLearning"}
_KINDS = {
    "CreateLabelingJob": "human",
    "SimulateLabeling": "human",
    "CreateTrainingJob": "training",
    "CreateModel": "training",
    "CreateTransformJob": "predicting",
}
_KIND_NAMES = {
    "human": "people labeling",
    "training": "training",
    "predicting": "predicting",
    "steps": "the workflow's own steps",
}


def next_round(document: dict[str, Any]) -> Section | None:
    outlook = document.get("next_round")
    if not outlook:
        return None
    sentences = []
    if outlook.get("human_labels") is not None and outlook.get("expected_auto_labels") is not None:
        sentences.append(
            f"With {count(outlook['human_labels'])} more labels by people, the model could probably label "
            f"{count(outlook['expected_auto_labels'])} more."
        )
    if outlook.get("explanation"):
        sentences.append(printable(outlook["explanation"], 1000))
    return Section("next-round", "What the next round would probably bring", sentences) if sentences else None


def timing(document: dict[str, Any]) -> Section | None:
    timed = [record for record in document.get("rounds", ()) if record.get("seconds")]
    if not timed:
        return None
    total = document.get("seconds")
    text = f"The whole run took {seconds(total)}. " if total else ""
    longest = max(_by_state(timed).items(), key=lambda item: item[1])
    share = longest[1] / max(1e-9, sum(_by_state(timed).values()))
    text += f"{longest[0]} took the most: {seconds(longest[1])}, {percent(share, 0)} of the rounds' time."
    return Section("time", "Time", figures=[_time_figure(timed, text)])


def _states(record: dict[str, Any]) -> dict[str, float]:
    return {
        printable(name, 60): duration
        for name, duration in record["seconds"].items()
        if name not in _CONTAINERS and duration >= 0
    }


def _by_state(timed: list[dict[str, Any]]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for record in timed:
        for name, duration in _states(record).items():
            totals[name] = totals.get(name, 0.0) + duration
    return totals


def _by_kind(record: dict[str, Any]) -> dict[str, float]:
    totals = dict.fromkeys(_KIND_NAMES, 0.0)
    for name, duration in _states(record).items():
        totals[_KINDS.get(name, "steps")] += duration
    return totals


def _time_figure(timed: list[dict[str, Any]], note: str) -> Figure:
    most = max(1e-9, max(sum(_by_kind(record).values()) for record in timed))
    totals = {kind: sum(_by_kind(record)[kind] for record in timed) for kind in _KIND_NAMES}
    described = ", ".join(f"{name} {seconds(totals[kind])}" for kind, name in _KIND_NAMES.items())
    plot = Plot(f"Time by round: {described}", (0, len(timed)), (0, most))
    plot.y_axis(_axis_seconds)
    column = (plot.x.end - plot.x.start) / len(timed)
    centers = [plot.x.start + (number + 0.5) * column for number in range(len(timed))]
    ticks = [(center, str(record["round"])) for center, record in zip(centers, timed, strict=True)]
    plot.x_axis("round", ticks[:: -(-len(timed) // 12)])
    width = min(44.0, column * (0.72 if len(timed) <= 60 else 1))
    for center, record in zip(centers, timed, strict=True):
        below = 0.0
        for kind, duration in _by_kind(record).items():
            top, foot = plot.y(below + duration), plot.y(below)
            title = f"round {record['round']}, {_KIND_NAMES[kind]}: {seconds(duration)}"
            plot.rect(center - width / 2, top, width, foot - top, kind, title)
            below += duration
    legend = [Key(kind, name) for kind, name in _KIND_NAMES.items() if totals[kind]]
    return Figure("Time by round", plot.markup(), note, _time_table(timed), legend, wide=True)


def _axis_seconds(value: float) -> str:
    if value >= 7200:
        return f"{value / 3600:.3g} h"
    return f"{value / 60:.3g} min" if value >= 120 else f"{value:.3g} s"


def _time_table(timed: list[dict[str, Any]]) -> Table:
    totals = _by_state(timed)
    columns = ["State", *(f"Round {record['round']}" for record in timed), "All"]
    rows = [
        [name, *(_cell(_states(record).get(name)) for record in timed), seconds(total)]
        for name, total in totals.items()
    ]
    return Table("Time by state and round", columns, rows, frozenset(range(1, len(columns))))


def _cell(duration: float | None) -> str:
    return "" if duration is None else seconds(duration)


def settings(document: dict[str, Any]) -> Section | None:
    rows = [*_run_rows(document), *_flat(document.get("settings") or {}, "")]
    table = Table("The run and its settings", ["Setting", "Value"], rows)
    return Section("settings", "Settings", folded_tables=[table])


def _run_rows(document: dict[str, Any]) -> Iterator[list[Cell | str]]:
    for name, key in (("Execution", "execution"), ("Ended because", "stopped_because")):
        if document.get(key):
            yield [name, Cell(printable(document[key], 400), from_outside=True)]
    if not document.get("settings"):
        for name in ("policy", "query_strategy", "target_error", "confidence", "seed"):
            if name in document:
                yield [name, Cell(printable(document[name]), from_outside=True)]


def _flat(block: dict[str, Any], path: str) -> Iterator[list[Cell | str]]:
    for name, value in block.items():
        place = f"{path}{printable(name, 80)}"
        if isinstance(value, dict):
            yield from _flat(value, f"{place}.")
        else:
            yield [place, Cell(printable(value, 400), from_outside=True)]

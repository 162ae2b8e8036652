"""How long each part took, and the settings of the run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelloop.core.records import Report, RoundRecord
from labelloop.reporting.drawing import Plot
from labelloop.reporting.parts import Cell, Figure, Key, Section, Table
from labelloop.reporting.text import percent, printable, seconds

# The time of the nested state machine is already counted in its own states.
_CONTAINERS = {"ActiveLearning"}
_KINDS = {
    "CreateLabelingJob": "human",
    "LabelAtOnce": "human",
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


def timing(report: Report) -> Section | None:
    timed = [record for record in report.rounds if record.seconds]
    if not timed:
        return None
    text = f"The whole run took {seconds(report.seconds)}. " if report.seconds else ""
    longest = max(_by_state(timed).items(), key=lambda item: item[1])
    share = longest[1] / max(1e-9, sum(_by_state(timed).values()))
    text += f"{longest[0]} took the most: {seconds(longest[1])}, {percent(share, 0)} of the rounds' time."
    return Section("time", "Time", figures=[_time_figure(timed, text)])


def _states(record: RoundRecord) -> dict[str, float]:
    return {
        printable(name, 60): duration
        for name, duration in (record.seconds or {}).items()
        if name not in _CONTAINERS and duration >= 0
    }


def _by_state(timed: Sequence[RoundRecord]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for record in timed:
        for name, duration in _states(record).items():
            totals[name] = totals.get(name, 0.0) + duration
    return totals


def _by_kind(record: RoundRecord) -> dict[str, float]:
    totals = dict.fromkeys(_KIND_NAMES, 0.0)
    for name, duration in _states(record).items():
        totals[_KINDS.get(name, "steps")] += duration
    return totals


def _time_figure(timed: Sequence[RoundRecord], note: str) -> Figure:
    most = max(1e-9, max(sum(_by_kind(record).values()) for record in timed))
    totals = {kind: sum(_by_kind(record)[kind] for record in timed) for kind in _KIND_NAMES}
    described = ", ".join(f"{name} {seconds(totals[kind])}" for kind, name in _KIND_NAMES.items())
    plot = Plot(f"Time by round: {described}", (0, len(timed)), (0, most))
    plot.y_axis(_axis_seconds)
    column = (plot.x.end - plot.x.start) / len(timed)
    centers = [plot.x.start + (number + 0.5) * column for number in range(len(timed))]
    ticks = [(center, str(record.round)) for center, record in zip(centers, timed, strict=True)]
    plot.x_axis("round", ticks[:: -(-len(timed) // 12)])
    width = min(44.0, column * (0.72 if len(timed) <= 60 else 1))
    for center, record in zip(centers, timed, strict=True):
        below = 0.0
        for kind, duration in _by_kind(record).items():
            top, foot = plot.y(below + duration), plot.y(below)
            title = f"round {record.round}, {_KIND_NAMES[kind]}: {seconds(duration)}"
            plot.rect(center - width / 2, top, width, foot - top, kind, title)
            below += duration
    legend = [Key(kind, name) for kind, name in _KIND_NAMES.items() if totals[kind]]
    return Figure("Time by round", plot.markup(), note, _time_table(timed), legend, wide=True)


def _axis_seconds(value: float) -> str:
    if value >= 7200:
        return f"{value / 3600:.3g} h"
    return f"{value / 60:.3g} min" if value >= 120 else f"{value:.3g} s"


def _time_table(timed: Sequence[RoundRecord]) -> Table:
    totals = _by_state(timed)
    columns = ["State", *(f"Round {record.round}" for record in timed), "All"]
    rows = [
        [name, *(_cell(_states(record).get(name)) for record in timed), seconds(total)]
        for name, total in totals.items()
    ]
    return Table("Time by state and round", columns, rows, frozenset(range(1, len(columns))))


def _cell(duration: float | None) -> str:
    return "" if duration is None else seconds(duration)


def settings(report: Report) -> Section | None:
    rows = [*_run_rows(report), *_flat(report.settings, "")]
    table = Table("The run and its settings", ["Setting", "Value"], rows)
    return Section("settings", "Settings", folded_tables=[table])


def _run_rows(report: Report) -> Iterator[list[Cell | str]]:
    for name, text in (("Execution", report.execution), ("Ended because", report.stopped_because)):
        if text:
            yield [name, Cell(printable(text, 400), from_outside=True)]
    if report.seed_was_secret:
        yield [
            "Random seed",
            Cell(", ".join(map(printable, (*report.earlier_seeds, report.seed))), from_outside=True),
        ]
    if not report.settings:
        for name, value in (
            ("policy", report.policy),
            ("query_strategy", report.query_strategy),
            ("target_error", report.target_error),
            ("confidence", report.confidence),
            ("seed", report.seed),
        ):
            yield [name, Cell(printable(value), from_outside=True)]


def _flat(block: Mapping[str, Any], path: str) -> Iterator[list[Cell | str]]:
    for name, value in block.items():
        place = f"{path}{printable(name, 80)}"
        if isinstance(value, dict):
            yield from _flat(value, f"{place}.")
        else:
            yield [place, Cell(printable(value, 400), from_outside=True)]

"""Curves over the number of labels by people, with one point for each round.

They are used in the report and on the page of a current run.
"""

from collections.abc import Sequence

from labelloop.reporting.drawing import Plot
from labelloop.reporting.text import count, percent

Point = tuple[float, float]


def plot_over_labels(
    description: str, points: Sequence[Point], y_range: tuple[float, float], *, counts: bool = False
) -> Plot:
    """An empty plot with its axes: labels by people, and shares or (with `counts`) numbers."""
    widest = 1.05 * max(1, *(labels for labels, _ in points))
    plot = Plot(description, (0, widest), y_range)
    if counts:
        plot.y_axis(count, whole=True)
    else:
        plot.y_axis(axis_percent)
    plot.x_number_axis("labels by people", count, most=4, whole=True)
    return plot


def mark_rounds(
    plot: Plot, rounds: Sequence[int], points: Sequence[Point], style: str, notes: Sequence[str] = ()
) -> None:
    """A dot for each round. Its title says the round, the share and the note."""
    for number, point, note in zip(rounds, points, notes or [""] * len(points), strict=True):
        plot.dot(plot.at(*point), style, f"round {number}: {percent(point[1])}{note}")


def accuracy_range(values: Sequence[float]) -> tuple[float, float]:
    """The range from a round number below the lowest value up to 100 %."""
    lowest = min(0.97, *values)
    step = 0.02 if lowest > 0.9 else 0.05 if lowest > 0.75 else 0.1
    return max(0.0, (lowest + 1e-9) // step * step), 1.0


def axis_percent(value: float) -> str:
    return f"{100 * value:.4g}%"

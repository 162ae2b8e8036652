"""Plots of what was measured: SVG, each with its numbers in the JSON beside it."""

import importlib
from pathlib import Path
from typing import Any

_BLUE, _RED, _GREEN, _GREY = "#2b6cb0", "#c53030", "#2f855a", "#718096"


def plot_certificate(document: dict[str, Any], file: Path) -> None:
    """Each run's auto-label error and human share, one panel for each kind of data."""
    rows = [run for run in document["runs"] if run["testing"] == "shared out" and run["auto_labels"]]
    kinds = sorted({run["data"] for run in document["runs"]})
    figure, panels = _figure(1, len(kinds))
    for panel, kind in zip(panels[0], kinds, strict=True):
        for model, color in (
            ("calibrated", _BLUE),
            ("overconfident", _RED),
            ("modest", _GREEN),
            ("knows nothing", _GREY),
        ):
            runs = [run for run in rows if run["data"] == kind and run["model"] == model]
            panel.scatter(
                [100 * run["human_share"] for run in runs],
                [100 * run["error"] for run in runs],
                s=9, alpha=0.5, color=color, linewidths=0, label=f"{model} ({len(runs)})",
            )  # fmt: skip
        panel.axhline(5, color="black", linewidth=0.8, linestyle="--")
        panel.set(title=kind, xlabel="human share, %", xlim=(0, 100), ylim=(0, 8))
        panel.legend(frameon=False, fontsize=8)
    panels[0][0].set_ylabel("wrong auto-labels, %")
    _save(figure, file)


def plot_labels(rows: list[dict[str, Any]], file: Path) -> None:
    """Human share of each contender, mean and range over seeds, one panel for each data set."""
    names = list(dict.fromkeys(row["data"] for row in rows))
    figure, panels = _figure(1, len(names), height=4.2)
    for panel, name in zip(panels[0], names, strict=True):
        shown = [row for row in rows if row["data"] == name][::-1]
        places = range(len(shown))
        means = [100 * row["human_share"] for row in shown]
        spread = [
            [100 * (row["human_share"] - row["human_share_least"]) for row in shown],
            [100 * (row["human_share_most"] - row["human_share"]) for row in shown],
        ]
        colors = [_RED if row["error"] > row["target"] else _BLUE for row in shown]
        panel.barh(places, means, xerr=spread, color=colors, ecolor=_GREY, height=0.7)
        panel.set(title=name, xlabel="human share, %", xlim=(0, 100))
        panel.set_yticks(list(places), [row["contender"] for row in shown], fontsize=7)
    _save(figure, file)


def _figure(rows: int, columns: int, height: float = 3.2) -> Any:
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("agg")
    # Texts stay texts, and the same numbers give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "labelloop"})
    pyplot = importlib.import_module("matplotlib.pyplot")
    return pyplot.subplots(rows, columns, figsize=(4.2 * columns, height * rows), squeeze=False)


def _save(figure: Any, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    importlib.import_module("matplotlib.pyplot").close(figure)

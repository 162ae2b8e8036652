"""A run as it goes: the state it is in, the ledger as a bar, and a line for each finished round."""

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

_WORDS = {
    "PrepareManifest": "checking the manifest",
    "SelectForHumans": "choosing what people see next",
    "CreateLabelingJob": "people are labeling",
    "SimulateLabeling": "simulated people are labeling",
    "SplitLabels": "splitting the labels",
    "CreateTrainingJob": "training the model",
    "CreateModel": "registering the model",
    "CreateTransformJob": "the model looks at the pool",
    "AutoLabel": "looking for what the model may label",
    "MergeLabels": "merging labels",
    "ExportManifest": "writing the output manifest",
}
_BAR_WIDTH = 50
_SEGMENTS = (
    ("HumanLabels", "█", "green"),
    ("Auto", "▓", "cyan"),
    ("Failed", "▒", "red"),
    ("Pool", "░", "dim"),
)


class RunProgress:
    """Follows a run on the terminal; on anything else it writes a line a state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._state = "starting"
        self._round = 0
        self._counts: dict[str, int] = {}
        self._model: dict[str, Any] = {}
        self._selected = 0
        # Last: it draws at once.
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def state_entered(self, name: str) -> None:
        if name not in _WORDS:
            return
        self._state = _WORDS[name]
        if not self._console.is_terminal:
            self._console.print(f"[{self._elapsed()}] round {self._round}: {self._state}", markup=False)

    def state_exited(self, name: str, output: dict[str, Any]) -> None:
        if name == "SelectForHumans":
            self._selected = output["Labeling"]["Selected"]
        if name == "AutoLabel":
            self._model = output["Model"]
        if "Counts" in output and "Round" in output:
            counts = output["Counts"]
            self._counts = {**counts, "HumanLabels": counts["Human"] + counts["Validation"]}
            self._round = output["Round"]
        if name == "MergeLabels":
            self._print_round(output["Round"] - 1)
            self._model, self._selected = {}, 0

    def _print_round(self, number: int) -> None:
        if self._model:
            accuracy = self._model.get("ValidationAccuracy")
            model = "" if accuracy is None else f"model {accuracy:6.1%} right on validation, "
            model += _what_it_labels(self._model)
        else:
            model = "no model yet; "
        self._console.print(
            f"[{self._elapsed()}] round {number:2d}: {model}people were asked about {self._selected:,} → "
            f"{self._counts['HumanLabels']:,} human, {self._counts['Auto']:,} auto, "
            f"{self._counts['Pool']:,} open",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:d}:{seconds:02d}"

    def _render(self) -> RenderableType:
        heading = Text.assemble(
            (f"{self._elapsed()}  ", "dim"), (f"round {self._round}  ", "bold"), self._state + " …"
        )
        return Group(heading, *self._ledger_bar())

    def _ledger_bar(self) -> list[RenderableType]:
        total = self._counts.get("Input", 0)
        if not total:
            return []
        bar, legend = Text(), Table.grid(padding=(0, 2))
        shares = [self._counts[key] / total for key, _, _ in _SEGMENTS]
        for (_, mark, style), share in zip(_SEGMENTS, shares, strict=True):
            bar.append(mark * round(share * _BAR_WIDTH), style)
        names = ("human", "auto", "failed", "open")
        legend.add_row(
            *(
                Text(f"{name} {self._counts[key]:,} ({share:.0%})", style)
                for name, (key, _, style), share in zip(names, _SEGMENTS, shares, strict=True)
            )
        )
        return [bar, legend]


def _what_it_labels(model: dict[str, Any]) -> str:
    if model["AutoLabels"] or model.get("ExpectedError") is None:
        return f"labels {model['AutoLabels']:,}; "
    outlook = f"expects {model['ExpectedError']:.1%} wrong, {model['AllowedError']:.1%} allowed"
    return f"{outlook}, tested in vain; " if model.get("Tested") else f"{outlook}; "

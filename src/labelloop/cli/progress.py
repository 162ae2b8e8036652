"""Shows a run live: its state, the ledger as a bar, and a line for each finished round."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from labelloop.workflow.execution import ExecutionEvent

_WORDS = {
    "PrepareManifest": "checking the manifest",
    "SelectForHumans": "choosing what people see next",
    "CreateLabelingJob": "people are labeling",
    "LabelInWorkbench": "people are labeling in the workbench",
    "CollectLabels": "collecting what people labeled in time",
    "SimulateLabeling": "simulated people are labeling",
    "SplitLabels": "splitting the labels",
    "CreateTrainingJob": "training the model",
    "CreateModel": "registering the model",
    "CreateTransformJob": "the model predicts the pool",
    "AutoLabel": "choosing what the model may label",
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
    """Follows a run on a terminal; elsewhere it prints a line for each state."""

    def __init__(self, console: Console, seconds: Callable[[], float] | None = None) -> None:
        """`seconds` tells how long the run has been going; by default, it starts now."""
        began = time.monotonic()
        self._console = console
        self._seconds = seconds or (lambda: time.monotonic() - began)
        self._state = "starting"
        self._round = 0
        self._counts: dict[str, int] = {}
        self._model: dict[str, Any] = {}
        self._selected: int | None = None  # in this round; not known for an interrupted one
        # Last, because it draws at once.
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

    def follow(self, event: ExecutionEvent) -> None:
        """Shows what an event of the execution, or of one nested in it, says."""
        if event.state and event.type.endswith("Entered"):
            self.state_entered(event.state)
        elif event.state:
            self.state_exited(event.state, event.output)

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
            would_label = output["Counts"]["Pool"] - output["Model"].get("LeftToPeople", 0)
            self._model = {**output["Model"], "WouldLabel": would_label}
        if "Counts" in output and "Round" in output:
            counts = output["Counts"]
            self._counts = {**counts, "HumanLabels": counts["Human"] + counts["Validation"]}
            self._round = output["Round"]
        if name == "MergeLabels":
            self._print_round(output)
            self._model, self._selected = {}, None

    def _print_round(self, output: dict[str, Any]) -> None:
        self._console.print(
            f"[{self._elapsed()}] round {output['Round'] - 1:2d}: "
            f"{self._what_happened(output)} → "
            f"{self._counts['HumanLabels']:,} human, {self._counts['Auto']:,} auto, "
            f"{self._counts['Pool']:,} open",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _what_happened(self, output: dict[str, Any]) -> str:
        if self._selected is None:
            return "people had been asked before the interruption"
        return f"{_model_so_far(self._model, output)}people were asked about {self._selected:,}"

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(self._seconds()), 60)
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


def _model_so_far(model: dict[str, Any], output: dict[str, Any]) -> str:
    """What a round's model expects, or the state of the test."""
    if output.get("Test"):
        return _test_so_far(output["Test"])
    if not model:
        return "what is left is for people; " if output.get("Certificate") else "no model yet; "
    if (accuracy := model.get("ValidationAccuracy")) is not None:
        return f"model {accuracy:6.1%} right on validation, labels {model['AutoLabels']:,}; "
    if model.get("ExpectedError") is None:
        return f"model labels {model['AutoLabels']:,}; "
    would_label = f"model expects {model['ExpectedError']:.1%} wrong on the {model['WouldLabel']:,} it "
    if model.get("ExpectedDraws") is None:
        return f"{would_label}could label, too many for a test; "
    return f"{would_label}would label, a test would draw ~{model['ExpectedDraws']:,.0f}; "


def _test_so_far(test: dict[str, Any]) -> str:
    stands = {"PASSED": "passed", "FAILED": "failed"}.get(test["verdict"], "goes on")
    withdrawn = f", {test['withdrawn']:,} doubtful ones withdrawn" if test.get("withdrawn") else ""
    return f"tested on {test['drawn']:,} drawn: {test['wrong']:,} wrong{withdrawn}, {stands}; "

"""Shows a run live: what it does, the ledger as a bar, and a line for each finished round."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from labelloop.cli.option_words import in_terms_of_options
from labelloop.cli.sentences import say
from labelloop.core.ledger import Counts
from labelloop.core.records import Certificate, ModelRecord, OtherPromise, TestRecord, Verdict
from labelloop.core.report.circumstances import other_promises_in_words
from labelloop.core.report.labels_expected import is_flat, labels_expected
from labelloop.core.settings import LoopSettings
from labelloop.workflow.execution import ExecutionEvent
from labelloop.workflow.run_state import RunState

_WORDS = {
    "PrepareManifest": "checking the manifest",
    "AskFoundationModel": "asking the foundation model",
    "BatchInference": "the foundation model answers by batch inference",
    "MergeModelLabels": "taking over the foundation model's labels",
    "SelectForHumans": "choosing what people see next",
    "CreateLabelingJob": "people are labeling",
    "LabelInWorkbench": "people are labeling in the workbench",
    "CollectLabels": "collecting what people labeled in time",
    "LabelAtOnce": "the labeling backend answers",
    "SplitLabels": "splitting the labels",
    "CreateTrainingJob": "training the model",
    "CreateModel": "registering the model",
    "CreateTransformJob": "the model predicts the pool",
    "AutoLabel": "choosing what the model may label",
    "MergeLabels": "merging labels",
    "ExportManifest": "writing the output manifest",
}
_BAR_WIDTH = 50
# Between two lines about answers, where there is no terminal.
_SECONDS_A_LINE = 30.0
_VERDICTS = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.OPEN: "goes on"}


class Progress:
    """A run on a terminal. Elsewhere only the lines of the rounds are printed."""

    names_options = True  # which the command has that is running; else the fields of the request

    def __init__(self, console: Console, seconds: Callable[[], float] | None = None) -> None:
        """`seconds` tells how long the run has been going; by default, it starts now."""
        began = time.monotonic()
        self.console = console
        self._seconds = seconds or (lambda: time.monotonic() - began)
        self.doing = "starting"
        self.round = 0
        self.counts: Counts | None = None
        self._told_at = 0  # how many labels people had given when other promises were last told
        # Last, because it draws at once.
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def print_round(self, number: int, happened: str, counts: Counts) -> None:
        """The line of a finished round."""
        say(
            self.console,
            f"[{self.elapsed()}] round {number:2d}: {happened} → "
            f"{counts.human_labels:,} human, {counts.auto:,} auto, {counts.unlabeled:,} open",
        )

    def print_other_promises(self, model: ModelRecord | None, counts: Counts, settings: LoopSettings) -> None:
        """What would take fewer labels than the run's own promise. Told again when labels have doubled.

        `counts`: when the model had learned.
        """
        if model is None or not model.other_promises or counts.human_labels < 2 * self._told_at:
            return
        self._told_at = counts.human_labels
        others = other_promises_in_words(
            model.other_promises,
            labels_expected(model, counts.human_labels + counts.ahead, counts.pool),
            counts.input,
            certificate_for=settings.certificate_for,
            target_error=settings.target_error,
        )
        if self.names_options:
            others = in_terms_of_options(others)
        say(self.console, Text.assemble(("Note: ", "bold yellow"), f"{others}."))

    def elapsed(self) -> str:
        """Minutes and seconds."""
        minutes, seconds = divmod(int(self._seconds()), 60)
        return f"{minutes:d}:{seconds:02d}"

    def _render(self) -> RenderableType:
        heading = Text.assemble(
            (f"{self.elapsed()}  ", "dim"), (f"round {self.round}  ", "bold"), self.doing + " …"
        )
        return Group(heading, *self._ledger_bar())

    def _ledger_bar(self) -> list[RenderableType]:
        counts = self.counts
        if counts is None or not counts.input:
            return []
        segments = (
            ("human", counts.human_labels, "█", "green"),
            ("auto", counts.auto, "▓", "cyan"),
            ("failed", counts.failed, "▒", "red"),
            ("open", counts.unlabeled, "░", "dim"),
        )
        bar, legend = Text(), Table.grid(padding=(0, 2))
        for _, objects, mark, style in segments:
            bar.append(mark * round(objects / counts.input * _BAR_WIDTH), style)
        legend.add_row(
            *(
                Text(f"{name} {objects:,} ({objects / counts.input:.0%})", style)
                for name, objects, _, style in segments
            )
        )
        return [bar, legend]


class EstimateIsFlat(Exception):  # noqa: N818 -- a question, not an error
    """Raised when several rounds have not lowered what people will have to label."""

    def __init__(self, expected: int, others: tuple[OtherPromise, ...], run: RunState) -> None:
        super().__init__(expected)
        self.expected, self.others, self.run = expected, others, run


class PeopleAreAsked(Exception):  # noqa: N818 -- an interruption, not an error
    """Raised when the objects for people are chosen, where people label between two calls of a command."""


class RunProgress(Progress):
    """Follows the events of an execution. Not on a terminal, it also prints a line for each state."""

    def __init__(
        self,
        console: Console,
        seconds: Callable[[], float] | None = None,
        *,
        asks_when_flat: bool = False,
        stops_at_people: bool = False,
    ) -> None:
        """What ends the execution that it follows: EstimateIsFlat and PeopleAreAsked, where asked for."""
        self._asks_when_flat, self._stops_at_people = asks_when_flat, stops_at_people
        self._expected: list[int] = []  # labels by people in all, by each model
        self._predicted: RunState | None = None  # after the model of this round has predicted
        self._selected: int | None = None  # in this round; not known for an interrupted one
        self._quota = ""  # what SageMaker said of it last
        self._answers_told_at = 0.0  # seconds
        super().__init__(console, seconds)

    def follow(self, event: ExecutionEvent) -> None:
        """Shows what an event of the execution, or of one nested in it, says."""
        if event.state and event.type.endswith("Entered"):
            self.state_entered(event.state)
        elif event.state:
            self.state_exited(event.state, RunState.of_output(event.output))
        elif event.refused_for_now:
            self.waits_for_quota(event.details.get("cause") or event.details["error"])

    def state_entered(self, name: str) -> None:
        if name not in _WORDS or (self._stops_at_people and name == "LabelInWorkbench"):
            return
        self.doing = _WORDS[name]
        if not self.console.is_terminal:
            say(self.console, f"[{self.elapsed()}] round {self.round}: {self.doing}")

    def model_answered(self, number: int) -> None:
        """The foundation model has answered so many requests: about one a text, which may take hours."""
        of_all = f", of {self.counts.input:,} data objects" if self.counts else ""
        self.doing = f"{_WORDS['AskFoundationModel']}: {number:,} answers{of_all}"
        seconds = self._seconds()
        if not self.console.is_terminal and seconds >= self._answers_told_at + _SECONDS_A_LINE:
            self._answers_told_at = seconds
            say(self.console, f"[{self.elapsed()}] round {self.round}: {self.doing}")

    def waits_for_quota(self, cause: str) -> None:
        """SageMaker refuses a job while the account's quota is used up; the state tries again for hours."""
        self.doing = f"waiting for a quota of SageMaker: {cause}"
        if cause != self._quota:
            self._quota = cause
            say(
                self.console,
                f"[{self.elapsed()}] round {self.round}: SageMaker's quota is used up, or too small. The "
                "job is tried again every few minutes for about 12 hours: raise the quota, or end what uses "
                f"it. {cause}",
            )

    def state_exited(self, name: str, run: RunState | None) -> None:
        """`run` is the state of the run, where that is what the state of the state machine returned."""
        if run is None:
            return
        self.counts, self.round = run.counts, run.round
        if name == "SelectForHumans":
            self._selected = run.labeling.selected if run.labeling else None
            if self._stops_at_people and self._selected:
                raise PeopleAreAsked
        if name == "AutoLabel":
            self._predicted = run
        if name == "MergeLabels":
            self.print_round(run.round - 1, self._what_happened(run), run.counts)
            if (predicted := self._predicted) is not None:
                self._look_ahead(predicted, run)
            self._predicted = self._selected = None

    def _look_ahead(self, predicted: RunState, merged: RunState) -> None:
        model, counts = predicted.model, predicted.counts
        expected = labels_expected(model, counts.human_labels + counts.ahead, counts.pool) if model else None
        if model is None or expected is None or merged.audit is not None or merged.certificate is not None:
            self._expected.clear()
        else:
            self._expected.append(expected)
            if self._asks_when_flat and is_flat(self._expected, counts.input):
                raise EstimateIsFlat(expected, model.other_promises, merged)
        self.print_other_promises(model, counts, predicted.loop_settings)

    def _what_happened(self, merged: RunState) -> str:
        if self._selected is None:
            return (
                "people filled in the file"
                if self._stops_at_people
                else "people had been asked before the interruption"
            )
        predicted = self._predicted
        model, pool = (predicted.model, predicted.counts.pool) if predicted else (None, 0)
        return what_happened(
            model, pool, merged.test, merged.certificate, self._selected, left=merged.counts.unlabeled
        )


def what_happened(
    model: ModelRecord | None,
    pool: int,
    test: TestRecord | None,
    certificate: Certificate | None,
    asked: int,
    *,
    left: int,
) -> str:
    """A round in words.

    model: what the round's model said, when the pool had this many objects; None: there was none
    certificate: the run's, so far
    asked: how many objects people were asked about
    left: how many are in the pool afterwards
    """
    if model is None and test is None and certificate is None and not left:
        return f"too few are left for a test; people were asked about {asked:,}"
    return f"{_model_so_far(model, pool, test, certificate)}people were asked about {asked:,}"


def _model_so_far(
    model: ModelRecord | None, pool: int, test: TestRecord | None, certificate: Certificate | None
) -> str:
    """What a round's model expects, or the state of the test."""
    if test is not None:
        return _test_so_far(test)
    if model is None:
        return "what is left is for people; " if certificate else "no model yet; "
    if model.validation_accuracy is not None:
        return f"model {model.validation_accuracy:6.1%} right on validation, labels {model.auto_labels:,}; "
    if model.expected_error is None:
        return f"model labels {model.auto_labels:,}; "
    would_label = pool - (model.left_to_people or 0)
    expects = f"model expects {model.expected_error:.1%} wrong on the {would_label:,} it "
    if model.expected_draws is None:
        return f"{expects}could label, too many for a test; "
    return f"{expects}would label, a test would draw ~{model.expected_draws:,.0f}; "


def _test_so_far(test: TestRecord) -> str:
    withdrawn = f", {test.withdrawn:,} doubtful ones withdrawn" if test.withdrawn else ""
    if test.unsettled:
        withdrawn = f", {test.unsettled:,} not settled{withdrawn}"
    return f"tested on {test.drawn:,} drawn: {test.wrong:,} wrong{withdrawn}, {_VERDICTS[test.verdict]}; "

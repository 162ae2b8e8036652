"""The content of simulation.json, and its table."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelloop.core.records import Certificate, Record, Report, Score


class SimulatedRun(Record):
    """The result of one run; errors are shares of labels that differ from the file's."""

    policy: str
    seed: int | str
    rows: int
    human_labels: int
    human_share: float
    repeated_answers: int
    auto_labels: int
    unlabeled: int
    auto_label_error: float | None
    human_label_error: float | None
    final_error: float | None
    certificate: Certificate | None
    no_certificate_because: str | None
    stopped_because: str | None
    rounds: int
    seconds: float | None
    report: str  # the page, below the simulation's folder

    @classmethod
    def of(cls, report: Report, *, page: str) -> "SimulatedRun":
        counts = report.counts
        score = report.score or Score()
        return cls(
            policy=report.policy,
            seed=report.seed,
            rows=counts.input,
            human_labels=counts.human,
            human_share=counts.human_share,
            repeated_answers=report.repeated_answers,
            auto_labels=counts.auto,
            unlabeled=counts.without_a_label,
            auto_label_error=score.auto_label_error,
            human_label_error=score.human_label_error,
            final_error=score.final_error,
            certificate=report.certificate,
            no_certificate_because=report.no_certificate_because,
            stopped_because=report.stopped_because,
            rounds=len(report.rounds),
            seconds=None if report.seconds is None else round(report.seconds, 1),
            report=page,
        )


class MeanOfRuns(Record):
    """The means over the runs of one policy that have a value; None if no run has one."""

    policy: str
    runs: int
    human_labels: float
    human_share: float
    repeated_answers: float
    auto_label_error: float | None
    final_error: float | None
    rounds: float
    seconds: float | None
    certified: int

    @classmethod
    def of(cls, runs: Sequence[SimulatedRun]) -> "MeanOfRuns":
        return cls(
            policy=runs[0].policy,
            runs=len(runs),
            human_labels=fmean(run.human_labels for run in runs),
            human_share=fmean(run.human_share for run in runs),
            repeated_answers=fmean(run.repeated_answers for run in runs),
            auto_label_error=_mean_of_known(runs, lambda run: run.auto_label_error),
            final_error=_mean_of_known(runs, lambda run: run.final_error),
            rounds=fmean(run.rounds for run in runs),
            seconds=_mean_of_known(runs, lambda run: run.seconds),
            certified=sum(run.certificate is not None for run in runs),
        )


class SimulationResult(Record):
    """All runs of a simulation so far."""

    file: str
    model: str
    rows: int
    settings: dict[str, Any]  # those asked for, of the request's block `ActiveLearning`
    error_rate: float
    runs: tuple[SimulatedRun, ...]
    means: tuple[MeanOfRuns, ...]

    @classmethod
    def of(
        cls,
        runs: Sequence[SimulatedRun],
        *,
        file: str,
        model: str,
        settings: dict[str, Any],
        error_rate: float,
    ) -> "SimulationResult":
        policies = dict.fromkeys(run.policy for run in runs)
        return cls(
            file=file,
            model=model,
            rows=runs[0].rows,
            settings=settings,
            error_rate=error_rate,
            runs=tuple(runs),
            means=tuple(MeanOfRuns.of([run for run in runs if run.policy == name]) for name in policies),
        )


def _mean_of_known(
    runs: Iterable[SimulatedRun], value: Callable[[SimulatedRun], float | None]
) -> float | None:
    known = [number for run in runs if (number := value(run)) is not None]
    return fmean(known) if known else None


def print_result(console: Console, result: SimulationResult, folder: Path, file: Path, note: str) -> None:
    """`folder` has the runs, `file` is simulation.json, and `note` is about the model's figures."""
    console.print()
    console.print(_table(result))
    console.print(
        Text(f"\nOf {result.rows:,} rows, by the {result.model}. Wrong: different from {result.file}."),
        soft_wrap=True,
    )
    if note:
        console.print(Text(note), soft_wrap=True)
    for reason in dict.fromkeys(
        f"{run.policy}: {run.no_certificate_because}" for run in result.runs if run.certificate is None
    ):
        console.print(Text(f"No certificate, {reason}."), soft_wrap=True)
    console.print()
    for run in result.runs:
        console.print(Text(f"  report  {folder / run.report}"), soft_wrap=True)
    console.print(Text(f" numbers  {file}"), soft_wrap=True)


def _table(result: SimulationResult) -> Table:
    # It fits into a terminal of 80 columns: Rich would leave out what does not.
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("policy", "seed"):
        table.add_column(name, no_wrap=True)
    for name in (
        *("labeled\nby people", "asked\nagain", "wrong\nauto-labels"),
        *("certificate", "rounds", "seconds"),
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for mean in result.means:
        for run in result.runs:
            if run.policy == mean.policy:
                table.add_row(run.policy, str(run.seed), *_numbers(run), _bound(run), *_effort(run))
        if mean.runs > 1:
            certified = f"{mean.certified} of {mean.runs}"
            table.add_row(mean.policy, "mean", *_numbers(mean), certified, *_effort(mean), style="bold")
    return table


def _numbers(row: SimulatedRun | MeanOfRuns) -> tuple[str, str, str]:
    error = row.auto_label_error
    people = f"{row.human_labels:,.0f} ({row.human_share:.1%})"
    return people, f"{row.repeated_answers:,.0f}", "–" if error is None else f"{error:.2%}"


def _bound(run: SimulatedRun) -> str:
    if run.certificate is None:
        return "none"
    return f"≤ {100 * run.certificate.promised_error:.3g}% at {run.certificate.confidence:.0%}"


def _effort(row: SimulatedRun | MeanOfRuns) -> tuple[str, str]:
    rounds, seconds = row.rounds, row.seconds
    return f"{rounds:g}" if rounds == round(rounds) else f"{rounds:.1f}", (
        "–" if seconds is None else f"{seconds:.0f}"
    )

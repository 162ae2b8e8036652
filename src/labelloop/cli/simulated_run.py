"""One run of a simulation: a policy and a seed."""

from typing import Any

from rich.console import Console

from labelloop.cli.errors import RunFailedError
from labelloop.cli.run_folder import RunFolder
from labelloop.cli.simulation_progress import SimulationProgress
from labelloop.cli.summary import print_outcome
from labelloop.core.errors import PredictionsError
from labelloop.core.records import Report
from labelloop.in_memory.simulated_run import SimulatedData, simulated_report
from labelloop.local.job import JobFailed
from labelloop.reporting.page import render_report
from labelloop.work_folder.lock import locked
from labelloop.workflow.request import parse_settings


def run(console: Console, data: SimulatedData, folder: RunFolder, block: dict[str, Any]) -> Report:
    """Do a run, or tell again how it ended; the report, data and page, is in its folder.

    block: the request's `ActiveLearning`. Raises RunFailedError when the model fails.
    """
    if folder.report.exists():
        console.print("This run is already done.")
        return folder.read_report()
    with console.status("Reading the texts"):
        # Once for all runs.
        _ = data.inputs
    with locked(folder.out):
        try:
            with SimulationProgress(console) as progress:
                report = simulated_report(
                    data, parse_settings(block), folder.logs / "container.log", [progress]
                )
        except (JobFailed, PredictionsError) as error:
            raise RunFailedError(str(error)) from error
        folder.page.write_text(render_report(report), encoding="utf-8")
        # Last, because with it the run is done.
        folder.write_report(report)
    print_outcome(console, report)
    return report

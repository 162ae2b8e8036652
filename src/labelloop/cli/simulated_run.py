"""One run of a simulation: a policy and a seed."""

import time
from array import array
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from labelloop.cli.errors import RunFailedError
from labelloop.cli.run_folder import RunFolder
from labelloop.cli.simulation_progress import SimulationProgress
from labelloop.cli.summary import print_outcome
from labelloop.core.errors import PredictionsError, QueryStrategyError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.records import Report
from labelloop.in_memory.models import SimulatedModel
from labelloop.local.job import JobFailed
from labelloop.preparation import KnownLabels
from labelloop.reporting.page import render_report
from labelloop.simulation import Labels, PeopleWhoKnow, simulate
from labelloop.simulation_report import ReportWatcher
from labelloop.work_folder.lock import locked
from labelloop.workflow.request import ActiveLearning, parse_settings

# The quick model's products are small, and threads wait for each other: on a busy machine, a run with more of
# them took 15 times as long.
_THREADS = 1


@dataclass(frozen=True)
class SimulatedData:
    """What all runs share: objects with known labels, and the model that is tried on them."""

    known: KnownLabels
    attribute: LabelAttribute
    model: SimulatedModel

    @cached_property
    def inputs(self) -> Any:
        """The objects as the model sees them."""
        return self.model.inputs(self.known)

    @cached_property
    def truth(self) -> Labels:
        return np.array(self.known.labels, np.int16)

    @cached_property
    def categories(self) -> LabelCategories:
        return LabelCategories(self.known.classes)


def run(console: Console, data: SimulatedData, folder: RunFolder, block: dict[str, Any]) -> Report:
    """Do a run, or tell again how it ended; the report, data and page, is in its folder.

    block: the request's `ActiveLearning`. Raises RunFailedError when the model fails.
    """
    if folder.report.exists():
        console.print("This run is already done.")
        return folder.read_report()
    # Here, because it comes with scikit-learn, and other commands need neither.
    from threadpoolctl import threadpool_limits

    settings = parse_settings(block)
    with console.status("Reading the texts"):
        inputs = data.inputs
    # Only now are the libraries loaded whose threads are limited.
    with locked(folder.out), threadpool_limits(_THREADS, user_api="blas"):
        try:
            report = _simulated(console, data, inputs, settings, folder.logs / "container.log")
        except (JobFailed, PredictionsError) as error:
            raise RunFailedError(str(error)) from error
        except QueryStrategyError as error:
            # Some need more from a model than its probabilities.
            raise QueryStrategyError(f"with the {data.model.name}: {error}") from error
        folder.page.write_text(render_report(report), encoding="utf-8")
        # Last, because with it the run is done.
        folder.write_report(report)
    print_outcome(console, report)
    return report


def _simulated(
    console: Console, data: SimulatedData, inputs: Any, settings: ActiveLearning, log: Path
) -> Report:
    began, watcher = time.monotonic(), ReportWatcher()
    block = settings.model_dump(by_alias=True, mode="json", exclude_none=True)
    people = SimulatedPeople.with_faults(
        array("h", data.known.labels), data.categories, settings.simulated_people
    )
    with SimulationProgress(console) as progress:
        ended = simulate(
            inputs,
            data.truth,
            data.model.of_run(settings, data.attribute, data.categories, log, data.known.prior_attributes),
            block,
            people=PeopleWhoKnow(people),
            watchers=(progress, watcher),
        )
    report = watcher.report(
        ended,
        execution=f"simulation of policy {settings.policy}, seed {settings.seed}, by the {data.model.name}",
        # Neither a labeling backend nor jobs have been asked.
        settings={**block, "LabelingBackend": "simulated", "Model": {"Name": data.model.name}},
        classes=data.known.classes,
        texts=data.known.texts,
        truth=data.truth,
    )
    return report.model_copy(update={"seconds": time.monotonic() - began})

"""A simulated run on texts whose labels are known, with its report."""

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from labelloop.core.errors import QueryStrategyError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.records import Report
from labelloop.in_memory.models import TextModel
from labelloop.preparation import TextData
from labelloop.simulation import Labels, PeopleWhoKnow, Watcher, simulate
from labelloop.simulation_report import ReportWatcher
from labelloop.workflow.request import ActiveLearning


@dataclass(frozen=True)
class SimulatedData:
    """What all runs share: objects with known labels, and the model that is tried on them."""

    known: TextData
    attribute: LabelAttribute
    model: TextModel

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


def simulated_report(
    data: SimulatedData, settings: ActiveLearning, log: Path, watchers: Sequence[Watcher] = ()
) -> Report:
    """Do a run. `log` gets what a container prints.

    Raises QueryStrategyError, PredictionsError, JobFailed.
    """
    # Here, because they come with scikit-learn, and not everybody who imports this simulates.
    from threadpoolctl import threadpool_limits

    from labelloop.quick_model import THREADS

    inputs = data.inputs
    # Only now are the libraries loaded whose threads are limited.
    with threadpool_limits(THREADS, user_api="blas"):
        try:
            return _simulated(data, inputs, settings, log, watchers)
        except QueryStrategyError as error:
            # Some need more from a model than its probabilities.
            raise QueryStrategyError(f"with the {data.model.name}: {error}") from error


def _simulated(
    data: SimulatedData, inputs: Any, settings: ActiveLearning, log: Path, watchers: Sequence[Watcher]
) -> Report:
    began, reporter = time.monotonic(), ReportWatcher()
    block = settings.model_dump(by_alias=True, mode="json", exclude_none=True)
    people = SimulatedPeople.with_faults(
        array("h", data.known.labels), data.categories, settings.simulated_people
    )
    ended = simulate(
        inputs,
        data.truth,
        data.model.of_run(settings, data.attribute, data.categories, log, data.known.prior_attributes),
        block,
        people=PeopleWhoKnow(people),
        watchers=(*watchers, reporter),
    )
    report = reporter.report(
        ended,
        execution=f"simulation of policy {settings.policy}, seed {settings.seed}, by the {data.model.name}",
        # Neither a labeling backend nor jobs have been asked.
        settings={**block, "LabelingBackend": "simulated", "Model": {"Name": data.model.name}},
        classes=data.known.classes,
        texts=data.known.texts,
        truth=data.truth,
    )
    return report.model_copy(update={"seconds": time.monotonic() - began})

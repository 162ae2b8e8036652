"""A deployment while runs are under way: yesterday's definitions and states on today's functions.

A running execution keeps the definition it began with. It calls functions by name, so they are today's, and
a round that it starts has today's definition.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from labelloop.steps.label_in_workbench import WorkbenchEvent
from labelloop.steps.prepare_manifest import PrepareEvent
from labelloop.steps.step_handler import StepEvent
from labelloop.workbench.tasks import Batch, Task
from labelloop.workflow.run_state import RunState

from .conftest import ROOT, Loop, Outcome

DEPLOYED = sorted((ROOT / "tests/fixtures/deployed").glob("*/"))
EVENTS = [path for folder in DEPLOYED for path in sorted((folder / "events").glob("*.json"))]
EVENT_FORMS: dict[str, type[BaseModel]] = {
    "prepare_manifest": PrepareEvent,
    "label_in_workbench": WorkbenchEvent,
}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_each_step_takes_yesterdays_event_and_reads_the_same_in_it(path: Path) -> None:
    event = json.loads(path.read_bytes())
    parsed = EVENT_FORMS.get(path.stem, StepEvent).model_validate(event)
    if isinstance(parsed, StepEvent):
        again = json.loads(json.dumps(parsed.state.as_document()))
        yesterdays = {name: value for name, value in event["State"].items() if name != "Format"}
        assert of_fields(yesterdays, again) == yesterdays
        assert again["Format"] == RunState.FORMAT


def of_fields(yesterdays: Any, todays: Any) -> Any:
    """Today's values of the fields that there were yesterday: new ones may have come."""
    if isinstance(yesterdays, dict) and isinstance(todays, dict):
        return {name: of_fields(value, todays.get(name)) for name, value in yesterdays.items()}
    return todays


@pytest.mark.parametrize("path", sorted((ROOT / "tests/fixtures/deployed").glob("*/workbench/*.json")))
def test_what_people_began_yesterday_is_read_in_the_workbench(path: Path) -> None:
    kinds: dict[str, type[BaseModel]] = {"batch": Batch, "task": Task}
    kind = kinds[path.stem]
    document = json.loads(path.read_bytes())
    read = json.loads(kind.model_validate(document).model_dump_json())
    assert of_fields(document, read) == document


def test_what_is_deployed_now_is_among_the_fixtures() -> None:
    """The newest folder has today's state, so that tomorrow's code is held to it."""
    newest = DEPLOYED[-1]
    state = json.loads((newest / "events/split_labels.json").read_bytes())["State"]
    assert state["Format"] == RunState.FORMAT


# Whole runs -------------------------------------------------------------------------------------------------


@pytest.fixture
def stack(tmp_path: Path) -> Callable[..., Path]:
    """Today's template with yesterday's definitions of the machines that are named."""

    def make(folder: Path, *machines: str) -> Path:
        place = tmp_path / "stack"
        shutil.copytree(ROOT / "statemachine", place / "statemachine")
        shutil.copy(ROOT / "template.yaml", place)
        for machine in machines:
            shutil.copy(folder / f"statemachine/{machine}.asl.json", place / "statemachine")
        return place / "template.yaml"

    return make


def settings_for(loop: Loop, backend: str) -> dict[str, Any]:
    if backend == "simulated":
        rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
        loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
        return {"SimulatedPeople": {"TruthS3Uri": "s3://bucket/in/truth.csv"}}
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["groundtruth", "simulated"])
@pytest.mark.parametrize(
    "machines",
    [("active_learning_loop",), ("active_learning_loop", "active_learning")],
    ids=["a round of today's", "a round that had begun"],
)
@pytest.mark.parametrize("folder", DEPLOYED, ids=lambda folder: folder.name)
def test_a_run_that_began_yesterday_ends_on_todays_functions(
    loop: Loop,
    accounted_for: Callable[[Outcome], None],
    stack: Callable[..., Path],
    folder: Path,
    machines: tuple[str, ...],
    backend: str,
) -> None:
    loop.data(300)
    loop.settings(LabelingBackend=backend, **settings_for(loop, backend))
    outcome = loop.run(loop.aws(template=stack(folder, *machines)))
    accounted_for(outcome)
    assert {"CreateTrainingJob", "AutoLabel", "ExportManifest"} <= set(loop.states)
    assert outcome.counts["auto"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("folder", DEPLOYED, ids=lambda folder: folder.name)
def test_a_batch_that_was_opened_yesterday_is_collected_by_todays_functions(
    loop: Loop, stack: Callable[..., Path], folder: Path, tmp_path: Path
) -> None:
    """Its time is over with nothing labeled: CollectLabels returns what MergeLabels needs."""
    loop.data(30)
    loop.settings(
        LabelingBackend="workbench", MaxRounds=1, Workbench={"HeartbeatInSeconds": 1, "DeadlineInSeconds": 2}
    )
    aws = loop.aws(
        template=stack(folder, "active_learning_loop"),
        environment={"WORKBENCH_DATABASE": str(tmp_path / "workbench.sqlite")},
    )
    outcome = loop.run(aws)
    assert {"LabelInWorkbench", "CollectLabels", "MergeLabels"} <= set(loop.states), outcome.execution.cause

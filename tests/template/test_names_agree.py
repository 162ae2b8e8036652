"""State, logical id, handler module and event file share one name; the definitions keep their rules."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.template import Template
from labelloop.steps.prepare_manifest import PrepareEvent
from labelloop.steps.step_handler import StepEvent

ROOT = Path(__file__).parents[2]
DEFINITIONS = {
    path.name.removesuffix(".asl.json"): json.loads(path.read_text())
    for path in sorted((ROOT / "statemachine").glob("*.asl.json"))
}
TASKS = [
    (name, state_name, state)
    for name, definition in DEFINITIONS.items()
    for state_name, state in definition["States"].items()
    if state["Type"] == "Task"
]
NOT_STEPS = {"__init__", "auto_labels", "round_predictions", "snapshot", "step_handler"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


@pytest.fixture(scope="module")
def template() -> Template:
    parameters = {"DataBucket": "bucket", "JobRoleArn": "arn:aws:iam::123456789012:role/jobs"}
    return Template(ROOT / "template.yaml", parameters=parameters)


def test_each_step_has_one_name_everywhere(template: Template) -> None:
    states = {state_name for _, state_name, state in TASKS if state["Resource"].endswith("lambda:invoke")}
    functions = template.functions()
    modules = {path.stem for path in (ROOT / "src/labelloop/steps").glob("*.py")} - NOT_STEPS
    events = {path.stem for path in (ROOT / "events").glob("*.json")}
    assert states == set(functions)
    assert {snake(name) for name in states} == modules == events
    for name, function in functions.items():
        assert function.handler == f"labelloop.steps.{snake(name)}.handler"


def test_each_task_that_is_a_function_invokes_the_one_of_its_name(template: Template) -> None:
    for _, state_name, state in TASKS:
        if state["Resource"].endswith("lambda:invoke"):
            assert state["Arguments"]["FunctionName"] == f"${{{state_name}Arn}}"


def test_the_state_machines_keep_the_posts_names(template: Template) -> None:
    names = {logical_id: machine.name for logical_id, machine in template.state_machines().items()}
    assert names == {
        "ActiveLearningLoop": "ActiveLearningLoop-labelloop",
        "ActiveLearning": "ActiveLearning-labelloop",
    }
    assert {snake(name) for name in names} == set(DEFINITIONS)
    assert all(machine.type == "STANDARD" for machine in template.state_machines().values())


def test_all_is_jsonata() -> None:
    for definition in DEFINITIONS.values():
        assert definition["QueryLanguage"] == "JSONata"
        assert '"$.' not in json.dumps(definition)


@pytest.mark.parametrize(
    ("machine", "name", "state"), TASKS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_task_has_a_timeout_a_jittered_retry_and_a_catch_for_all(
    machine: str, name: str, state: dict[str, Any]
) -> None:
    assert state["TimeoutSeconds"] > 0
    for retry in state["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert not {"States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])
    assert [catch["ErrorEquals"] for catch in state["Catch"]] == [["States.ALL"]]
    # A labeling job's labels count even when it fails; everything else ends in a Fail state with its cause.
    assert state["Catch"][0]["Next"] == ("MergeLabels" if name == "CreateLabelingJob" else "Failed")


def test_every_choice_has_a_default() -> None:
    for definition in DEFINITIONS.values():
        for state in definition["States"].values():
            assert state["Type"] != "Choice" or "Default" in state


@pytest.mark.parametrize("path", sorted((ROOT / "events").glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_event_is_what_its_step_takes(path: Path) -> None:
    event = json.loads(path.read_text())
    if path.stem == "prepare_manifest":
        assert PrepareEvent.model_validate(event).request["LabelAttributeName"]
    else:
        assert StepEvent.model_validate(event).state.execution_name == "sample"

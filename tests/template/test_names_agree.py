"""State, logical id, handler module and event file share one name; the definitions keep their rules."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.template import Template
from labelloop.operations.stack import BUCKET_OUTPUT, LOOP_OUTPUT, ROLE_OUTPUT
from labelloop.steps.collect_labels import CollectEvent
from labelloop.steps.label_in_workbench import WorkbenchEvent
from labelloop.steps.prepare_manifest import PrepareEvent
from labelloop.steps.step_handler import StepEvent

ROOT = Path(__file__).parents[2]
DEFINITIONS = {
    path.name.removesuffix(".asl.json"): json.loads(path.read_text())
    for path in sorted((ROOT / "statemachine").glob("*.asl.json"))
}


def all_states(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The states of a definition, those within its Map states included."""
    for name, state in definition["States"].items():
        yield name, state
        if state["Type"] == "Map":
            yield from all_states(state["ItemProcessor"])


TASKS = [
    (name, state_name, state)
    for name, definition in DEFINITIONS.items()
    for state_name, state in all_states(definition)
    if state["Type"] == "Task"
]
MODEL_CONTAINER = "ModelContainer"  # SageMaker runs its image; it is a function to be built and tried out
NOT_STEPS = {"__init__", "metrics", "step_handler"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


@pytest.fixture(scope="module")
def template() -> Template:
    parameters = {"DataBucket": "bucket", "JobRoleArn": "arn:aws:iam::123456789012:role/jobs"}
    return Template(ROOT / "template.yaml", parameters=parameters)


def test_each_step_has_one_name_everywhere(template: Template) -> None:
    states = {state_name for _, state_name, state in TASKS if "lambda:invoke" in state["Resource"]}
    functions = template.functions()
    model_container = functions.pop(MODEL_CONTAINER)
    watch = functions.pop("WatchExecutions")  # a schedule invokes it, no state does
    assert watch.handler == "labelloop.monitoring.watch_executions.handler"
    assert model_container.handler == "text_classifier.lambda_handler.handler"
    image_container = functions.pop("ImageModelContainer")
    assert image_container.handler == "image_classifier.lambda_handler.handler"
    modules = {path.stem for path in (ROOT / "src/labelloop/steps").glob("*.py")} - NOT_STEPS
    # The web application where people label is no step.
    functions = {name: function for name, function in functions.items() if name != "Workbench"}
    events = {path.stem for path in (ROOT / "events").glob("*.json")} - {snake(MODEL_CONTAINER)}
    assert states == set(functions)
    assert {snake(name) for name in states} == modules == events
    for name, function in functions.items():
        assert function.handler == f"labelloop.steps.{snake(name)}.handler"


def test_each_task_that_is_a_function_invokes_the_one_of_its_name(template: Template) -> None:
    for _, state_name, state in TASKS:
        if "lambda:invoke" in state["Resource"]:
            assert state["Arguments"]["FunctionName"] == f"${{{state_name}Arn}}"


def test_the_state_machines_have_their_names(template: Template) -> None:
    names = {logical_id: machine.name for logical_id, machine in template.state_machines().items()}
    assert names == {
        "ActiveLearningLoop": "ActiveLearningLoop-labelloop",
        "ActiveLearning": "ActiveLearning-labelloop",
        "FoundationModelLabels": "FoundationModelLabels-labelloop",
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
    # People's own time is the request's to say.
    assert name == "LabelInWorkbench" or state["TimeoutSeconds"] > 0
    for retry in state["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert not {"States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])
    *earlier, last = state["Catch"]
    assert last["ErrorEquals"] == ["States.ALL"]
    # A labeling job's labels count even when it fails, and so do the answers of batch inference; everything
    # else ends in a Fail state with its cause.
    counts = {"CreateLabelingJob": "LabelsSoFar"}
    if name.endswith("ModelInvocationJob"):
        counts[name] = "ModelInvocationJobEnded"
    assert last["Next"] == counts.get(name, "Failed")
    # People who run out of time have not failed.
    assert [catch["Next"] for catch in earlier] == ["CollectLabels"] * (name == "LabelInWorkbench")


def test_every_choice_has_a_default() -> None:
    for definition in DEFINITIONS.values():
        for _, state in all_states(definition):
            assert state["Type"] != "Choice" or "Default" in state


@pytest.mark.parametrize("path", sorted((ROOT / "events").glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_event_is_what_its_step_takes(path: Path) -> None:
    event = json.loads(path.read_text())
    if path.stem == "prepare_manifest":
        assert PrepareEvent.model_validate(event).request["LabelAttributeName"]
    elif path.stem == "model_container":
        assert event["ModelS3Uri"].endswith("/model.tar.gz")
        assert all(isinstance(text, str) for text in event["Texts"])
    elif path.stem == "label_in_workbench":
        assert WorkbenchEvent.model_validate(event).task_token
    elif path.stem == "collect_labels":
        assert CollectEvent.model_validate(event).state.execution_name == "sample"
    else:
        assert StepEvent.model_validate(event).state.execution_name == "sample"


def test_the_stack_tells_what_the_commands_ask_it() -> None:
    outputs = (ROOT / "template.yaml").read_text().split("\nOutputs:\n")[1]
    assert {LOOP_OUTPUT, BUCKET_OUTPUT, ROLE_OUTPUT} <= set(re.findall(r"^  (\w+):$", outputs, re.MULTILINE))

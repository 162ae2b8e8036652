"""A step that is invoked with what is no event of its says in one line what is wrong with it."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labelloop.core.errors import EventError

ROOT = Path(__file__).parents[2]
STEPS = sorted(path.stem for path in (ROOT / "events").glob("*.json") if path.stem != "model_container")
CONTEXT = SimpleNamespace(
    aws_request_id="1", memory_limit_in_mb=128, function_name="step", invoked_function_arn="arn"
)


def refusal_of(step: str, event: dict[str, Any]) -> str:
    module = importlib.import_module(f"labelloop.steps.{step}")
    with pytest.raises(EventError) as refused:
        module.handler(event, CONTEXT)
    return str(refused.value)


def sample(step: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/{step}.json").read_bytes())
    return event


@pytest.mark.parametrize("step", STEPS)
def test_an_empty_event_is_refused_with_the_step_what_is_missing_and_a_sample(step: str) -> None:
    said = refusal_of(step, {})
    name = step.title().replace("_", "")
    assert said.startswith(f"the event of {name} cannot be used: ")
    assert all(f"{field} is missing" in said for field in sample(step))
    assert said.endswith(f"A sample is events/{step}.json")
    assert "\n" not in said


@pytest.mark.parametrize("event", [[], None, "state", 7])
def test_what_is_no_object_is_refused_as_such(event: Any) -> None:
    said = refusal_of("split_labels", event)
    assert said.startswith("the event of SplitLabels cannot be used: it is not a JSON object. A sample is")


@pytest.mark.parametrize("step", STEPS)
def test_a_field_that_is_not_known_is_named(step: str) -> None:
    assert "Tyme is not known" in refusal_of(step, {**sample(step), "Tyme": "x"})


def test_a_value_that_cannot_be_is_named_by_its_place() -> None:
    event = sample("split_labels")
    event["State"]["Round"] = "second"
    assert "State.Round: input should be a valid integer" in refusal_of("split_labels", event)


def test_what_is_refused_is_logged_as_any_failure(caplog: pytest.LogCaptureFixture) -> None:
    refusal_of("split_labels", {})
    (failed,) = [vars(record) for record in caplog.records if record.message == "failed"]
    assert (failed["step"], failed["error"]) == ("SplitLabels", "EventError")
    assert "State is missing" in failed["reason"]

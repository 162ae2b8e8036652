"""What the log says that labels by people cost: the saved query on cost adds these lines up."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labelloop.backends import load_backend
from labelloop.steps.step_handler import measured
from labelloop.workflow.run_state import RunState

ROOT = Path(__file__).parents[2]
CONTEXT: Any = SimpleNamespace(aws_request_id="1", memory_limit_in_mb=128, function_name="step")
LABELED = 10


def state_of_workbench(people: int) -> RunState:
    document = json.loads((ROOT / "events/merge_labels.json").read_bytes())["State"]
    settings = {
        "LabelingBackend": "workbench",
        "Seed": 0,
        "Workbench": {"NumberOfHumanWorkersPerDataObject": people},
    }
    document["Request"] = {**document["Request"], "ActiveLearning": settings}
    state = RunState.model_validate(document)
    told = load_backend("workbench").people_per_object(state.request)
    return state.model_copy(update={"people_per_object": told})


def logged(before: RunState, caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """What MergeLabels logs where people have labeled ten objects."""
    counts = before.counts
    merged = replace(counts, human=counts.human + LABELED, pool=counts.pool - LABELED)
    after = before.model_copy(update={"counts": merged})
    measured(after.as_document, before, "MergeLabels", CONTEXT)
    (line,) = [vars(record) for record in caplog.records if record.message == "done"]
    return line


@pytest.mark.parametrize(("people", "cost"), [(1, 0.92), (3, 1.16)])
def test_in_the_workbench_everyone_who_labels_an_object_is_paid(
    people: int, cost: float, caplog: pytest.LogCaptureFixture
) -> None:
    line = logged(state_of_workbench(people), caplog)
    assert (line["labeled_by_people"], line["people_cost"], line["currency"]) == (LABELED, cost, "USD")


def test_the_log_and_the_report_know_one_price(caplog: pytest.LogCaptureFixture) -> None:
    state = state_of_workbench(3)
    cost = state.loop_settings.prices.cost(human_labels=LABELED, auto_labels=0)
    assert logged(state, caplog)["people_cost"] == cost.spent_on_people

"""A state that was passed on before its facts about backend and labeler were kept in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.workflow.run_state import RunState

SAMPLE = json.loads((Path(__file__).parents[2] / "events/split_labels.json").read_bytes())["State"]
PEOPLE = "NumberOfHumanWorkersPerDataObject"


@pytest.mark.parametrize(
    ("settings", "task", "people", "held_out"),
    [
        ({"LabelingBackend": "groundtruth"}, 3, 3, 0.0),
        ({"LabelingBackend": "groundtruth", "Workbench": {PEOPLE: 5}}, 3, 3, 0.0),
        ({"LabelingBackend": "workbench", "Workbench": {PEOPLE: 5}}, 3, 5, 0.0),
        ({"LabelingBackend": "workbench"}, None, 1, 0.0),
        ({"Model": {"Algorithm": "container", "ImageUri": "mine"}}, 1, 1, 0.1),
        ({"Model": {"Algorithm": "blazingtext"}}, 1, 1, 0.1),
        ({"Model": {"Algorithm": "blazingtext", "HoldoutShare": 0.0}}, 1, 1, 0.0),
        ({}, 1, 1, 0.0),
    ],
)
def test_it_is_read_as_it_was_meant(
    settings: dict[str, Any], task: int | None, people: int, held_out: float
) -> None:
    request = {**SAMPLE["Request"], "ActiveLearning": settings}
    request["HumanTaskConfig"] = {**request["HumanTaskConfig"], PEOPLE: task}
    if task is None:
        del request["HumanTaskConfig"]
    earlier = {
        name: value
        for name, value in {**SAMPLE, "Request": request}.items()
        if name not in ("Format", "PeoplePerObject", "HoldoutShare")
    }
    loop_settings = RunState.model_validate(earlier).loop_settings
    assert (loop_settings.prices.people_per_object, loop_settings.holdout_share) == (people, held_out)


@pytest.mark.parametrize(("given", "seed"), [({}, 0), ({"Seed": 7}, 7)])
def test_a_run_of_format_2_goes_on_with_the_draws_it_had(given: dict[str, int], seed: int) -> None:
    request = {**SAMPLE["Request"], "ActiveLearning": given}
    state = RunState.model_validate({**SAMPLE, "Request": request, "Format": 2})
    assert state.loop_settings.seed == seed
    assert state.loop_settings.seed_was_given
    assert (state.format, state.tests_counted) == (3, 0)

"""Labeling backends: each refuses, before anything is spent, what it could not work with."""

import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.backends import LABELING_BACKENDS, AnswersAtOnce, check_request, load_backend
from labelloop.core.errors import RequestError
from labelloop.workflow.request import LabelingRequest, parse_request

from .test_request import POST_REQUEST, changed

STATES = json.loads(
    (Path(__file__).parents[2] / "statemachine" / "active_learning_loop.asl.json").read_text()
)["States"]
PRIVATE_TEAM = "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/team"


def request_of(backend: str, *, task: bool = True, **settings: Any) -> LabelingRequest:
    document = changed("ActiveLearning", {"LabelingBackend": backend, **settings})
    document["HumanTaskConfig"]["WorkteamArn"] = PRIVATE_TEAM
    if not task:
        del document["HumanTaskConfig"]
    return parse_request(document)


def refusal(request: LabelingRequest) -> str:
    with pytest.raises(RequestError) as error:
        check_request(request)
    return str(error.value)


@pytest.mark.parametrize("backend", sorted(LABELING_BACKENDS.classes))
def test_what_each_backend_takes_is_not_refused(backend: str) -> None:
    check_request(request_of(backend, SimulatedPeople={"TruthS3Uri": "s3://my-bucket/truth.csv"}))


def test_objects_ahead_take_one_person_each() -> None:
    """What one of two has said about an object counts once the other one has: the model may be faster."""
    two = {"LabelAheadShare": 0.5, "NumberOfHumanWorkersPerDataObject": 2}
    assert "LabelAheadShare takes one person" in refusal(request_of("workbench", Workbench=two))
    check_request(request_of("workbench", Workbench={**two, "NumberOfHumanWorkersPerDataObject": 1}))
    check_request(request_of("workbench", Workbench={**two, "LabelAheadShare": 0}))
    check_request(request_of("groundtruth", Workbench=two))


def test_ground_truth_needs_to_know_how_to_show_objects() -> None:
    assert "HumanTaskConfig is missing" in refusal(request_of("groundtruth", task=False))
    check_request(request_of("workbench", task=False))


def test_mechanical_turk_has_closed() -> None:
    assert "Amazon Mechanical Turk closed" in refusal(parse_request(POST_REQUEST))


def test_simulated_people_need_the_truth() -> None:
    assert "ActiveLearning.SimulatedPeople.TruthS3Uri is missing" in refusal(request_of("simulated"))


def test_a_worker_template_that_is_to_be_used_must_be_named() -> None:
    settings = {"UseWorkerTemplate": True}
    check_request(request_of("workbench", Workbench=settings))
    missing = refusal(request_of("workbench", task=False, Workbench=settings))
    assert "HumanTaskConfig.UiConfig.UiTemplateS3Uri, which is missing" in missing


def test_an_unknown_backend_is_answered_with_those_there_are() -> None:
    assert refusal(request_of("mturk")) == (
        "ActiveLearning.LabelingBackend: there is no labeling backend 'mturk': choose from groundtruth, "
        'simulated, workbench, or name a class of your own as "module:Class"'
    )


@pytest.mark.parametrize(
    ("backend", "task", "workbench", "people"),
    [
        ("groundtruth", 3, None, 3),
        ("groundtruth", 3, 5, 3),
        ("workbench", 3, None, 3),
        ("workbench", 3, 5, 5),
        ("workbench", None, None, 1),
        ("simulated", 3, 5, 3),
        ("simulated", None, None, 1),
    ],
)
def test_how_many_people_label_an_object(
    backend: str, task: int | None, workbench: int | None, people: int
) -> None:
    field = "NumberOfHumanWorkersPerDataObject"
    document = changed("ActiveLearning", {"LabelingBackend": backend})
    document["HumanTaskConfig"][field] = task
    if task is None:
        del document["HumanTaskConfig"]
    if workbench is not None:
        document["ActiveLearning"]["Workbench"] = {field: workbench}
    assert load_backend(backend).people_per_object(parse_request(document)) == people


def test_the_state_machine_has_a_state_for_each_backend_that_does_not_answer_at_once() -> None:
    choice = STATES["LabelingBackend"]
    assert choice["Default"] == "LabelAtOnce"
    named = {
        name
        for name in LABELING_BACKENDS.classes
        if any(f"LabelingBackend = '{name}'" in one["Condition"] for one in choice["Choices"])
    }
    at_once = {
        name for name, backend in LABELING_BACKENDS.classes.items() if isinstance(backend(), AnswersAtOnce)
    }
    assert named == set(LABELING_BACKENDS.classes) - at_once


def test_a_users_own_backend_is_loaded_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_request(request_of("only_in_the_image:Rule"))
    (tmp_path / "own_backends.py").write_text("class Silent: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RequestError, match=r"own_backends:Silent has no method check\(request\)"):
        load_backend("own_backends:Silent")
    with pytest.raises(RequestError, match="no module only_in_the_image can be imported here"):
        load_backend("only_in_the_image:Rule")

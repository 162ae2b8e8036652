"""The examples of docs/adding-one.md, run as the page says."""

import importlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from labelloop.core.errors import LabelloopError
from tests.words import CLASSES

from .conftest import ROOT, Loop, Outcome

AccountedFor = Callable[[Outcome], None]

PAGE = (ROOT / "docs/adding-one.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SETTINGS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Writes an example to a module of the user's, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str) -> ModuleType:
        (code,) = (block for block in CODE if f'"""{name}.py"""' in block or f"def {name}(" in block)
        (tmp_path / f"{name}.py").write_text(code)
        return importlib.import_module(name)

    return write


def settings_of(name: str) -> dict[str, Any]:
    (found,) = (block for block in SETTINGS if f'"{name}:' in json.dumps(block))
    return dict(found)


def test_every_example_of_the_page_is_run_here() -> None:
    own = [re.match(r'"""(\w+)(\.py"""|: )', code) for code in CODE]
    assert [found and found[1] for found in own] == [
        "rare_class",
        "keyword_rule",
        "our_image",
        "CheckFailures",
    ]
    assert len(SETTINGS) == 3


@pytest.mark.slow
def test_a_backend_and_a_strategy_of_ones_own_run_the_whole_loop(
    loop: Loop, accounted_for: AccountedFor, written: Callable[[str], ModuleType]
) -> None:
    written("keyword_rule"), written("rare_class")
    loop.data(400)
    del loop.request["HumanTaskConfig"]
    loop.settings(TargetError=0.2, **settings_of("keyword_rule"), **settings_of("rare_class"))
    outcome = loop.run()
    accounted_for(outcome)
    assert "LabelAtOnce" in loop.states
    assert not {"LabelWithGroundTruth", "LabelInWorkbench"} & set(loop.states)
    by_people = [
        (CLASSES[line["category"]], truth)
        for line, truth in zip(outcome.lines(), loop.truth, strict=True)
        if line["category-metadata"]["human-annotated"] == "yes"
    ]
    assert len(by_people) == outcome.counts["human"] < 400
    assert all(given == truth for given, truth in by_people)
    assert outcome.counts["auto"] > 0
    state = json.loads((loop.s3 / "bucket/out/run-1/round-002/selected/state.json").read_bytes())
    assert state["LooksForDoubt"] is False
    assert state["PeoplePerObject"] == 1


@pytest.mark.slow
def test_what_a_backend_does_not_answer_ends_with_its_reason(
    loop: Loop, accounted_for: AccountedFor, written: Callable[[str], ModuleType]
) -> None:
    written("keyword_rule")
    loop.data(12)
    lines = (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines()
    loop.manifest([*lines, b'{"source": "nothing it knows", "n": 12}'])
    loop.truth.append(CLASSES[0])
    loop.settings(**settings_of("keyword_rule"))
    outcome = loop.run()
    accounted_for(outcome)
    assert (outcome.counts["human"], outcome.counts["failed"]) == (12, 1)


@pytest.mark.slow
def test_a_labeler_of_ones_own_trains_by_the_job_it_says(
    loop: Loop, accounted_for: AccountedFor, written: Callable[[str], ModuleType]
) -> None:
    written("our_image")
    loop.data(300)
    loop.settings(TargetError=0.2, **settings_of("our_image"))
    aws = loop.aws()
    requests: list[Mapping[str, Any]] = []
    aws.interceptors.before("CreateTrainingJob", requests.append, times=99)
    outcome = loop.run(aws)
    accounted_for(outcome)
    assert outcome.counts["auto"] > 0
    (made, *_) = requests
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/our-image:3"
    assert made["AlgorithmSpecification"]["TrainingImage"] == image
    assert [channel["ChannelName"] for channel in made["InputDataConfig"]] == ["train", "validation"]
    assert made["HyperParameters"] == {
        "epochs": "20",
        "num_classes": "3",
        "label_attribute": "category",
        "seed": "0",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TrainingInstanceCount": 2}, "our image trains on one instance: TrainingInstanceCount is 1"),
        ({}, "line 1: it has no text under 'source', and our image reads nothing else"),
    ],
)
def test_what_a_labeler_of_ones_own_refuses_is_refused_before_anything_is_spent(
    loop: Loop, written: Callable[[str], ModuleType], changes: dict[str, Any], message: str
) -> None:
    written("our_image")
    loop.manifest([b'{"source-ref": "s3://bucket/in/a.png"}'])
    loop.settings(Model={**settings_of("our_image")["Model"], **changes})
    execution = loop.run().execution
    assert execution.error == "PrepareManifestFailed"
    assert message in (execution.cause or "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"LabelingBackend": "mturk"},
            "ActiveLearning.LabelingBackend: there is no labeling backend 'mturk': choose from groundtruth, ",
        ),
        (
            {"Model": {"Algorithm": "xgboost"}},
            "Model.Algorithm: there is no labeler 'xgboost': choose from blazingtext, container",
        ),
        (
            {"LabelingBackend": "not_there:Rule"},
            "ActiveLearning.LabelingBackend: the labeling backend not_there:Rule is not there",
        ),
        (
            {"LabelingBackend": "json:JSONDecoder"},
            "the labeling backend json:JSONDecoder has no method check(request)",
        ),
        (
            {"Model": {"Algorithm": "json:JSONDecoder"}},
            "the labeler json:JSONDecoder has no method check(model)",
        ),
    ],
)
def test_a_name_that_cannot_be_used_ends_the_run_at_once(
    loop: Loop, settings: dict[str, Any], message: str
) -> None:
    loop.data(5)
    loop.settings(**settings)
    execution = loop.run().execution
    assert loop.states == ["PrepareManifest", "Failed"]
    assert message in (execution.cause or "")


def test_a_step_returns_the_state_or_says_what_to_do(written: Callable[[str], ModuleType]) -> None:
    module = written("check_failures")
    context = SimpleNamespace(
        aws_request_id="1", memory_limit_in_mb=128, function_name="step", invoked_function_arn="arn"
    )
    event = json.loads((ROOT / "events/merge_labels.json").read_bytes())
    state = module.handler(event, context)
    assert state["ExecutionName"] == event["State"]["ExecutionName"]
    counts = event["State"]["Counts"]
    counts["Pool"], counts["Failed"] = 0, counts["Pool"]
    with pytest.raises(LabelloopError, match=f"could not label {counts['Failed']} of {counts['Input']}"):
        module.handler(event, context)

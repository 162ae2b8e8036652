"""What the states do about errors of AWS: how long they try again, and what a failure says."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.jsonata_evaluator import evaluate_jsonata
from labelloop.local.template import Template

ROOT = Path(__file__).parents[2]
DEFINITIONS = {
    path.name.removesuffix(".asl.json"): json.loads(path.read_text())
    for path in sorted((ROOT / "statemachine").glob("*.asl.json"))
}


def tasks(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, state
        if state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"])


TASKS = [task for definition in DEFINITIONS.values() for task in tasks(definition)]
OF_LAMBDA = [(name, state) for name, state in TASKS if "lambda:invoke" in state["Resource"]]
OF_SAGEMAKER = [(name, state) for name, state in TASKS if ":sagemaker:" in state["Resource"]]

# The errors of Invoke after which its API reference says to wait, and those that Step Functions' page on
# Lambda service exceptions names.
IDLE = {"CodeArtifactUserPending", "CodeArtifactUserDeleted", "ResourceNotReady", "ResourceConflict"}
PASSING = {"TooManyRequests", "Service", "AWSLambda", "SdkClient", "ClientExecutionTimeout"}


def retrier(state: dict[str, Any], error: str) -> dict[str, Any]:
    (found,) = [retry for retry in state["Retry"] if error in retry["ErrorEquals"]]
    return dict(found)


def waits(retry: dict[str, Any]) -> list[float]:
    """The longest wait before each attempt; with full jitter, each is a random part of it."""
    return [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"])
        for attempt in range(retry["MaxAttempts"])
    ]


def total_waits(retry: dict[str, Any]) -> list[float]:
    """The seconds until the last attempt, in a thousand runs, in order."""
    generator = random.Random(17)
    return sorted(sum(generator.uniform(0, wait) for wait in waits(retry)) for _ in range(1000))


# How long -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state"), OF_LAMBDA, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_function_that_was_idle_or_throttled_is_tried_again_for_minutes(
    name: str, state: dict[str, Any]
) -> None:
    for error in IDLE | PASSING:
        total = total_waits(retrier(state, f"Lambda.{error}Exception"))
        assert total[500] > 300, "some minutes"
        # Images were fetched anew in 40 to 106 s.
        assert total[1] > 120, "hardly ever less than the longest time that was seen"
    named = {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
    assert "Lambda.CodeArtifactUserFailedException" not in named, "it needs another image"


@pytest.mark.parametrize(
    ("name", "state"), OF_SAGEMAKER, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_quota_that_is_used_up_is_waited_for_for_hours(name: str, state: dict[str, Any]) -> None:
    total = total_waits(retrier(state, "SageMaker.ResourceLimitExceededException"))
    assert total[0] > 6 * 3600
    assert total[-1] < 24 * 3600
    assert 180 < total_waits(retrier(state, "SageMaker.AmazonSageMakerException"))[500] < 900, "throttling"


def test_a_round_may_take_as_long_as_all_that_is_in_it() -> None:
    whole = DEFINITIONS["active_learning_loop"]["States"]["ActiveLearning"]["TimeoutSeconds"]
    parts = sum(
        state["TimeoutSeconds"] + max(sum(waits(retry)) for retry in state["Retry"])
        for _, state in tasks(DEFINITIONS["active_learning"])
    )
    assert whole > parts


def test_a_state_waits_longer_than_its_function_may_take() -> None:
    """Else the state times out first, and its cause is empty."""
    functions = Template(ROOT / "template.yaml").functions()
    for name, state in OF_LAMBDA:
        if "waitForTaskToken" not in state["Resource"]:
            assert state["TimeoutSeconds"] >= functions[name].timeout + 30


# What a failure says --------------------------------------------------------------------------------------


def told(machine: str, cause: str, error: str = "Some.Error", **state: str) -> str:
    expression = DEFINITIONS[machine]["States"]["Failed"]["Cause"]
    given = {"Where": "AutoLabel", "Error": error, "Cause": cause, "State": state}
    answer: str = evaluate_jsonata(expression[2:-2].strip(), {"states": {"input": given}})
    return answer


MESSAGE = 'a "quoted" reason\nwith \\ and é 😀'
OF_A_FUNCTION = json.dumps({"errorMessage": MESSAGE, "errorType": "StorageError", "stackTrace": ["x" * 200]})


@pytest.mark.parametrize("machine", DEFINITIONS)
@pytest.mark.parametrize(
    ("cause", "error", "words"),
    [
        (OF_A_FUNCTION, "StorageError", f"{MESSAGE} (StorageError)"),
        (OF_A_FUNCTION[:130], "StorageError", f"{MESSAGE} (StorageError)"),
        (
            json.dumps({"TrainingJobName": "x", "FailureReason": 'no "memory"'}),
            "States.TaskFailed",
            'no "memory"',
        ),
        (
            json.dumps({"Input": OF_A_FUNCTION, "Cause": "CreateModel failed: why (Why)"}),
            "States.TaskFailed",
            "CreateModel failed: why (Why)",
        ),
        ("", "States.Timeout", "States.Timeout"),
        ("in plain words", "Some.Error", "in plain words (Some.Error)"),
        ("{no JSON at all}", "Some.Error", "{no JSON at all} (Some.Error)"),
        ('{"a": ', "Some.Error", '{"a":  (Some.Error)'),
    ],
)
def test_a_failure_says_what_failed_why_and_by_which_error(
    machine: str, cause: str, error: str, words: str
) -> None:
    assert told(machine, cause, error) == f"AutoLabel failed: {words}"


def test_a_reason_that_is_cut_off_anywhere_is_told_as_far_as_it_goes() -> None:
    for end in range(len(OF_A_FUNCTION)):
        said = told("active_learning_loop", OF_A_FUNCTION[:end])
        reason = said.removeprefix("AutoLabel failed: ").removesuffix(" (Some.Error)")
        # Where nothing of the reason is left, the error is named alone; half of an emoji may be left.
        known = (MESSAGE, OF_A_FUNCTION, "Some.Error")
        assert any(text.startswith(reason.rstrip("\ud83d")) for text in known)


def test_a_very_long_reason_leaves_room_for_the_way_to_resume() -> None:
    said = told("active_learning_loop", "x" * 32768, Prefix="s3://bucket/out/run-1/")
    assert said.endswith("ActiveLearning.ResumeFromS3Uri is s3://bucket/out/run-1/")
    assert len(said) < 32768


def test_a_failed_labeling_job_tells_the_way_to_resume_whatever_its_reason() -> None:
    expression = DEFINITIONS["active_learning_loop"]["States"]["LabelingFailed"]["Cause"]
    given = {"LabelingFailure": "x" * 40000, "Prefix": "s3://bucket/out/run-1/"}
    said = evaluate_jsonata(expression[2:-2].strip(), {"states": {"input": given}})
    assert said.endswith("ActiveLearning.ResumeFromS3Uri is s3://bucket/out/run-1/")
    assert len(said) < 32768


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_an_error_without_a_cause_is_caught_all_the_same(machine: str) -> None:
    """An undefined value in a state's output would itself be an error."""
    for name, state in tasks(DEFINITIONS[machine]):
        for catch in state["Catch"]:
            text = json.dumps(catch["Output"])
            assert text.count("$states.errorOutput.Cause") == text.count("$states.errorOutput.Cause & ''"), (
                name
            )

"""SageMaker's jobs as Step Functions runs them: `.sync`, results, error names, stopping."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.container_process import ProcessContainer
from labelloop.local.service_error import ServiceError, throttling
from tests.local.conftest import (
    CONTAINER,
    ROLE,
    OpenAws,
    labeling_request,
    machine,
    put_lines,
    training_request,
    transform_request,
)

# Each test starts a stack.
pytestmark = pytest.mark.slow


def task(action: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Arguments": arguments}
    return state | ({"End": True} if "Next" not in more else {}) | more


def catching(error: str, action: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    catch = [{"ErrorEquals": [error], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    return machine(A=task(action, arguments, Catch=catch, **more), Caught={"Type": "Succeed"})


TRAIN = ("createTrainingJob.sync", training_request())
RECORDS = [{"source": "sun and rain", "category": 0}, {"source": "goal", "category": 1}]


def test_train_make_a_model_transform_in_one_machine(open_aws: OpenAws) -> None:
    container = {"Image": "image", "ModelDataUrl": "{% $states.input.ModelArtifacts.S3ModelArtifacts %}"}
    model = {"ModelName": "model-1", "PrimaryContainer": container, "ExecutionRoleArn": ROLE}
    aws = open_aws(
        {
            "Machine": machine(
                Train=task(*TRAIN, Next="Model"),
                Model=task(
                    "createModel", model, Next="Transform", Assign={"arn": "{% $states.result.ModelArn %}"}
                ),
                Transform=task(
                    "createTransformJob.sync",
                    transform_request(),
                    Output="{% $merge([$states.result, {'arn': $arn}]) %}",
                ),
            )
        }
    )
    put_lines(aws, "train/a.jsonl", RECORDS)
    put_lines(aws, "in/a.jsonl", [{"source": "goal"}])
    result = aws.run("Machine", "test", {}).output
    assert result["TransformJobStatus"] == "Completed"
    assert result["TransformOutput"]["S3OutputPath"] == "s3://data/pred"
    assert result["arn"] == "arn:aws:sagemaker:us-east-1:123456789012:model/model-1"
    assert abs(result["CreationTime"] / 1000 - time.time()) < 60, "times are milliseconds since 1970"


def test_a_labeling_job_gives_its_counters_and_output(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": machine(A=task("createLabelingJob.sync", labeling_request()))})
    put_lines(aws, "in.manifest", [{"source": "a"}])
    put_lines(aws, "classes.json", [{"labels": [{"label": "zero"}, {"label": "one"}]}])
    result = aws.run("Machine", "test", {}).output
    assert result["LabelingJobStatus"] == "Completed"
    assert result["LabelCounters"]["HumanLabeled"] == 1
    assert result["LabelingJobOutput"]["OutputDatasetS3Uri"].endswith(
        "label-1/manifests/output/output.manifest"
    )


def test_a_failed_job_fails_the_task_with_its_description(open_aws: OpenAws) -> None:
    container = ProcessContainer(CONTAINER, {"STAND_IN_TRAIN": "fail"})
    aws = open_aws({"Machine": catching("States.TaskFailed", *TRAIN)}, model_container=container)
    put_lines(aws, "train/a.jsonl", RECORDS)
    caught = aws.run("Machine", "test", {}).output
    cause = json.loads(caught["Cause"])
    assert caught["Error"] == "States.TaskFailed"
    assert (cause["TrainingJobName"], cause["TrainingJobStatus"]) == ("train-1", "Failed")
    assert cause["FailureReason"].startswith("AlgorithmError: the stand-in was told to fail")


def test_a_stopped_job_fails_the_task(open_aws: OpenAws) -> None:
    arguments = training_request(StoppingCondition={"MaxRuntimeInSeconds": 1})
    container = ProcessContainer(CONTAINER, {"STAND_IN_TRAIN": "hang"})
    aws = open_aws(
        {"Machine": catching("States.TaskFailed", "createTrainingJob.sync", arguments)},
        model_container=container,
    )
    put_lines(aws, "train/a.jsonl", RECORDS)
    cause = json.loads(aws.run("Machine", "test", {}).output["Cause"])
    assert (cause["TrainingJobStatus"], cause["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (throttling(), "SageMaker.AmazonSageMakerException", "ThrottlingException"),
        (
            ServiceError("ResourceLimitExceeded", "too many instances"),
            "SageMaker.ResourceLimitExceededException",
            "ResourceLimitExceeded",
        ),
        (
            ServiceError("InternalFailure", "oops", 500),
            "SageMaker.AmazonSageMakerException",
            "InternalFailure",
        ),
    ],
)
def test_a_refused_call_has_the_error_name_of_aws(
    open_aws: OpenAws, fault: ServiceError, error: str, code: str
) -> None:
    aws = open_aws({"Machine": catching(error, *TRAIN)})
    aws.interceptors.fail_next("CreateTrainingJob", fault)
    caught = aws.run("Machine", "test", {}).output
    assert caught["Error"] == error
    assert f"(Service: AmazonSageMaker; Status Code: {fault.status}; Error Code: {code};" in caught["Cause"]


def test_a_throttled_call_is_retried_and_the_job_runs_once(open_aws: OpenAws) -> None:
    retry = [{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "IntervalSeconds": 30, "MaxAttempts": 3}]
    aws = open_aws({"Machine": machine(A=task(*TRAIN, Retry=retry))})
    put_lines(aws, "train/a.jsonl", RECORDS)
    aws.interceptors.fail_next("CreateTrainingJob", throttling(), times=2)
    assert aws.run("Machine", "test", {}).output["TrainingJobStatus"] == "Completed"


def test_a_job_name_used_before_is_resource_in_use(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": catching("SageMaker.ResourceInUseException", *TRAIN)})
    put_lines(aws, "train/a.jsonl", RECORDS)
    assert aws.run("Machine", "one", {}).output["TrainingJobStatus"] == "Completed"
    assert aws.run("Machine", "two", {}).output["Error"] == "SageMaker.ResourceInUseException"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"HyperParameters": {"epochs": 3}}, "HyperParameters['epochs'] must be a string"),
        ({"TrainingJobName": "no_underscores"}, "TrainingJobName must match"),
        ({"Surprise": True}, "Surprise is not a field"),
    ],
)
def test_an_invalid_request_is_refused_before_anything_runs(
    open_aws: OpenAws, change: dict[str, Any], problem: str
) -> None:
    arguments = training_request(**change)
    aws = open_aws(
        {"Machine": catching("SageMaker.AmazonSageMakerException", "createTrainingJob.sync", arguments)}
    )
    caught = aws.run("Machine", "test", {}).output
    assert "Error Code: ValidationException" in caught["Cause"]
    assert problem in caught["Cause"]


def hanging(aws: Any, tmp_path: Path) -> None:
    log = tmp_path / "logs/training-job-train-1.log"
    while not (log.exists() and "hanging" in log.read_text()):
        time.sleep(0.02)


def training_status(aws: Any) -> str:
    status: str = aws.client("sagemaker").describe_training_job(TrainingJobName="train-1")[
        "TrainingJobStatus"
    ]
    return status


def test_stopping_the_execution_stops_the_job(open_aws: OpenAws, tmp_path: Path) -> None:
    container = ProcessContainer(CONTAINER, {"STAND_IN_TRAIN": "hang"})
    aws = open_aws({"Machine": machine(A=task(*TRAIN))}, model_container=container)
    put_lines(aws, "train/a.jsonl", RECORDS)
    arn = aws.start_execution("Machine", "test", {})
    hanging(aws, tmp_path)
    aws.stop(arn)
    assert aws.wait(arn, 300).status == "ABORTED"
    until = time.monotonic() + 300
    while training_status(aws) != "Stopped":
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_task_over_its_timeout_stops_the_job(open_aws: OpenAws) -> None:
    container = ProcessContainer(CONTAINER, {"STAND_IN_TRAIN": "hang"})
    aws = open_aws(
        {"Machine": catching("States.Timeout", *TRAIN, TimeoutSeconds=1)}, model_container=container
    )
    put_lines(aws, "train/a.jsonl", RECORDS)
    assert aws.run("Machine", "test", {}).output["Error"] == "States.Timeout"
    until = time.monotonic() + 300
    while training_status(aws) != "Stopped":
        assert time.monotonic() < until
        time.sleep(0.02)

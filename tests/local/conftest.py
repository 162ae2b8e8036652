"""A small stack for each test: state machines given as dicts, and the functions of `stack_functions.py`."""

import importlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.aws import LocalAws
from labelloop.local.labeling_job import LabelingJobRequest

HERE = Path(__file__).parent
CONTAINER = HERE / "stand_in_container"
FUNCTIONS = (
    "Echo",
    "Fails",
    "Prints",
    "Remember",
    "TooLarge",
    "Odd",
    "PutObject",
    "WaitsForToken",
    "ReturnsToken",
    "Slow",
)

OpenAws = Callable[..., LocalAws]


class EveryoneSaysZero:
    """Annotators for tests: every record gets the class with index 0."""

    def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
        for record in records:
            labeled = json.loads(record)
            labeled[job.label_attribute] = 0
            labeled[f"{job.label_attribute}-metadata"] = {
                "class-name": "zero",
                "confidence": 0.5,
                "human-annotated": "yes",
                "creation-date": job.created.strftime("%Y-%m-%dT%H:%M:%S"),
                "type": "groundtruth/text-classification",
                "job-name": f"labeling-job/{job.name}",
            }
            yield json.dumps(labeled).encode()


def write_stack(folder: Path, machines: dict[str, dict[str, Any]]) -> Path:
    """Writes a template with the machines given and all functions of `stack_functions.py`; its path."""
    resources: dict[str, Any] = {}
    for name in FUNCTIONS:
        handler = "stack_functions." + "".join(
            f"_{c.lower()}" if c.isupper() else c for c in name
        ).removeprefix("_")
        resources[name] = {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "PackageType": "Image",
                "ImageConfig": {"Command": [handler]},
                "Timeout": 30,
                "MemorySize": 256,
                "Environment": {"Variables": {"OWN": name, "REGION": {"Ref": "AWS::Region"}}},
            },
        }
    substitutions: dict[str, Any] = {f"{name}Arn": {"Fn::GetAtt": [name, "Arn"]} for name in FUNCTIONS}
    substitutions |= {
        name: {
            "Fn::Sub": f"arn:aws:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:labelloop-{name}"
        }
        for name in machines
    }
    for name, definition in machines.items():
        (folder / f"{name}.asl.json").write_text(json.dumps({"QueryLanguage": "JSONata", **definition}))
        resources[name] = {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {"DefinitionUri": f"{name}.asl.json", "DefinitionSubstitutions": substitutions},
        }
    path = folder / "template.yaml"
    # JSON is YAML, and written in a tenth of the time.
    path.write_text(json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}))
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The events that `Echo` and `Remember` were called with, and the tokens `WaitsForToken` was given."""
    monkeypatch.syspath_prepend(str(HERE))
    seen: list[Any] = importlib.import_module("stack_functions").calls
    seen.clear()
    return seen


@pytest.fixture
def released(calls: list[Any]) -> threading.Event:
    """What `Slow` works until."""
    event: threading.Event = importlib.import_module("stack_functions").released
    event.clear()
    return event


@pytest.fixture
def open_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[Any]) -> Iterator[OpenAws]:
    """Opens a `LocalAws` on a stack with the machines given; closed at the test's end.

    Its S3 folder is `tmp_path/s3`, with one empty bucket `data`; its logs are under `tmp_path/logs`.
    """
    (tmp_path / "s3" / "data").mkdir(parents=True)
    with ExitStack() as stack:

        def open_(machines: dict[str, dict[str, Any]] | None = None, **options: Any) -> LocalAws:
            settings: dict[str, Any] = {
                "template": write_stack(tmp_path, machines or {}),
                "s3_root": tmp_path / "s3",
                "model_container": CONTAINER,
                "annotators": EveryoneSaysZero(),
                "logs": tmp_path / "logs",
                "time_scale": 0.0,
                "stop_grace_seconds": 1.0,
            }
            return stack.enter_context(LocalAws(**{**settings, **options}))

        yield open_


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    """A state machine that starts at the first of the states given."""
    return {"StartAt": next(iter(states)), "States": states}


def invoke(function: str, payload: Any, **more: Any) -> dict[str, Any]:
    """A Task state that invokes a function and gives its payload as output."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": f"${{{function}Arn}}", "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        "End": True,
        **more,
    }
    return {key: value for key, value in state.items() if value is not None}


ROLE = "arn:aws:iam::123456789012:role/labelloop"


def training_request(name: str = "train-1", **changes: Any) -> dict[str, Any]:
    """A complete CreateTrainingJob request, reading `s3://data/train/` and writing below `s3://data/out`."""
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://data/train/",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "HyperParameters": {"num_classes": "2", "label_attribute": "category"},
        **changes,
    }


def transform_request(name: str = "transform-1", **changes: Any) -> dict[str, Any]:
    """A complete CreateTransformJob request for the model `model-1`, from `s3://data/in/` to `s3://data/pred`."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}
    return {
        "TransformJobName": name,
        "ModelName": "model-1",
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "SplitType": "Line",
            "ContentType": "application/jsonlines",
        },
        "TransformOutput": {
            "S3OutputPath": "s3://data/pred",
            "AssembleWith": "Line",
            "Accept": "application/jsonlines",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def labeling_request(name: str = "label-1", **changes: Any) -> dict[str, Any]:
    """A complete CreateLabelingJob request for `s3://data/in.manifest`, writing below `s3://data/labels/`."""
    function = "arn:aws:lambda:us-east-1:432418664414:function"
    return {
        "LabelingJobName": name,
        "LabelAttributeName": "category",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://data/in.manifest"}}},
        "OutputConfig": {"S3OutputPath": "s3://data/labels/"},
        "RoleArn": ROLE,
        "LabelCategoryConfigS3Uri": "s3://data/classes.json",
        "HumanTaskConfig": {
            "WorkteamArn": "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/team",
            "UiConfig": {"UiTemplateS3Uri": "s3://data/template.liquid"},
            "PreHumanTaskLambdaArn": f"{function}:PRE-TextMultiClass",
            "AnnotationConsolidationConfig": {
                "AnnotationConsolidationLambdaArn": f"{function}:ACS-TextMultiClass"
            },
            "TaskTitle": "Classify",
            "TaskDescription": "Choose the class of the text",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 60,
        },
        **changes,
    }


def put_lines(aws: LocalAws, key: str, records: Iterable[Any]) -> None:
    """Writes records as JSON Lines to `s3://data/<key>`."""
    body = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    aws.client("s3").put_object(Bucket="data", Key=key, Body=body.encode())


def get_lines(aws: LocalAws, key: str) -> list[Any]:
    """The records of `s3://data/<key>`."""
    body = aws.client("s3").get_object(Bucket="data", Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def await_end(aws: LocalAws, kind: str, name: str) -> dict[str, Any]:
    """Waits until a job has ended; returns its description."""
    describe = getattr(aws.client("sagemaker"), f"describe_{kind}_job")
    until = time.monotonic() + 300
    while True:
        description: dict[str, Any] = describe(**{f"{kind.title()}JobName": name})
        if description[f"{kind.title()}JobStatus"] in ("Completed", "Failed", "Stopped"):
            return description
        assert time.monotonic() < until, description
        time.sleep(0.02)


def train(aws: LocalAws, name: str = "train-1", **changes: Any) -> dict[str, Any]:
    """Trains on two headlines; returns the job's description."""
    put_lines(
        aws,
        "train/part-0.jsonl",
        [{"source": "sun and rain", "category": 0}, {"source": "goal", "category": 1}],
    )
    aws.client("sagemaker").create_training_job(**training_request(name, **changes))
    return await_end(aws, "training", name)


def train_model(aws: LocalAws) -> None:
    """Trains and makes `model-1`."""
    uri = train(aws)["ModelArtifacts"]["S3ModelArtifacts"]
    container = {"Image": "image", "ModelDataUrl": uri}
    aws.client("sagemaker").create_model(
        ModelName="model-1", PrimaryContainer=container, ExecutionRoleArn=ROLE
    )


def passes(**more: Any) -> dict[str, Any]:
    """A Pass state."""
    return {"Type": "Pass", "End": True, **more} if "Next" not in more else {"Type": "Pass", **more}

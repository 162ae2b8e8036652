"""The model's settings, from the request to the jobs SageMaker is asked for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.errors import RequestError
from labelloop.labelers import load_labeler
from labelloop.local.aws import LocalAws
from labelloop.local.container_process import ProcessContainer
from labelloop.workflow.request import parse_request

from .conftest import ROOT, Loop, Outcome

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def jobs_of(aws: LocalAws, loop: Loop, name: str = "run-1") -> list[dict[str, Any]]:
    """What SageMaker says of the training and the transform job of the second round."""
    state = json.loads((loop.s3 / f"bucket/out/{name}/round-002/merged/state.json").read_bytes())
    job = f"{state['JobPrefix']}-r002"
    sagemaker = aws.client("sagemaker")
    return [
        sagemaker.describe_training_job(TrainingJobName=job),
        sagemaker.describe_transform_job(TransformJobName=job),
    ]


def test_spot_training_keeps_each_rounds_checkpoints_apart(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(300, clean=False)
    loop.settings(BatchSize=0.1, MaxRounds=2)
    loop.settings(
        Model={"UseSpotTraining": True, "MaxRuntimeInSeconds": 600, "CheckpointS3Uri": "s3://bucket/kept/"}
    )
    aws = loop.aws()
    accounted_for(loop.run(aws))
    training, _ = jobs_of(aws, loop)
    assert training["EnableManagedSpotTraining"] is True
    assert training["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    assert training["CheckpointConfig"]["S3Uri"] == f"s3://bucket/kept/{training['TrainingJobName']}/"


def ids_of(file: Path) -> list[int]:
    return [json.loads(line)["labelloop-id"] for line in file.read_bytes().splitlines()]


def test_instances_disks_and_batches_reach_both_jobs(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(300, clean=False)
    loop.settings(BatchSize=0.1, MaxRounds=2)
    loop.settings(
        Model={
            "TrainingInstanceType": "ml.g5.2xlarge",
            "TrainingInstanceCount": 2,
            "TransformInstanceType": "ml.c5.xlarge",
            "TransformInstanceCount": 3,
            "VolumeSizeInGB": 50,
            "VolumeKmsKeyId": KMS_KEY,
            "InputMode": "FastFile",
            "BatchStrategy": "SingleRecord",
            "MaxPayloadInMB": 1,
        }
    )
    aws = loop.aws()
    accounted_for(loop.run(aws))
    training, transform = jobs_of(aws, loop)
    assert training["ResourceConfig"] == {
        "InstanceType": "ml.g5.2xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 50,
        "VolumeKmsKeyId": KMS_KEY,
    }
    assert {channel["InputMode"] for channel in training["InputDataConfig"]} == {"FastFile"}
    assert transform["TransformResources"] == {
        "InstanceType": "ml.c5.xlarge",
        "InstanceCount": 3,
        "VolumeKmsKeyId": KMS_KEY,
    }
    assert (transform["BatchStrategy"], transform["MaxPayloadInMB"]) == ("SingleRecord", 1)
    # SageMaker hands out whole files: one for each of the three.
    asked = sorted((loop.s3 / "bucket/out/run-1/round-002/training/pool").iterdir())
    assert [file.name for file in asked] == ["00000.jsonl", "00001.jsonl", "00002.jsonl"]
    predicted = sorted((loop.s3 / "bucket/out/run-1/round-002/predictions").iterdir())
    for question, answer in zip(asked, predicted, strict=True):
        assert answer.name == f"{question.name}.out"
        assert ids_of(answer) == ids_of(question)
    ids = [number for file in asked for number in ids_of(file)]
    assert ids == sorted(set(ids))


def test_unless_told_there_is_neither_spot_nor_checkpoint_nor_key(loop: Loop) -> None:
    loop.data(300, clean=False)
    loop.settings(BatchSize=0.1, MaxRounds=2)
    aws = loop.aws()
    loop.run(aws)
    training, transform = jobs_of(aws, loop)
    assert training.keys().isdisjoint({"EnableManagedSpotTraining", "CheckpointConfig"})
    assert "VolumeKmsKeyId" not in {**training["ResourceConfig"], **transform["TransformResources"]}


@pytest.mark.parametrize(
    ("model", "encrypted"),
    [
        ({}, KMS_KEY),
        ({"VolumeKmsKeyId": "alias/another"}, "alias/another"),
        # SageMaker refuses a key for instances with disks of their own: after people have labeled.
        ({"TrainingInstanceType": "ml.g5.xlarge"}, None),
    ],
)
def test_the_stacks_key_encrypts_the_disks_of_both_jobs(
    loop: Loop, model: dict[str, str], encrypted: str | None
) -> None:
    loop.data(300, clean=False)
    loop.settings(BatchSize=0.1, MaxRounds=2)
    loop.settings(Model=model)
    stack = {"DataBucket": "bucket", "LabelingBackend": "groundtruth", "KmsKeyArn": KMS_KEY}
    aws = loop.aws(parameters={**stack, "JobRoleArn": loop.request["RoleArn"]})
    loop.run(aws)
    training, transform = jobs_of(aws, loop)
    assert training["ResourceConfig"].get("VolumeKmsKeyId") == encrypted
    assert transform["TransformResources"].get("VolumeKmsKeyId") == encrypted
    assert training["OutputDataConfig"]["KmsKeyId"] == transform["TransformOutput"]["KmsKeyId"] == KMS_KEY


def test_blazingtext_trains_on_augmented_manifests_and_labels_like_any_model(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(800)
    loop.settings(Model={"Algorithm": "blazingtext", "HyperParameters": {"buckets": "1000"}})
    aws = loop.aws(model_container=ProcessContainer(ROOT / "blazingtext_container"))
    outcome = loop.run(aws)
    accounted_for(outcome)
    training, transform = jobs_of(aws, loop)
    image = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
    assert training["AlgorithmSpecification"] == {"TrainingImage": image, "TrainingInputMode": "Pipe"}
    assert [channel["RecordWrapperType"] for channel in training["InputDataConfig"]] == ["RecordIO"] * 2
    assert transform["BatchStrategy"] == "MultiRecord"
    pool = loop.s3 / "bucket/out/run-1/round-002/training/pool/00000.jsonl"
    question = json.loads(pool.read_bytes().splitlines()[0])
    assert list(question) == ["labelloop-id", "source", "k"], "and nothing else of the user's record"
    assert question["k"] == 3
    assert outcome.counts["auto"] > 300
    assert outcome.output["Certificate"]["ErrorBound"] <= 0.05


def test_where_there_is_no_blazingtext_the_request_is_refused_before_any_job(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.settings(Model={"Algorithm": "blazingtext"})
    monkeypatch.setenv("AWS_REGION", "mx-central-1")
    with pytest.raises(RequestError, match="BlazingText is not available in this region"):
        load_labeler("blazingtext").image_uri(parse_request(loop.request))

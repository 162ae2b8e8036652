"""The model's settings, from the request to the jobs SageMaker is asked for."""

import json
from collections.abc import Callable, Mapping
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
    assert not training.get("Environment")
    assert not transform.get("Environment")


def test_both_jobs_are_told_where_a_run_and_those_that_resume_it_keep_encodings(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "keeping.py").write_text(
        "from labelloop.labelers.container import Container\n"
        "class Keeping(Container):\n"
        "    keeps_encodings = True\n"
        "    def training_job(self, *arguments):\n"
        "        return {**super().training_job(*arguments), 'Environment': {'ITS_OWN': '1'}}\n"
    )
    loop.data(300, clean=False)
    loop.settings(BatchSize=0.1, MaxRounds=2, Model={"Algorithm": "keeping:Keeping"})
    place = {"ENCODING_CACHE_S3_URI": "s3://bucket/out/run-1/encodings/"}
    for name, resumed in (
        ("run-1", {}),
        ("run-2", {"ResumeFromS3Uri": "s3://bucket/out/run-1/", "MaxRounds": 3}),
    ):
        loop.settings(**resumed)
        aws = loop.aws()
        requests: list[Mapping[str, Any]] = []
        for operation in ("CreateTrainingJob", "CreateTransformJob"):
            aws.interceptors.before(operation, requests.append, times=99)
        loop.run(aws, name)
        assert requests
        assert {tuple(sorted(one["Environment"].items())) for one in requests} == {
            tuple(place.items()),
            tuple(sorted({**place, "ITS_OWN": "1"}.items())),
        }


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
    assert not training.get("Environment")
    assert not transform.get("Environment")
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

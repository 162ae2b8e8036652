import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labelloop.local.aws import LocalAws
from tests.local.conftest import OpenAws, await_end, get_lines, put_lines, train, training_request

# Each test starts containers.
pytestmark = pytest.mark.slow


def told(how: str) -> dict[str, Any]:
    return {"Environment": {"STAND_IN_TRAIN": how}}


def start(aws: LocalAws, **changes: Any) -> None:
    put_lines(aws, "train/part-0.jsonl", [{"source": "sun", "category": 0}])
    aws.client("sagemaker").create_training_job(**training_request(**changes))


def stop_once_it_hangs(aws: LocalAws, tmp_path: Path) -> dict[str, Any]:
    log = tmp_path / "logs/training-job-train-1.log"
    while not (log.exists() and "hanging" in log.read_text()):
        time.sleep(0.02)
    aws.client("sagemaker").stop_training_job(TrainingJobName="train-1")
    return await_end(aws, "training", "train-1")


def members(aws: LocalAws, key: str) -> list[str]:
    body = aws.client("s3").get_object(Bucket="data", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return tar.getnames()


def test_a_training_stores_its_model_and_describes_itself(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    job = train(aws)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert job["TrainingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:training-job/train-1"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/out/train-1/output/model.tar.gz"}
    assert job["HyperParameters"] == {"num_classes": "2", "label_attribute": "category"}
    assert job["CreationTime"] <= job["TrainingEndTime"]
    assert members(aws, "out/train-1/output/model.tar.gz") == ["counts.json"]
    assert (tmp_path / "s3/data/out/train-1/output/model.tar.gz").is_file()
    assert "training train-1 for 2 classes" in (tmp_path / "logs/training-job-train-1.log").read_text()


def test_the_same_training_gives_the_same_bytes(open_aws: OpenAws) -> None:
    aws = open_aws()
    train(aws, "one")
    train(aws, "two")
    s3 = aws.client("s3")
    tags = [
        s3.head_object(Bucket="data", Key=f"out/{name}/output/model.tar.gz")["ETag"]
        for name in ("one", "two")
    ]
    assert tags[0] == tags[1]


def test_the_container_finds_its_channels_and_configuration(open_aws: OpenAws, tmp_path: Path) -> None:
    container = tmp_path / "container"
    container.mkdir()
    (container / "train").write_text(
        "import json, os, pathlib\n"
        "root = pathlib.Path(os.environ['ML_ROOT'])\n"
        "files = [path for path in sorted((root / 'input').rglob('*')) if path.is_file()]\n"
        "seen = {str(path.relative_to(root)): path.read_text() for path in files}\n"
        "(root / 'output/data/seen.json').write_text(json.dumps([seen, dict(os.environ)]))\n"
    )
    aws = open_aws(model_container=container)
    put_lines(aws, "in/train/a/1.jsonl", [1])
    put_lines(aws, "in/train/b.jsonl", [2])
    put_lines(aws, "in/valid/v.jsonl", [3])
    manifest = json.dumps([{"prefix": "s3://data/in/train/"}, "b.jsonl"]).encode()
    aws.client("s3").put_object(Bucket="data", Key="in/list.manifest", Body=manifest)

    def channel(name: str, kind: str, uri: str) -> dict[str, Any]:
        source = {"S3DataType": kind, "S3Uri": uri}
        return {
            "ChannelName": name,
            "ContentType": "application/jsonlines",
            "DataSource": {"S3DataSource": source},
        }

    channels = [
        channel("train", "S3Prefix", "s3://data/in/train/"),
        channel("validation", "S3Prefix", "s3://data/in/val"),
        channel("listed", "ManifestFile", "s3://data/in/list.manifest"),
    ]
    job = train(aws, InputDataConfig=channels, Environment={"OWN": "1"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    body = aws.client("s3").get_object(Bucket="data", Key="out/train-1/output/output.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        seen, environment = json.load(tar.extractfile("seen.json"))  # type: ignore[arg-type]
    configuration = {
        name: json.loads(seen.pop(f"input/config/{name}.json"))
        for name in ("hyperparameters", "inputdataconfig", "resourceconfig")
    }
    assert seen == {
        "input/data/train/a/1.jsonl": "1\n",
        "input/data/train/b.jsonl": "2\n",
        "input/data/validation/valid/v.jsonl": "3\n",
        "input/data/listed/b.jsonl": "2\n",
    }
    assert configuration["hyperparameters"] == {"num_classes": "2", "label_attribute": "category"}
    assert configuration["inputdataconfig"]["train"] == {
        "ContentType": "application/jsonlines",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert configuration["resourceconfig"]["hosts"] == ["algo-1"]
    assert environment["OWN"] == "1"
    assert environment["TRAINING_JOB_NAME"] == "train-1"
    assert not [name for name in environment if name.startswith("AWS_")], (
        "no key of anybody reaches the container"
    )


def test_a_failed_training_gives_the_containers_words_the_code_and_the_log(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    job = train(open_aws(), **told("fail"))
    assert job["TrainingJobStatus"] == "Failed"
    log = tmp_path / "logs/training-job-train-1.log"
    assert job["FailureReason"] == f"AlgorithmError: the stand-in was told to fail, exit code: 1, log: {log}"


def test_a_long_failure_text_is_cut_but_the_log_stays(open_aws: OpenAws, tmp_path: Path) -> None:
    container = tmp_path / "container"
    container.mkdir()
    (container / "train").write_text(
        "import os, pathlib, sys\n"
        "(pathlib.Path(os.environ['ML_ROOT']) / 'output/failure').write_text('ä' * 5000)\nsys.exit(1)\n"
    )
    reason = train(open_aws(model_container=container))["FailureReason"]
    assert len(reason) == 1024
    assert reason.startswith("AlgorithmError: äää")
    assert reason.endswith("training-job-train-1.log")


def test_a_training_that_says_nothing_fails_with_its_exit_code(open_aws: OpenAws) -> None:
    assert "exit code: 3" in train(open_aws(), **told("crash"))["FailureReason"]


def test_a_stopped_training_keeps_the_model_it_left_on_sigterm(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    start(aws, **told("hang"))
    job = stop_once_it_hangs(aws, tmp_path)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert members(aws, "out/train-1/output/model.tar.gz") == ["counts.json"]


def test_a_training_that_ignores_sigterm_is_killed_after_the_grace_period(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    aws = open_aws(stop_grace_seconds=0.3)
    start(aws, **told("ignore-sigterm"))
    began = time.monotonic()
    job = stop_once_it_hangs(aws, tmp_path)
    assert job["TrainingJobStatus"] == "Stopped"
    assert 0.3 <= time.monotonic() - began < 60


def test_a_training_over_its_runtime_is_stopped(open_aws: OpenAws) -> None:
    job = train(open_aws(), StoppingCondition={"MaxRuntimeInSeconds": 1}, **told("hang"))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"S3Uri": "s3://data/nothing/"}, "ClientError: no S3 objects found under s3://data/nothing/"),
        ({"S3Uri": "s3://no-such-bucket/train/"}, "there is no bucket 'no-such-bucket'"),
        ({"S3DataType": "AugmentedManifestFile"}, "AugmentedManifestFile is not known here"),
        ({"S3DataType": "ManifestFile", "S3Uri": "s3://data/train/part-0.jsonl"}, "the manifest"),
    ],
)
def test_a_channel_that_cannot_be_read_fails_the_job(
    open_aws: OpenAws, change: dict[str, Any], reason: str
) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/", **change}
    job = train(
        open_aws(), InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]
    )
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_an_output_bucket_that_is_not_there_fails_the_job(open_aws: OpenAws) -> None:
    job = train(open_aws(), OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/out"})
    assert "there is no bucket 'no-such-bucket'" in job["FailureReason"]


def test_a_job_name_used_before_is_refused(open_aws: OpenAws) -> None:
    aws = open_aws()
    train(aws)
    with pytest.raises(ClientError, match="ResourceInUse"):
        aws.client("sagemaker").create_training_job(**training_request())


@pytest.mark.parametrize("missing", ["AlgorithmSpecification", "ResourceConfig", "StoppingCondition"])
def test_what_only_serverless_training_may_leave_out_is_required(open_aws: OpenAws, missing: str) -> None:
    request = training_request()
    del request[missing]
    with pytest.raises(ClientError, match=f"{missing} is required"):
        open_aws().client("sagemaker").create_training_job(**request)


def test_an_unknown_job_cannot_be_described(open_aws: OpenAws) -> None:
    with pytest.raises(ClientError, match="Requested resource not found"):
        open_aws().client("sagemaker").describe_training_job(TrainingJobName="nobody")


def test_temporary_files_are_gone_when_a_job_has_ended(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    aws = open_aws()
    train(aws)
    (work,) = (tmp_path / "tmp").glob("labelloop-*")
    assert list(work.iterdir()) == []
    aws.__exit__(None, None, None)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_lines_written_by_tests_read_back(open_aws: OpenAws) -> None:
    aws = open_aws()
    put_lines(aws, "x.jsonl", [{"a": "ä"}])
    assert get_lines(aws, "x.jsonl") == [{"a": "ä"}]

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labelloop.local.aws import LocalAws
from labelloop.local.job import JobFailed
from tests.local.conftest import OpenAws, await_end, get_lines, put_lines, train_model, transform_request

# Each test starts containers.
pytestmark = pytest.mark.slow

ANSWER = {"label": ["__label__0", "__label__1"], "prob": [2 / 3, 1 / 3]}


def told(how: str) -> dict[str, Any]:
    return {"Environment": {"STAND_IN_SERVE": how}}


def transform(aws: LocalAws, records: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    train_model(aws)
    if records is not None:
        put_lines(aws, "in/a.jsonl", records)
    aws.client("sagemaker").create_transform_job(**transform_request(**changes))
    return await_end(aws, "transform", "transform-1")


def failure(aws: LocalAws, records: list[Any] | None = None, **changes: Any) -> str:
    job = transform(aws, records or [{"source": "sun"}], **changes)
    assert job["TransformJobStatus"] == "Failed"
    reason: str = job["FailureReason"]
    return reason


def requests(tmp_path: Path) -> list[int]:
    log = (tmp_path / "logs/transform-job-transform-1.log").read_text()
    return [int(count) for count in re.findall(r"request of (\d+) records", log)]


def test_every_record_gets_a_line_of_output_in_order(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    job = transform(aws, [{"source": "sun"}, {"source": "goal"}, {"wrong": 1}])
    assert job["TransformJobStatus"] == "Completed"
    assert job["TransformJobArn"].endswith(":transform-job/transform-1")
    first, second, third = get_lines(aws, "pred/a.jsonl.out")
    assert first == ANSWER
    assert second["label"] == ["__label__1", "__label__0"]
    assert third == {"error": "no text under 'source'"}
    assert requests(tmp_path) == [3]
    assert "application/jsonlines" in (tmp_path / "logs/transform-job-transform-1.log").read_text()


def test_joined_output_is_the_record_with_the_answer(open_aws: OpenAws) -> None:
    aws = open_aws()
    transform(aws, [{"z": 1, "source": "sun", "ä": "€"}], DataProcessing={"JoinSource": "Input"})
    body = aws.client("s3").get_object(Bucket="data", Key="pred/a.jsonl.out")["Body"].read().decode()
    assert body.startswith('{"z":1,"source":"sun","ä":"€","SageMakerOutput":{"label"')


def test_filters_choose_what_is_sent_and_what_is_kept(open_aws: OpenAws) -> None:
    aws = open_aws()
    records = [{"id": n, "inner": {"source": "sun"}, "secret": "x"} for n in range(3)]
    processing = {
        "InputFilter": "$.inner",
        "JoinSource": "Input",
        "OutputFilter": "$['id','SageMakerOutput']",
    }
    transform(aws, records, DataProcessing=processing)
    assert get_lines(aws, "pred/a.jsonl.out") == [{"id": n, "SageMakerOutput": ANSWER} for n in range(3)]


def test_each_input_object_has_an_output_object_below_the_output_path(open_aws: OpenAws) -> None:
    aws = open_aws()
    put_lines(aws, "in/deep/b.jsonl", [{"source": "goal"}])
    transform(aws, [{"source": "sun"}])
    assert len(get_lines(aws, "pred/deep/b.jsonl.out")) == len(get_lines(aws, "pred/a.jsonl.out")) == 1


def test_a_single_object_as_input_keeps_its_name(open_aws: OpenAws) -> None:
    aws = open_aws()
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/a.jsonl"}}
    transform(aws, [{"source": "sun"}], TransformInput={"DataSource": source, "SplitType": "Line"})
    assert len(get_lines(aws, "pred/a.jsonl.out")) == 1


def test_single_record_sends_each_record_alone(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    transform(aws, [{"source": "sun"}] * 3, BatchStrategy="SingleRecord")
    assert requests(tmp_path) == [1, 1, 1]
    assert get_lines(aws, "pred/a.jsonl.out") == [ANSWER] * 3


def test_requests_keep_to_the_payload_limit(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    records = [{"source": "sun", "filling": "x" * 400_000} for _ in range(5)]
    transform(aws, records, MaxPayloadInMB=1)
    assert requests(tmp_path) == [2, 2, 1]
    assert get_lines(aws, "pred/a.jsonl.out") == [ANSWER] * 5


def test_concurrent_requests_keep_the_order_of_the_records(open_aws: OpenAws) -> None:
    aws = open_aws()
    records = [{"id": n, "source": "sun"} for n in range(20)]
    transform(
        aws,
        records,
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=4,
        DataProcessing={"JoinSource": "Input"},
    )
    assert [line["id"] for line in get_lines(aws, "pred/a.jsonl.out")] == list(range(20))


def test_the_container_may_wish_for_a_strategy_the_request_leaves_open(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    wishes = json.dumps({"BatchStrategy": "SingleRecord", "MaxConcurrentTransforms": 1})
    request = transform_request(Environment={"STAND_IN_PARAMETERS": wishes})
    del request["BatchStrategy"]
    aws = open_aws()
    train_model(aws)
    put_lines(aws, "in/a.jsonl", [{"source": "sun"}] * 2)
    aws.client("sagemaker").create_transform_job(**request)
    await_end(aws, "transform", "transform-1")
    assert requests(tmp_path) == [1, 1]


def test_an_empty_input_object_has_an_empty_output_object(open_aws: OpenAws) -> None:
    aws = open_aws()
    assert transform(aws, [])["TransformJobStatus"] == "Completed"
    assert get_lines(aws, "pred/a.jsonl.out") == []


def test_a_server_error_is_retried_then_fails_the_job_with_place_status_and_answer(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    reason = failure(open_aws(), **told("fail"))
    assert reason == (
        "AlgorithmError: s3://data/in/a.jsonl: record 1: bad HTTP status from the container: 500: "
        f"the stand-in was told to fail, log: {tmp_path / 'logs/transform-job-transform-1.log'}"
    )
    assert requests(tmp_path) == [1] * 4


def test_a_client_error_fails_the_job_at_once(open_aws: OpenAws, tmp_path: Path) -> None:
    reason = failure(open_aws(), [{"source": "sun"}] * 2, **told("refuse"))
    assert reason.startswith(
        "ClientError: s3://data/in/a.jsonl: records 1-2: bad HTTP status from the container: 400"
    )
    assert requests(tmp_path) == [2]


def test_a_container_that_dies_fails_the_job(open_aws: OpenAws) -> None:
    assert "record 1: no answer from the container" in failure(open_aws(), **told("die"))


def test_a_container_that_does_not_start_fails_the_job_with_its_exit_code(open_aws: OpenAws) -> None:
    assert "the container ended with exit code 1 before it answered /ping" in failure(
        open_aws(), **told("crash")
    )


def test_a_container_that_hangs_is_given_up_after_the_invocation_timeout(open_aws: OpenAws) -> None:
    settings: dict[str, Any] = {
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    }
    assert "TimeoutError" in failure(open_aws(), **told("hang"), **settings)


def test_one_line_too_few_fails_a_join(open_aws: OpenAws) -> None:
    reason = failure(
        open_aws(), [{"source": "sun"}] * 3, **told("drop"), DataProcessing={"JoinSource": "Input"}
    )
    assert "records 1-3: the container answered 2 lines for 3 records" in reason


def test_an_answer_that_is_no_json_fails_a_join(open_aws: OpenAws) -> None:
    reason = failure(open_aws(), **told("garbage"), DataProcessing={"JoinSource": "Input"})
    assert "a line of the container's answer is not JSON" in reason


def test_a_record_over_the_payload_limit_fails_the_job(open_aws: OpenAws) -> None:
    records = [{"source": "sun"}, {"source": "x" * 1_100_000}]
    reason = failure(open_aws(), records, MaxPayloadInMB=1)
    assert reason.startswith("ClientError: s3://data/in/a.jsonl: record 2 has 1100014 bytes")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DataProcessing": {"InputFilter": "$[0:3]"}}, "the filter '$[0:3]' is not known here"),
        (
            {
                "DataProcessing": {"JoinSource": "Input"},
                "TransformOutput": {"S3OutputPath": "s3://data/pred"},
            },
            "need SplitType Line and AssembleWith Line",
        ),
        (
            {"TransformOutput": {"S3OutputPath": "s3://no-such-bucket/x"}},
            "there is no bucket 'no-such-bucket'",
        ),
    ],
)
def test_settings_that_cannot_work_fail_the_job(
    open_aws: OpenAws, changes: dict[str, Any], reason: str
) -> None:
    assert reason in failure(open_aws(), **changes)


def test_no_input_fails_the_job(open_aws: OpenAws) -> None:
    assert "no S3 objects found under s3://data/in/" in transform(open_aws())["FailureReason"]


def test_a_model_that_is_no_archive_fails_the_job(open_aws: OpenAws) -> None:
    aws = open_aws()
    train_model(aws)
    aws.client("s3").put_object(Bucket="data", Key="out/train-1/output/model.tar.gz", Body=b"broken")
    put_lines(aws, "in/a.jsonl", [{"source": "sun"}])
    aws.client("sagemaker").create_transform_job(**transform_request())
    assert "cannot be used" in await_end(aws, "transform", "transform-1")["FailureReason"]


def test_a_stopped_transform_ends_though_its_container_hangs(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    train_model(aws)
    put_lines(aws, "in/a.jsonl", [{"source": "sun"}])
    aws.client("sagemaker").create_transform_job(**transform_request(**told("hang")))
    log = tmp_path / "logs/transform-job-transform-1.log"
    while not (log.exists() and "request of" in log.read_text()):
        time.sleep(0.02)
    aws.client("sagemaker").stop_transform_job(TransformJobName="transform-1")
    assert await_end(aws, "transform", "transform-1")["TransformJobStatus"] == "Stopped"


def test_a_fault_can_be_put_in_before_a_job_completes(open_aws: OpenAws) -> None:
    aws = open_aws()
    aws.interceptors.before(
        "TransformJobEnding",
        lambda _: aws.client("s3").delete_object(Bucket="data", Key="pred/a.jsonl.out"),
        TransformJobName="transform-1",
    )
    assert transform(aws, [{"source": "sun"}])["TransformJobStatus"] == "Completed"
    with pytest.raises(ClientError, match="NoSuchKey"):
        get_lines(aws, "pred/a.jsonl.out")


def test_a_job_can_be_made_to_fail_at_its_end(open_aws: OpenAws) -> None:
    aws = open_aws()
    aws.interceptors.fail_next("TransformJobEnding", JobFailed("InternalServerError: the disk is full"))
    assert failure(aws) == "InternalServerError: the disk is full"


def test_a_model_needs_data_that_is_there_and_a_name_of_its_own(open_aws: OpenAws) -> None:
    aws = open_aws()
    train_model(aws)
    make = aws.client("sagemaker").create_model
    role = "arn:aws:iam::123456789012:role/labelloop"
    container = {"Image": "image", "ModelDataUrl": "s3://data/out/train-1/output/model.tar.gz"}
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        make(ModelName="model-1", PrimaryContainer=container, ExecutionRoleArn=role)
    missing = {**container, "ModelDataUrl": "s3://data/nothing.tar.gz"}
    with pytest.raises(ClientError, match="Could not find model data at s3://data/nothing"):
        make(ModelName="model-2", PrimaryContainer=missing, ExecutionRoleArn=role)


def test_a_transform_needs_a_model_that_is_there(open_aws: OpenAws) -> None:
    with pytest.raises(ClientError, match="Could not find model"):
        open_aws().client("sagemaker").create_transform_job(**transform_request())

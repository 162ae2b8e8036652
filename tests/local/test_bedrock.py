"""The stand-in for Amazon Bedrock: what it answers has the form of the service's own model."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from labelloop.local.request_check import find_problems, service_model
from labelloop.local.service_error import ServiceError, throttling
from labelloop.local.simulated_model import SimulatedModel
from tests.local.conftest import OpenAws

MODEL = "us.amazon.nova-lite-v1:0"
TOOL = {
    "tools": [{"toolSpec": {"name": "give_label", "inputSchema": {"json": {"type": "object"}}}}],
    "toolChoice": {"tool": {"name": "give_label"}},
}
TRUTH = {f"text {number}": ("a", "b")[number % 2] for number in range(150)}


class Models:
    """One model of full skill, which throttles one text and is not open to another account's id."""

    def __init__(self) -> None:
        self._model = SimulatedModel(TRUTH, ["a", "b"], 1.0)

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if model != MODEL:
            raise ServiceError("AccessDeniedException", "You don't have access to the model.", 403)
        if "text 3" in json.dumps(request) and json.loads(_line(request)) == "text 3":
            raise throttling()
        return self._model.converse(model, request)


def _line(request: Mapping[str, Any]) -> str:
    line: str = request["messages"][0]["content"][0]["text"].split("\n")[1]
    return line


def asked(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": f"==\n{json.dumps(text)}\n=="}]}]


def is_of_its_form(service: str, operation: str, answer: Mapping[str, Any]) -> None:
    shape = service_model(service).operation_model(operation).output_shape
    assert shape is not None
    told = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    assert [one for one in find_problems(told, shape) if "timestamp" not in one] == []


def test_converse_answers_by_the_tool_where_there_is_one(open_aws: OpenAws) -> None:
    client = open_aws(foundation_models=Models()).client("bedrock-runtime")
    by_tool = client.converse(modelId=MODEL, messages=asked("text 4"), toolConfig=TOOL)
    is_of_its_form("bedrock-runtime", "Converse", by_tool)
    (block,) = by_tool["output"]["message"]["content"]
    assert block["toolUse"]["input"]["label"] == "a"
    in_words = client.converse(modelId=MODEL, messages=asked("text 5"))
    assert json.loads(in_words["output"]["message"]["content"][0]["text"])["label"] == "b"
    with pytest.raises(client.exceptions.ThrottlingException):
        client.converse(modelId=MODEL, messages=asked("text 3"))
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.converse(modelId="amazon.nova-pro-v1:0", messages=asked("text 3"))


def test_it_answers_over_http_too(open_aws: OpenAws) -> None:
    aws = open_aws(foundation_models=Models())
    with aws.http_server("127.0.0.1") as url:
        import urllib.request

        request = urllib.request.Request(
            f"{url}/model/us.amazon.nova-lite-v1%3A0/converse",
            data=json.dumps({"messages": asked("text 4")}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
    assert answer["stopReason"] == "end_turn"


def test_a_job_answers_each_record_in_an_order_of_its_own(open_aws: OpenAws) -> None:
    aws = open_aws(foundation_models=Models())
    s3, client = aws.client("s3"), aws.client("bedrock")
    records = [
        {"recordId": f"r{number:010d}", "modelInput": {"messages": asked(f"text {number}")}}
        for number in range(150)
    ]
    records[7]["modelInput"]["toolConfig"] = TOOL  # type: ignore[index]
    answers, job = _run(s3, client, records)
    is_of_its_form("bedrock", "GetModelInvocationJob", job)
    assert job["status"] == "Completed"
    assert (job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]) == (150, 148, 2)
    ids = [answer["recordId"] for answer in answers]
    assert sorted(ids) == [record["recordId"] for record in records] != ids
    by_id = {answer["recordId"]: answer for answer in answers}
    assert by_id["r0000000003"]["error"]["errorMessage"] == "Rate exceeded"
    assert "toolConfig" in by_id["r0000000007"]["error"]["errorMessage"]
    is_of_its_form("bedrock-runtime", "Converse", by_id["r0000000008"]["modelOutput"])


def test_too_few_records_and_no_access_fail_the_job(open_aws: OpenAws) -> None:
    aws = open_aws(foundation_models=Models())
    s3, client = aws.client("s3"), aws.client("bedrock")
    few = [{"recordId": f"r{n:010d}", "modelInput": {"messages": asked("text 1")}} for n in range(99)]
    _, job = _run(s3, client, few)
    assert (job["status"], "below the minimum" in job["message"]) == ("Failed", True)
    _, job = _run(s3, client, [*few, few[0]], model="amazon.nova-pro-v1:0")
    assert (job["status"], "access" in job["message"]) == ("Failed", True)


def test_a_job_is_begun_once_found_by_its_name_and_stopped(open_aws: OpenAws) -> None:
    client = open_aws(foundation_models=Models()).client("bedrock")
    first, again = (
        client.create_model_invocation_job(**_job("s3://data/in/requests.jsonl")) for _ in range(2)
    )
    assert first["jobArn"] == again["jobArn"]
    is_of_its_form("bedrock", "CreateModelInvocationJob", first)
    (found,) = client.list_model_invocation_jobs(nameContains="job-1")["invocationJobSummaries"]
    assert found["jobArn"] == first["jobArn"]
    assert not client.list_model_invocation_jobs(nameContains="job-2")["invocationJobSummaries"]
    client.stop_model_invocation_job(jobIdentifier=first["jobArn"])
    assert client.get_model_invocation_job(jobIdentifier=first["jobArn"])["status"] == "Stopped"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_model_invocation_job(jobIdentifier="abcdefghijkl")


def test_what_bedrock_would_refuse_is_refused(open_aws: OpenAws) -> None:
    open_aws(foundation_models=Models())
    client = boto3.client("bedrock", config=Config(parameter_validation=False))
    for wrong in ({"timeoutDurationInHours": 3}, {"jobName": "x" * 64}, {"modelInvocationType": "Chat"}):
        with pytest.raises(ClientError, match="1 validation error detected"):
            client.create_model_invocation_job(**{**_job("s3://data/in/requests.jsonl"), **wrong})


def _job(source: str, model: str = MODEL) -> dict[str, Any]:
    return {
        "jobName": "job-1",
        "clientRequestToken": f"job-1-{model.partition('.')[0]}",
        "modelId": model,
        "roleArn": "arn:aws:iam::123456789012:role/model-jobs",
        "modelInvocationType": "Converse",
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": source}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://data/out/"}},
        "timeoutDurationInHours": 24,
    }


def _run(
    s3: Any, client: Any, records: list[dict[str, Any]], model: str = MODEL
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of its output, and its last description."""
    content = "".join(json.dumps(record) + "\n" for record in records)
    s3.put_object(Bucket="data", Key="in/requests.jsonl", Body=content.encode())
    arn = client.create_model_invocation_job(**_job("s3://data/in/requests.jsonl", model))["jobArn"]
    assert client.get_model_invocation_job(jobIdentifier=arn)["status"] == "InProgress"
    job: dict[str, Any] = client.get_model_invocation_job(jobIdentifier=arn)
    if job["status"] == "Failed":
        return [], job
    output = s3.get_object(Bucket="data", Key=f"out/{arn.rpartition('/')[2]}/requests.jsonl.out")[
        "Body"
    ].read()
    return [json.loads(line) for line in output.splitlines()], job

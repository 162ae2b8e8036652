import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from labelloop.local.service_error import ServiceError
from tests.local.conftest import OpenAws


def call(aws: Any, function: str, payload: Any = None) -> tuple[Any, str | None]:
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_a_handler_runs_with_its_environment_and_context(open_aws: OpenAws) -> None:
    aws = open_aws()
    seen, error = call(aws, "Prints", {})
    assert error is None
    assert seen.pop("request_id")
    assert 29_000 < seen.pop("left") <= 30_000
    assert seen == {
        "own": "Prints",
        "region": "us-east-1",
        "name": "labelloop-Prints",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:labelloop-Prints",
        "memory": 256,
    }
    assert not os.environ["OWN"]


def test_nothing_of_the_environment_is_left_when_the_stand_ins_close(open_aws: OpenAws) -> None:
    before = dict(os.environ)
    aws = open_aws()
    call(aws, "Prints", {})
    aws.__exit__(None, None, None)
    assert dict(os.environ) == before


def test_other_threads_can_look_through_the_environment_while_functions_run(open_aws: OpenAws) -> None:
    aws = open_aws()
    faults: list[str] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                faults.extend({"AWS_REGION", "PATH"} - set(dict(os.environ.items())))
            except KeyError as error:
                faults.append(f"{error} went while the environment was read")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(200):
            call(aws, "Echo", number)
    finally:
        ended.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert not faults


def test_what_a_handler_prints_goes_to_its_log_only(
    open_aws: OpenAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(open_aws(), "Prints", {})
    print("printed by the test")  # noqa: T201
    assert (tmp_path / "logs/lambda/Prints.log").read_text() == "printed by the handler\n"
    assert capsys.readouterr().out == "printed by the test\n"


@pytest.mark.parametrize(
    "name",
    [
        "Echo",
        "labelloop-Echo",
        "arn:aws:lambda:us-east-1:123456789012:function:labelloop-Echo",
        "arn:aws:lambda:us-east-1:123456789012:function:labelloop-Echo:$LATEST",
    ],
)
def test_a_function_is_found_by_logical_id_name_and_arn(open_aws: OpenAws, name: str) -> None:
    assert call(open_aws(), name, {"a": "ä"}) == ({"a": "ä"}, None)


def test_an_unknown_function_is_not_found(open_aws: OpenAws) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        call(open_aws(), "Nobody")


def test_an_exception_gives_lambdas_error_payload(open_aws: OpenAws) -> None:
    payload, error = call(open_aws(), "Fails", "x")
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("ShortOfPaper", "no paper for x")
    assert all("lambda_functions.py" not in line for line in payload["stackTrace"])


def test_a_result_that_is_no_json_is_a_marshal_error(open_aws: OpenAws) -> None:
    payload, error = call(open_aws(), "Odd")
    assert (error, payload["errorType"]) == ("Unhandled", "Runtime.MarshalError")


def test_a_payload_over_six_megabytes_is_refused(open_aws: OpenAws) -> None:
    with pytest.raises(ClientError, match="RequestTooLargeException"):
        call(open_aws(), "Echo", "x" * (6 * 1024 * 1024))


def test_a_response_over_six_megabytes_is_an_error(open_aws: OpenAws) -> None:
    payload, error = call(open_aws(), "TooLarge")
    assert (error, payload["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")


def test_a_function_tells_its_image(open_aws: OpenAws) -> None:
    code = open_aws().client("lambda").get_function(FunctionName="Echo")["Code"]
    assert code["ResolvedImageUri"].startswith(
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/labelloop-echo@sha256:"
    )


def test_a_fault_hits_the_function_it_is_meant_for_once(open_aws: OpenAws) -> None:
    aws = open_aws()
    busy = ServiceError("TooManyRequestsException", "Rate exceeded", 429)
    aws.interceptors.fail_next("Invoke", busy, FunctionName="Echo")
    assert call(aws, "Prints", {})[1] is None
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        call(aws, "Echo", 1)
    assert call(aws, "Echo", 1) == (1, None)


def test_clients_made_outside_are_left_alone(open_aws: OpenAws) -> None:
    open_aws().__exit__(None, None, None)
    client = boto3.client(
        "lambda",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        endpoint_url="http://127.0.0.1:9",
    )
    client.meta.events.register(
        "before-send", lambda **_: (_ for _ in ()).throw(RuntimeError("would be sent"))
    )
    with pytest.raises(RuntimeError, match="would be sent"):
        client.invoke(FunctionName="Echo")

"""What boto3 raises becomes a sentence that says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, TokenRetrievalError

from labelloop.operations.cloud import Cloud, OperationError, explained


def refusal(code: str, message: str = "said the service") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            refusal("AccessDenied"),
            "Have your administrator allow it: what each command needs is listed in docs/",
        ),
        (refusal("AccessDeniedException"), "AWS denies DescribeStacks: said the service"),
        (refusal("403", ""), "AWS denies DescribeStacks: 403"),
        (refusal("ExpiredToken"), "Sign in again (`aws sso login`"),
        (refusal("UnrecognizedClientException"), "AWS does not accept the credentials"),
        (refusal("ThrottlingException"), "wait a minute and repeat the command"),
        (refusal("ValidationError"), "AWS refuses DescribeStacks: said the service"),
        (EndpointConnectionError(endpoint_url="https://x"), "check the network and the region"),
        (ConnectTimeoutError(endpoint_url="https://x"), "AWS cannot be reached"),
        (TokenRetrievalError(provider="sso", error_msg="expired"), "sign in with `aws sso login`"),
    ],
)
def test_a_fault_is_explained_with_advice(error: Exception, advice: str) -> None:
    with pytest.raises(OperationError) as told, explained():
        raise error
    assert advice in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no AWS region is set: give one with --region"),
        (["--region", "us-east-1"], "there are no usable AWS credentials"),
        (
            ["--region", "us-east-1", "--profile", "nobody"],
            "`aws configure list-profiles` lists those that exist",
        ),
    ],
)
def test_without_an_account_each_command_says_what_is_missing(
    tmp_path: Path, options: list[str], message: str
) -> None:
    done = command_without_account(tmp_path, "status", "--stack", "labelloop", *options)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_doctor_tells_missing_credentials_once_and_looks_at_what_needs_none(tmp_path: Path) -> None:
    done = command_without_account(tmp_path, "doctor", "--region", "cn-north-1", "--stack", "n" * 62)
    assert done.returncode == 1
    credentials, region, name = done.stdout.splitlines()
    assert credentials.startswith("problem credentials: there are no usable AWS credentials")
    assert region.startswith("problem region: cn-north-1: labelloop cannot be deployed in China")
    assert name.startswith("problem stack name:")


def test_a_region_that_looks_like_none_has_none_of_the_services() -> None:
    assert not Cloud(region="mars-1").has("sagemaker")


def command_without_account(home: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "labelloop.cli.main", *command],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **kept,
            "HOME": str(home),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
    )

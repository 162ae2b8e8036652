"""The stand-ins over HTTP, asked by another process: the same memory, and what Lambda knows of a function."""

import subprocess
import sys
from pathlib import Path

import pytest

from labelloop.local.aws import LocalAwsError
from tests.local.conftest import OpenAws

ROOT = Path(__file__).parents[2]

CLIENT = """
import boto3, sys
keys = dict(aws_access_key_id="a", aws_secret_access_key="b")
options = dict(endpoint_url=sys.argv[1], region_name="us-east-1", **keys)
s3, functions = boto3.client("s3", **options), boto3.client("lambda", **options)
print(s3.get_object(Bucket="data", Key="in")["Body"].read().decode())
s3.put_object(Bucket="data", Key="out", Body=b"from the other process")
print(functions.get_function(FunctionName="Echo")["Code"]["ResolvedImageUri"])
try:
    functions.get_function(FunctionName="Nobody")
except functions.exceptions.ResourceNotFoundException as error:
    print(error.response["Error"]["Message"])
"""


@pytest.mark.slow
def test_another_process_sees_the_same_s3_and_is_told_of_functions(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws()
    aws.client("s3").put_object(Bucket="data", Key="in", Body=b"from this process")
    with aws.http_server("127.0.0.1") as url:
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, url], capture_output=True, text=True, check=False, timeout=300
        )
    assert done.stdout.splitlines() == [
        "from this process",
        f"123456789012.dkr.ecr.us-east-1.amazonaws.com/labelloop-echo@sha256:{'0' * 64}",
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:Nobody",
    ], done.stderr
    assert aws.client("s3").get_object(Bucket="data", Key="out")["Body"].read() == b"from the other process"
    aws.__exit__(None, None, None)
    assert (tmp_path / "s3/data/out").read_bytes() == b"from the other process"


@pytest.mark.slow
def test_containers_find_the_stacks_tables_by_their_logical_ids(open_aws: OpenAws) -> None:
    aws = open_aws(template=ROOT / "template.yaml", parameters={"DataBucket": "data"})
    for _ in range(2):  # Served anew, they are still there.
        with aws.http_server("127.0.0.1"):
            client = aws.client("dynamodb")
            assert client.list_tables()["TableNames"] == ["WorkbenchTable"]
            client.put_item(TableName="WorkbenchTable", Item={"pk": {"S": "x"}, "sk": {"S": "y"}})


def test_an_address_in_use_is_told(open_aws: OpenAws) -> None:
    aws = open_aws()
    with aws.http_server("127.0.0.1") as url:
        port = int(url.rpartition(":")[2])
        with (
            pytest.raises(LocalAwsError, match=f"127.0.0.1:{port} cannot be listened on"),
            aws.http_server("127.0.0.1", port),
        ):
            pass

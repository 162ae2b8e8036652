"""Where a function's container image is in ECR."""

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from labelloop.core.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def image_uri_of_function(name: str) -> str:
    """The URI, by digest, of the image that a Lambda function runs: the same bytes whatever its tag becomes.

    Raises StorageError when Lambda does not tell: no such function, no permission, or no image in it.
    """
    client: LambdaClient = boto3.client("lambda")
    try:
        code = client.get_function(FunctionName=name)["Code"]
    except ClientError as error:
        raise StorageError(f"the image of the function {name} cannot be found: {error}") from error
    uri = code.get("ResolvedImageUri")
    if uri is None:
        raise StorageError(
            f"the function {name} has no container image: name one by ActiveLearning.Model.ImageUri"
        )
    return uri

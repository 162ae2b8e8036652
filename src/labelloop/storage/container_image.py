"""Where a function's container image is in ECR."""

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from labelloop.core.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def image_uri_of_function(name: str) -> str:
    """The URI of the image that a Lambda function runs, by digest: a tag may move later, a digest cannot.

    Raises StorageError when the function does not exist, has no image, or may not be read.
    """
    client: LambdaClient = boto3.client("lambda")
    try:
        code = client.get_function(FunctionName=name)["Code"]
    except ClientError as error:
        raise StorageError(f"the image of the function {name} cannot be found: {error}") from error
    uri = code.get("ResolvedImageUri")
    if uri is None:
        raise StorageError(f"the function {name} has no container image: set ActiveLearning.Model.ImageUri")
    return uri

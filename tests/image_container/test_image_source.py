"""Images come from S3 or from a folder that stands for it; what is missing is told of one image, not of
all.
"""

from pathlib import Path

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from image_classifier.image_source import (
    Fetched,
    FetchError,
    FolderSource,
    S3Source,
    SourceError,
    image_source,
)
from moto import mock_aws

from tests.image_container.conftest import put


def test_a_folder_gives_what_is_in_it_and_nothing_beside_it(tmp_path: Path) -> None:
    root = tmp_path / "s3"
    put(root, "s3://bucket/a/b c.png", b"image")
    (tmp_path / "secret").write_bytes(b"secret")
    source = FolderSource(root)
    assert source.fetch("s3://bucket/a/b c.png") == Fetched(b"image")
    assert source.fetch("s3://bucket/a/b c.png", '"known"') == Fetched(b"image")
    for uri in (
        "s3://bucket/a",
        "s3://bucket/none.png",
        "s3://bucket/../../secret",
        "https://x/y.png",
        "s3://bucket",
    ):
        with pytest.raises(FetchError):
            source.fetch(uri)


def test_s3_gives_an_object_and_tells_why_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="a.png", Body=b"image")
        source = S3Source(client)
        found = source.fetch("s3://bucket/a.png")
        assert found is not None
        assert (found.content, found.etag) == (
            b"image",
            client.head_object(Bucket="bucket", Key="a.png")["ETag"],
        )
        assert source.fetch("s3://bucket/a.png", found.etag) is None
        client.put_object(Bucket="bucket", Key="a.png", Body=b"another")
        replaced = source.fetch("s3://bucket/a.png", found.etag)
        assert replaced is not None
        assert replaced.content == b"another"
        with pytest.raises(FetchError, match="NoSuchKey"):
            source.fetch("s3://bucket/b.png")
        with pytest.raises(FetchError, match="NoSuchBucket"):
            source.fetch("s3://other-bucket/b.png")


def test_where_s3_does_not_answer_the_job_fails_instead_of_every_image() -> None:
    class Unreachable:
        def get_object(self, **_: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://s3")

    with pytest.raises(SourceError, match="a way to S3"):
        S3Source(Unreachable()).fetch("s3://bucket/a.png")


def test_the_environment_names_the_folder(tmp_path: Path) -> None:
    assert isinstance(image_source({"S3_FOLDER": str(tmp_path)}), FolderSource)

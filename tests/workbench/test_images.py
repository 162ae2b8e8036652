"""Images on a laptop, by signed URLs that end; in the stack, S3's own."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.session
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from labelloop.workbench.images import (
    URL_SECONDS,
    SignedImages,
    _signing_client,
    image_source,
    presigned_url,
)
from labelloop.workbench.opening import Asked
from labelloop.workbench.pages.content_security import task_frame_policy
from labelloop.workbench.security import content_security_policy

from .conftest import Clock, Desk

PNG = b"\x89PNG\r\n\x1a\n..."


@pytest.fixture
def images(bucket: None) -> tuple[SignedImages, TestClient, Clock]:
    clock = Clock()
    signed = SignedImages(clock=clock)
    app = FastAPI()
    app.include_router(signed.router)
    for key in ("a b/c?d&e.png", "page.html"):
        boto3.client("s3").put_object(Bucket="bucket", Key=key, Body=PNG)
    return signed, TestClient(app, raise_server_exceptions=False), clock


def test_an_image_is_served_by_its_signed_url(images: tuple[SignedImages, TestClient, Clock]) -> None:
    signed, browser, _ = images
    answer = browser.get(signed.url("s3://bucket/a b/c?d&e.png"))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_what_is_no_image_is_never_shown_as_a_page(images: tuple[SignedImages, TestClient, Clock]) -> None:
    signed, browser, _ = images
    answer = browser.get(signed.url("s3://bucket/page.html"))
    assert answer.headers["content-type"] == "application/octet-stream"


def test_a_url_that_was_changed_or_has_ended_is_refused(
    images: tuple[SignedImages, TestClient, Clock],
) -> None:
    signed, browser, clock = images
    url = signed.url("s3://bucket/a b/c?d&e.png")
    assert browser.get(url.replace("c%3Fd%26e.png", "secret.png")).status_code >= 400
    assert browser.get(url.replace("until=", "until=9")).status_code >= 400
    clock.now += URL_SECONDS + 1
    assert browser.get(url).status_code >= 400


SESSION = botocore.session.Session()
REGIONS = [
    region for partition in ("aws", "aws-us-gov") for region in SESSION.get_available_regions("s3", partition)
]


@pytest.fixture
def in_region(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def go(region: str) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        _signing_client.cache_clear()

    yield go
    _signing_client.cache_clear()


@pytest.mark.parametrize("region", REGIONS)
def test_the_stacks_url_is_the_regions_own_and_the_page_may_load_it(
    in_region: Callable[[str], None], region: str
) -> None:
    in_region(region)
    url = urlsplit(presigned_url("s3://bucket/a b/c?d&e.png"))
    assert url.netloc == f"bucket.s3.{region}.amazonaws.com"
    assert url.path == "/a%20b/c%3Fd%26e.png"
    query = parse_qs(url.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert f"/{region}/s3/aws4_request" in query["X-Amz-Credential"][0]
    assert query["X-Amz-Expires"] == [str(URL_SECONDS)]
    for policy in (content_security_policy, task_frame_policy):
        allowed = policy((image_source("bucket"),)).split("img-src ")[1].split(";")[0]
        assert f"https://{url.netloc}" in allowed.split(" ")


def test_a_bucket_with_a_dot_is_in_the_path_because_no_certificate_covers_it(
    in_region: Callable[[str], None],
) -> None:
    in_region("eu-central-1")
    assert presigned_url("s3://my.bucket/a.png").startswith(
        "https://s3.eu-central-1.amazonaws.com/my.bucket/a.png?"
    )
    assert image_source("my.bucket") == "https://s3.eu-central-1.amazonaws.com/my.bucket/"


def test_a_batch_of_images_is_one(sqlite_desk: Desk) -> None:
    sqlite_desk.open([], extra=[Asked(0, None, "s3://bucket/cat.png")])
    handed = sqlite_desk.workbench.next_tasks("ann", 1)
    assert handed.batch is not None
    assert handed.batch.kind == "image"
    assert handed.tasks[0][1].source_ref == "s3://bucket/cat.png"

"""Images on a laptop, by signed URLs that end; in the stack, S3's own."""

import boto3
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from labelloop.workbench.images import URL_SECONDS, SignedImages, presigned_url
from labelloop.workbench.opening import Asked

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


def test_the_stacks_url_is_s3s_own_and_ends(images: tuple[SignedImages, TestClient, Clock]) -> None:
    url = presigned_url("s3://bucket/a b/c?d&e.png")
    assert url.startswith("https://bucket.s3.amazonaws.com/a%20b/c%3Fd%26e.png?")
    assert "Signature=" in url


def test_a_batch_of_images_is_one(sqlite_desk: Desk) -> None:
    sqlite_desk.open([], extra=[Asked(0, None, "s3://bucket/cat.png")])
    handed = sqlite_desk.workbench.next_tasks("ann", 1)
    assert handed.batch is not None
    assert handed.batch.kind == "image"
    assert handed.tasks[0][1].source_ref == "s3://bucket/cat.png"

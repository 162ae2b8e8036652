"""What a job keeps of images depends on what its role may do, by IAM's rules. Whether it ends does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from image_classifier.encoding_parts import EncodingParts
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from labelloop.local.template import Template

from .s3_images import BUCKET, ENCODINGS, job, parts_in, put_images
from .test_encoding_parts import SIZE, keep, known, opened
from .tiny_backbone import make_tiny_backbone

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("trained_model")]

ROOT = Path(__file__).parents[2]
Policy = dict[str, Any]
WORDS = "continuing without them", "cannot be used", "cannot be written"


def policy_of_stack() -> Policy:
    template = Template(ROOT / "template.yaml", parameters={"DataBucket": BUCKET})
    (policy,) = template.resources["JobRole"]["Properties"]["Policies"]
    document: Policy = template.resolve(policy["PolicyDocument"], "JobRole")
    return document


def allowing(**resources: list[str]) -> Policy:
    statements = [
        {"Effect": "Allow", "Action": f"s3:{action}", "Resource": [f"arn:aws:s3:::{one}" for one in named]}
        for action, named in resources.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}


@contextmanager
def s3_for(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], Any]]:
    """Addresses of images in S3, and a client that may do anything. The container has only this policy."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("S3_FOLDER")
    monkeypatch.setenv("ENCODING_CACHE_S3_URI", ENCODINGS)
    # It would keep the credentials of an earlier test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        iam = boto3.Session().client("iam", region_name="us-east-1")
        keys = {}
        for user, document in (("root", allowing(**{"*": [BUCKET, f"{BUCKET}/*"]})), ("job", policy)):
            iam.create_user(UserName=user)
            iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(document))
            keys[user] = iam.create_access_key(UserName=user)["AccessKey"]
        client = boto3.Session().client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id=keys["root"]["AccessKeyId"],
            aws_secret_access_key=keys["root"]["SecretAccessKey"],
        )
        client.create_bucket(Bucket=BUCKET)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["job"]["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["job"]["SecretAccessKey"])
        yield put_images(client, range(40)), client


def under_iam(work: Callable[[], None]) -> None:
    """Within, the stand-in for AWS asks IAM about each call."""
    set_initial_no_auth_action_count(0)(work)()


@pytest.fixture(autouse=True)
def _backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_BACKBONE", str(make_tiny_backbone(tmp_path / "backbone")))


def test_the_stacks_role_lets_jobs_keep_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_for(policy_of_stack(), monkeypatch) as (uris, _):

        def jobs() -> None:
            assert job(uris)[1] == 40
            assert job(uris)[1] == 0

        under_iam(jobs)


IMAGES, PARTS = f"{BUCKET}/in/*", f"{BUCKET}/out/*/encodings/*"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (allowing(GetObject=[IMAGES]), ["continuing without them"]),
        (allowing(GetObject=[IMAGES, PARTS], ListBucket=[BUCKET]), ["cannot be written"]),
        (allowing(GetObject=[IMAGES], ListBucket=[BUCKET], PutObject=[PARTS]), []),
    ],
)
def test_a_role_that_may_not_is_told_once_and_the_job_encodes(
    policy: Policy, told: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with s3_for(policy, monkeypatch) as (uris, _):

        def jobs() -> None:
            for number in range(2):
                caplog.clear()
                with caplog.at_level("INFO"):
                    features, encoded = job(uris)
                    features.encode(uris)
                assert encoded == 40
                # What cannot be read is there only after the first has written it.
                expected = told or (["cannot be used"] if number else [])
                assert [word for word in WORDS if word in caplog.text] == expected
                assert sum(caplog.text.count(word) for word in WORDS) == len(expected)

        under_iam(jobs)


def test_a_role_that_may_write_no_tags_keeps_encodings_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_for(policy_of_stack(), monkeypatch) as (_, client):
        client.meta.events.register("before-send.s3.PutObject", _refuse_tags)
        parts = opened(client)
        for numbers in (range(1_500), range(1_500, 3_000)):
            keep(parts, numbers)
        parts.end_request()
        assert known(opened(client), range(3_000)) == list(range(3_000))
        (tags, *_) = [client.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] for key in parts_in(client)]
        assert tags == []


def _refuse_tags(request: Any, **_: Any) -> AWSResponse | None:
    if "x-amz-tagging" not in request.headers:
        return None
    return _answer(request, 403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")


def test_where_s3_fails_while_it_writes_the_job_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with s3_for(policy_of_stack(), monkeypatch) as (_, client):
        parts = EncodingParts(f"{ENCODINGS}bert/", SIZE, client)
        body = b"<Error><Code>KMS.DisabledException</Code><Message>The key is disabled.</Message></Error>"
        client.meta.events.register(
            "before-send.s3.PutObject", lambda request, **_: _answer(request, 400, body)
        )
        with caplog.at_level("INFO"):
            for start in (0, 2_000):
                keep(parts, range(start, start + 2_000))
                parts.end_request()
        assert caplog.text.count("cannot be written") == 1
        assert "The key is disabled" in caplog.text


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content


def _answer(request: Any, status: int, body: bytes) -> AWSResponse:
    headers: Any = {"Content-Length": str(len(body))}
    raw: Any = _Raw(body)
    return AWSResponse(str(request.url), status, headers, raw)

"""S3 as streams, against moto's S3."""

import io
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.retries.bucket import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from labelloop.core.errors import StorageError
from labelloop.storage import array_files, s3
from labelloop.workflow.run_files import RunFiles, is_intermediate


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3.s3_client.cache_clear()
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield "s3://bucket"
    s3.s3_client.cache_clear()


@given(lines=st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_lines_come_back_as_they_were_written(bucket: str, lines: list[bytes]) -> None:
    s3.write_lines(f"{bucket}/x.jsonl", lines)
    assert list(s3.read_lines(f"{bucket}/x.jsonl")) == lines


class SlowDown:
    """S3 refuses two requests in three, and never more than five in a row."""

    def __init__(self) -> None:
        self._random, self._in_a_row = random.Random(0), 0
        self._answer = BotocoreStubber.__call__
        self.refused = Counter[str]()

    def __call__(
        self, stubber: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **more: Any
    ) -> Any:
        if self._in_a_row == 5 or self._random.random() > 2 / 3:
            self._in_a_row = 0
            return self._answer(stubber, event_name=event_name, request=request, **more)
        self._in_a_row += 1
        self.refused[event_name.rpartition(".")[2]] += 1
        body = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
        headers: Any = {"Content-Length": str(len(body))}
        return AWSResponse(str(request.url), 503, headers, RawResponse(body))


class RawResponse(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@pytest.mark.slow
def test_throttling_at_every_call_changes_nothing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(Clock, "sleep", lambda _clock, _seconds: None)
    monkeypatch.setattr(Clock, "current_time", lambda _clock: float(next(clock)))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    faults = SlowDown()
    monkeypatch.setattr(BotocoreStubber, "__call__", lambda stubber, **request: faults(stubber, **request))
    lines = [b"%d" % number * 200 for number in range(5_000)]
    many = lines * 10
    large = np.arange(3 * 2**20)
    for number in range(3):
        uri = f"{bucket}/{number}"
        assert s3.write_lines(f"{uri}/lines", lines) == len(lines)
        assert list(s3.read_lines(f"{uri}/lines")) == lines
        assert s3.write_lines(f"{uri}/many", many) == len(many)
        assert list(s3.read_lines(f"{uri}/many")) == many
        array_files.write_archive(f"{uri}/arrays", {"large": large, "small": large[:9]})
        assert np.array_equal(array_files.read_archive(f"{uri}/arrays")["large"], large)
        assert s3.write_new_json(f"{uri}/json", number)
        assert not s3.write_new_json(f"{uri}/json", 7)
        assert s3.read_json(f"{uri}/json") == number
        s3.mark_intermediate(f"{uri}/json")
        assert s3.exists(f"{uri}/json")
        assert not s3.exists(f"{uri}/other")
        assert len(s3.list_uris(f"{uri}/")) == 4
    assert faults.refused.keys() >= {
        "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject", "GetObject",
        "HeadObject", "ListObjectsV2", "PutObjectTagging",
    }  # fmt: skip


def test_only_line_feeds_split_lines(bucket: str) -> None:
    s3.write_bytes(f"{bucket}/x", "a\u2028b\x0bc\r\nd".encode())
    assert list(s3.read_lines(f"{bucket}/x")) == ["a\u2028b\x0bc\r".encode(), b"d"]


@pytest.mark.parametrize("key", ["a?b=c.manifest", "a#b", "a%20b", "ünï/ code", "x.gz"])
def test_a_key_is_taken_as_it_is(bucket: str, key: str) -> None:
    s3.write_lines(f"{bucket}/{key}", [b"1", b"2"])
    assert list(s3.read_lines(f"{bucket}/{key}")) == [b"1", b"2"]
    assert s3.list_uris(f"{bucket}/") == [f"{bucket}/{key}"]
    assert s3.exists(f"{bucket}/{key}")


@pytest.mark.parametrize("lines", [1, 20_000])
def test_nothing_is_written_when_the_lines_break_off(bucket: str, lines: int) -> None:
    def broken_off() -> Iterator[bytes]:
        yield from [b"line" * 150] * lines
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        s3.write_lines(f"{bucket}/x", broken_off())
    assert not s3.exists(f"{bucket}/x")


@pytest.mark.parametrize("lines", [0, 1, 20_000])
def test_a_small_object_takes_one_request_and_an_object_of_any_size_its_tag(bucket: str, lines: int) -> None:
    sent: list[str] = []
    s3.s3_client().meta.events.register("before-call.s3", lambda model, **_: sent.append(model.name))
    uri = RunFiles(f"{bucket}/run/").prepared_manifest
    s3.write_lines(uri, [b"line" * 150] * lines)
    assert sent == (
        ["PutObject"] if lines < 2 else ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
    )
    assert list(s3.read_lines(uri)) == [b"line" * 150] * lines
    name, key = s3.split_uri(uri)
    tags = s3.s3_client().get_object_tagging(Bucket=name, Key=key)["TagSet"]
    assert tags == [{"Key": "labelloop", "Value": "intermediate"}]


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://bucket/missing", "s3://bucket/missing: there is no such object"),
        ("s3://no-such-bucket/x", "s3://no-such-bucket/x: there is no such"),
        ("https://bucket/x", "not an S3 URI"),
    ],
)
def test_what_is_missing_is_named(bucket: str, uri: str, reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        s3.read_bytes(uri)
    with pytest.raises(StorageError, match=reason):
        list(s3.read_lines(uri))


def test_a_missing_bucket_to_write_to_is_named(bucket: str) -> None:
    with pytest.raises(StorageError, match="s3://no-such-bucket/x: there is no such bucket"):
        s3.write_lines("s3://no-such-bucket/x", [b"1"])


def test_of_two_who_write_a_new_object_one_is_told_that_it_is_there(bucket: str) -> None:
    uri = f"{bucket}/run/round-000/auto-labels/tests/0001.json"
    assert s3.write_new_json(uri, {"of": "the first"})
    assert not s3.write_new_json(uri, {"of": "the second"})
    assert s3.read_json(uri) == {"of": "the first"}
    with pytest.raises(StorageError, match="no such bucket"):
        s3.write_new_json("s3://elsewhere/x.json", {})


def test_what_later_executions_must_count_does_not_expire() -> None:
    kept = RunFiles("s3://bucket/run/")
    for uri in (kept.test_entry(1), kept.execution_entry("run-2")):
        assert not is_intermediate(uri)
    assert is_intermediate(kept.prepared_manifest)


def test_what_people_go_on_with_outlasts_the_batches_of_its_round_and_the_next() -> None:
    """Each may be open until the files of its own round expire."""
    files = RunFiles("s3://bucket/run/").round(3)
    assert is_intermediate(files.selection)
    assert not is_intermediate(files.selection_ahead)
    assert not is_intermediate(files.predictions_ahead)

"""S3 as streams, against moto's S3."""

from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from labelloop.core.errors import StorageError
from labelloop.storage import s3
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


def test_only_line_feeds_split_lines(bucket: str) -> None:
    s3.write_bytes(f"{bucket}/x", "a\u2028b\x0bc\r\nd".encode())
    assert list(s3.read_lines(f"{bucket}/x")) == ["a\u2028b\x0bc\r".encode(), b"d"]


@pytest.mark.parametrize("key", ["a?b=c.manifest", "a#b", "a%20b", "ünï/ code", "x.gz"])
def test_a_key_is_taken_as_it_is(bucket: str, key: str) -> None:
    s3.write_lines(f"{bucket}/{key}", [b"1", b"2"])
    assert list(s3.read_lines(f"{bucket}/{key}")) == [b"1", b"2"]
    assert s3.list_uris(f"{bucket}/") == [f"{bucket}/{key}"]
    assert s3.exists(f"{bucket}/{key}")


def test_nothing_is_written_when_the_lines_break_off(bucket: str) -> None:
    def lines() -> Iterator[bytes]:
        yield b"first"
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        s3.write_lines(f"{bucket}/x", lines())
    assert not s3.exists(f"{bucket}/x")


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

"""On AWS, a run encodes an image once: its jobs keep encodings in S3, and nothing there can cost a job."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from image_classifier.backbone import Backbone
from image_classifier.encoding_part import KnownImage, pack
from image_classifier.encoding_parts import EncodingParts
from moto import mock_aws

from labelloop.storage import s3 as storage
from labelloop.workflow.run_files import RunFiles

from .conftest import MakeJob, picture
from .s3_images import BUCKET, ENCODINGS, counted, image, job, parts_in, put_images
from .test_trained_images import ask, right, train_here
from .tiny_backbone import make_tiny_backbone

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("trained_model")]

SIZE = 6


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """S3 with an empty bucket, where jobs find their images and are told to keep encodings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("S3_FOLDER")
    monkeypatch.setenv("ENCODING_CACHE_S3_URI", ENCODINGS)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_tiny_backbone(tmp_path / "backbone")
    monkeypatch.setenv("IMAGE_BACKBONE", str(folder))
    return folder


def opened(client: Any) -> EncodingParts:
    parts = EncodingParts.open(f"{ENCODINGS}bert/", SIZE, client)
    assert parts is not None
    return parts


def vector(number: int) -> Any:
    return np.arange(number, number + SIZE).astype(np.float16)


def keep(parts: EncodingParts, numbers: range) -> None:
    for number in numbers:
        parts.keep(f"s3://images/{number}.png", f'"{number}"', vector(number))


def known(parts: EncodingParts, numbers: range) -> list[int]:
    found = []
    for number in numbers:
        one = parts.find(f"s3://images/{number}.png")
        if one is not None:
            assert one.etag == f'"{number}"'
            assert np.array_equal(one.vector, vector(number))
            found.append(number)
    return found


def test_a_later_job_encodes_nothing_that_an_earlier_one_encoded(client: Any, backbone: Path) -> None:
    uris = put_images(client, range(70))
    first, encoded = job(uris)
    assert encoded == 70
    again, encoded = job(uris)
    assert encoded == 0
    assert np.array_equal(again.encode(uris).objects.features, first.encode(uris).objects.features)
    more = [*uris, *put_images(client, [100, 101])]
    assert job(more)[1] == 2
    assert job(more)[1] == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_the_training_and_transform_jobs_of_all_rounds_encode_each_image_once(
    client: Any, backbone: Path, make_job: MakeJob
) -> None:
    from image_classifier.model import load_classifier

    lines = [{"source-ref": f"s3://{BUCKET}/in/{seed}.png", "category": seed % 3} for seed in range(90)]
    for seed in range(90):
        client.put_object(Bucket=BUCKET, Key=f"in/{seed}.png", Body=picture(seed % 3, seed))
    encoded, answers = [], []
    for labeled in (60, 75):
        job = make_job(num_classes=3, epochs=5)
        job.add_channel("train", lines[:labeled]).add_channel("pool", lines[labeled:80])
        with counted() as sizes:
            train_here(job.root)
            encoded.append(sum(sizes))
            # As in a first round, there are images that the training job did not sample from the pool.
            answers.append(ask(load_classifier(job.model, Backbone(backbone)), lines[labeled:]))
            encoded.append(sum(sizes))
    assert encoded == [80, 90, 0, 0]
    assert right(answers[1], lines[75:]) > 0.9


def test_a_replaced_image_is_not_taken_for_the_one_before(client: Any, backbone: Path) -> None:
    uris = put_images(client, range(40))
    job(uris)
    time.sleep(1.1)  # S3 counts in seconds which file of encodings is newer
    client.put_object(Bucket=BUCKET, Key="in/7.png", Body=image(7_007))
    replaced, encoded = job(uris)
    assert encoded == 1
    assert job(uris)[1] == 0
    client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in parts_in(client)]})
    afresh, encoded = job(uris)
    assert encoded == 40
    assert np.array_equal(replaced.encode(uris).objects.features, afresh.encode(uris).objects.features)


def test_an_image_that_is_gone_is_told_even_if_it_was_encoded(client: Any, backbone: Path) -> None:
    uris = put_images(client, range(33))
    job(uris)
    client.delete_object(Bucket=BUCKET, Key="in/3.png")
    features, _ = job(uris)
    assert features.encode(uris).problems == {
        3: f"The image {uris[3]} cannot be read: S3 does not give it (NoSuchKey)."
    }


def test_another_backbone_has_encodings_of_its_own(
    client: Any, backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uris = put_images(client, range(33))
    job(uris)
    other = make_tiny_backbone(tmp_path / "other", seed=1)
    monkeypatch.setenv("IMAGE_BACKBONE", str(other))
    assert job(uris)[1] == 33


def test_what_is_kept_on_this_machine_is_not_kept_in_s3(
    client: Any, backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uris = put_images(client, range(33))
    monkeypatch.setenv("ENCODING_CACHE", str(tmp_path / "cache"))
    assert job(uris)[1] == 33
    assert job(uris)[1] == 0
    assert parts_in(client) == {}


def test_a_folder_that_stands_for_s3_has_none(
    client: Any, backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_FOLDER", str(tmp_path))
    (tmp_path / BUCKET).mkdir()
    (tmp_path / BUCKET / "a.png").write_bytes(image(0))
    assert job([f"s3://{BUCKET}/a.png"])[1] == 1
    assert job([f"s3://{BUCKET}/a.png"])[1] == 1
    assert parts_in(client) == {}


def damage(client: Any, key: str, kind: str) -> None:
    content = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    if kind == "gone":
        client.delete_object(Bucket=BUCKET, Key=key)
        return
    changed = {
        "a bit flipped": content[:-1] + bytes([content[-1] ^ 1]),
        "cut off": content[: len(content) // 2],
        "empty": b"",
    }[kind]
    client.put_object(Bucket=BUCKET, Key=key, Body=changed)


@pytest.mark.parametrize("kind", ["a bit flipped", "cut off", "empty", "gone"])
def test_a_lost_or_damaged_file_costs_its_images_alone(
    client: Any, backbone: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    some, others = put_images(client, range(40)), put_images(client, range(40, 70))
    job(some)
    (key,) = parts_in(client)
    job([*some, *others])
    damage(client, key, kind)
    with caplog.at_level("INFO"):
        assert job([*some, *others])[1] == 40
    told = caplog.text.count("1 of 2 files of encodings cannot be used, and their images are encoded again")
    assert told == (kind != "gone")
    assert job([*some, *others])[1] == 0


@pytest.mark.parametrize("kind", ["of another size", "no safetensors"])
def test_a_file_that_is_whole_but_no_use_is_left_out(
    client: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = b"no safetensors"
    if kind == "of another size":
        content = pack({"s3://images/0.png": KnownImage('"0"', np.zeros(SIZE + 1, np.float16))})
    name = f"{hashlib.sha256(content).hexdigest()}.safetensors"
    client.put_object(Bucket=BUCKET, Key=f"out/run-1/encodings/bert/{name}", Body=content)
    client.put_object(Bucket=BUCKET, Key="out/run-1/encodings/bert/notes.txt", Body=b"of somebody's")
    with caplog.at_level("INFO"):
        assert known(opened(client), range(1)) == []
    assert caplog.text.count("1 of 1 files of encodings cannot be used") == 1


def test_jobs_at_once_keep_what_each_encoded(client: Any, backbone: Path) -> None:
    uris = put_images(client, range(60))
    threads = [threading.Thread(target=job, args=(uris[start : start + 40],)) for start in (0, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert job(uris)[1] == 0


def test_threads_of_one_job_keep_and_find_at_once(client: Any) -> None:
    parts = opened(client)
    keep(parts, range(500))
    parts.end_request()
    later = opened(client)
    found: list[list[int]] = []

    def use(start: int) -> None:
        keep(later, range(start, start + 500))
        found.append(known(later, range(1_000)))

    threads = [threading.Thread(target=use, args=(start,)) for start in (1_000, 1_500, 2_000, 2_500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    later.end_request()
    assert found == [list(range(500))] * 4
    assert known(opened(client), range(3_000)) == [*range(500), *range(1_000, 3_000)]


def test_requests_of_one_image_make_a_file_a_second_and_large_ones_no_large_file(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    parts = opened(client)
    for number in range(200):
        now += 0.05
        keep(parts, range(number, number + 1))
        parts.end_request()
    written = len(parts_in(client))
    assert 9 <= written <= 12
    # At most what was encoded in the last second is encoded again.
    assert len(known(opened(client), range(200))) >= 180
    now += 60
    keep(parts, range(1_000, 4_000))
    parts.end_request()
    sizes = [len(content) for content in parts_in(client).values()]
    assert len(sizes) == written + 3
    assert max(sizes) < 1_100 * (32 + 64 + 2 * SIZE)
    assert known(opened(client), range(1_000, 4_000)) == list(range(1_000, 4_000))


def test_two_jobs_that_write_the_same_write_one_file(client: Any) -> None:
    for _ in range(2):
        parts = EncodingParts(f"{ENCODINGS}bert/", SIZE, client)
        keep(parts, range(5))
        parts.end_request()
    assert len(parts_in(client)) == 1


def test_of_more_than_the_disk_has_room_for_the_newest_are_read(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for start in (0, 10):
        parts = EncodingParts(f"{ENCODINGS}bert/", SIZE, client)
        keep(parts, range(start, start + 10))
        parts.end_request()
        time.sleep(1.1)
    (size, _) = (len(content) for content in parts_in(client).values())

    class Usage:
        free = 3 * size

    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage)
    with caplog.at_level("INFO"):
        assert known(opened(client), range(20)) == list(range(10, 20))
    assert "The disk has room for the newest 1 of 2 files." in caplog.text


def test_an_etag_that_has_no_room_is_not_kept(client: Any) -> None:
    parts = opened(client)
    for number, etag in enumerate(("", "x" * 65, "ä")):
        parts.keep(f"s3://images/{number}.png", etag, vector(number))
    parts.end_request()
    assert parts_in(client) == {}


def test_the_lifecycle_rule_of_the_stacks_bucket_finds_the_files(client: Any) -> None:
    parts = opened(client)
    keep(parts, range(1))
    parts.end_request()
    (key,) = parts_in(client)
    tags = client.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    of_steps = storage.tagging(RunFiles("s3://bucket/run/").prepared_manifest)["Tagging"]
    assert [f"{tag['Key']}={tag['Value']}" for tag in tags] == [of_steps]


@pytest.mark.parametrize("uri", ["encodings/", "s3://no-such-bucket/encodings/"])
def test_a_place_that_is_not_there_is_done_without(
    client: Any, backbone: Path, uri: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uris = put_images(client, range(33))
    monkeypatch.setenv("ENCODING_CACHE_S3_URI", uri)
    with caplog.at_level("INFO"):
        assert job(uris)[1] == 33
    assert caplog.text.count("continuing without them") == 1

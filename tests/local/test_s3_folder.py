import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from labelloop.local.aws import LocalAwsError
from labelloop.local.interpreter_callbacks import InterpreterCallbacks
from labelloop.local.moto_patches import MotoObjects, patched_moto
from labelloop.local.s3_folder import S3Folder, S3FolderError
from tests.local.conftest import OpenAws, invoke, machine


class ToldOfChanges:
    """Passes each change in S3 on to the folder under test, once there is one."""

    folder: S3Folder | None = None

    def __call__(self, bucket: str, key: str) -> None:
        if self.folder is not None:
            self.folder.note_change(bucket, key)


told = ToldOfChanges()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(told, "folder", None)

    def unused(*_: Any) -> Any:
        raise AssertionError

    with patched_moto(
        InterpreterCallbacks(
            sagemaker=unused, job=unused, on_start=unused, on_object=told, on_event=unused, on_end=unused
        )
    ):
        yield boto3.client("s3", region_name="us-east-1")


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def write(root: Path, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def load(s3: Any, root: Path, content: dict[str, bytes] | None = None) -> S3Folder:
    write(root, content or {})
    told.folder = S3Folder(s3, MotoObjects(), root)
    told.folder.load()
    return told.folder


def test_files_become_objects_and_folders_buckets(s3: Any, tmp_path: Path) -> None:
    load(s3, tmp_path, {"one/a/b.txt": b"ab", "one/ä ö+%20.txt": b"umlaut", "two/c": b""})
    assert s3.get_object(Bucket="one", Key="a/b.txt")["Body"].read() == b"ab"
    assert s3.get_object(Bucket="one", Key="ä ö+%20.txt")["Body"].read() == b"umlaut"
    assert s3.get_object(Bucket="two", Key="c")["Body"].read() == b""


def test_images_stay_files_for_who_shows_or_learns_from_them(s3: Any, tmp_path: Path) -> None:
    """Thousands of photographs would not fit into memory."""
    content = {"one/photos/a.JPG": b"photo", "one/b.txt": b"text"}
    folder = load(s3, tmp_path, content)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="one")["Contents"]] == ["b.txt"]
    s3.put_object(Bucket="one", Key="c.png", Body=b"drawn")
    folder.write_back()
    assert files(tmp_path) == {**content, "one/c.png": b"drawn"}


def test_new_changed_and_deleted_objects_are_written_back(s3: Any, tmp_path: Path) -> None:
    folder = load(s3, tmp_path, {"data/kept": b"1", "data/changed": b"1", "data/deep/deleted": b"1"})
    s3.put_object(Bucket="data", Key="changed", Body=b"2")
    s3.put_object(Bucket="data", Key="new/deep/ä.txt", Body=b"3")
    s3.delete_object(Bucket="data", Key="deep/deleted")
    folder.write_back()
    assert files(tmp_path) == {"data/kept": b"1", "data/changed": b"2", "data/new/deep/ä.txt": b"3"}
    assert not (tmp_path / "data/deep").exists()


def test_what_is_written_back_is_loaded_again(s3: Any, tmp_path: Path) -> None:
    folder = load(s3, tmp_path, {"data/a": b"1"})
    s3.put_object(Bucket="data", Key="b/c", Body=b"2" * 100_000)
    folder.write_back()
    for key in ("a", "b/c"):
        s3.delete_object(Bucket="data", Key=key)
    s3.delete_bucket(Bucket="data")
    load(s3, tmp_path)
    assert s3.get_object(Bucket="data", Key="a")["Body"].read() == b"1"
    assert s3.get_object(Bucket="data", Key="b/c")["Body"].read() == b"2" * 100_000


def test_an_unchanged_object_is_not_written_again(s3: Any, tmp_path: Path) -> None:
    folder = load(s3, tmp_path, {"data/a": b"1"})
    os.utime(tmp_path / "data/a", (0, 0))
    s3.put_object(Bucket="data", Key="a", Body=b"1")
    folder.write_back()
    assert (tmp_path / "data/a").stat().st_mtime == 0


def test_an_object_may_turn_into_a_folder(s3: Any, tmp_path: Path) -> None:
    folder = load(s3, tmp_path, {"data/a": b"1"})
    s3.delete_object(Bucket="data", Key="a")
    s3.put_object(Bucket="data", Key="a/b", Body=b"2")
    folder.write_back()
    assert files(tmp_path) == {"data/a/b": b"2"}


def test_a_folder_marker_becomes_a_folder(s3: Any, tmp_path: Path) -> None:
    folder = load(s3, tmp_path, {"data/a": b"1"})
    s3.put_object(Bucket="data", Key="out/", Body=b"")
    folder.write_back()
    assert (tmp_path / "data/out").is_dir()


def test_no_reader_ever_sees_half_an_object(s3: Any, tmp_path: Path) -> None:
    contents = {bytes([letter]) * 3_000_000 for letter in b"abcd"}
    folder = load(s3, tmp_path, {"data/big": b"a" * 3_000_000})
    done = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not done.is_set():
            seen.append((tmp_path / "data/big").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for body in sorted(contents):
        s3.put_object(Bucket="data", Key="big", Body=body)
        folder.write_back()
    done.set()
    reader.join()
    assert seen
    assert set(seen) <= contents


@pytest.mark.parametrize(
    "key", ["../out", "a/../../out", "/absolute", "a//b", "./a", "x" * 256, "a/" + "ä" * 128]
)
def test_a_key_that_no_file_can_have_is_one_clear_error(s3: Any, tmp_path: Path, key: str) -> None:
    root = tmp_path / "root"
    folder = load(s3, root, {"data/a": b"1"})
    s3.put_object(Bucket="data", Key=key, Body=b"2")
    with pytest.raises(S3FolderError, match="cannot be a file") as caught:
        folder.write_back()
    assert key in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["root"], "nothing is written outside the folder"


@pytest.mark.parametrize("keys", [("a", "a/b"), ("a/b", "a"), ("a", "a/b/c")])
def test_a_key_that_is_an_object_and_a_folder_is_one_clear_error(
    s3: Any, tmp_path: Path, keys: tuple[str, str]
) -> None:
    folder = load(s3, tmp_path, {"data/x": b"1"})
    for key in keys:
        s3.put_object(Bucket="data", Key=key, Body=b"2")
        time.sleep(0.002)
    with pytest.raises(S3FolderError, match="no disk allows both"):
        folder.write_back()


def test_a_missing_root_is_made(s3: Any, tmp_path: Path) -> None:
    load(s3, tmp_path / "not/there/yet")
    assert (tmp_path / "not/there/yet").is_dir()


def test_a_root_that_is_a_file_is_one_clear_error(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(S3FolderError, match="cannot be used"):
        S3Folder(s3, MotoObjects(), tmp_path / "file")


def test_a_file_beside_the_buckets_is_one_clear_error_but_a_hidden_one_is_not(
    s3: Any, tmp_path: Path
) -> None:
    write(tmp_path, {".DS_Store": b"", ".labelloop-writing/object": b"left by a kill", "data/a": b"1"})
    load(s3, tmp_path)
    assert not (tmp_path / ".labelloop-writing").exists()
    write(tmp_path, {"request.json": b"{}"})
    with pytest.raises(S3FolderError, match=r"request\.json is a file"):
        load(s3, tmp_path)


@pytest.mark.parametrize("name", ["A", "ab", "under_score", "UPPER"])
def test_a_folder_that_cannot_be_a_bucket_is_one_clear_error(s3: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(S3FolderError, match="cannot be a bucket"):
        load(s3, tmp_path)


PUT = {"Bucket": "data", "Key": "{% $states.input.key %}", "Body": "text"}


def test_what_a_state_wrote_is_on_disk_when_the_next_state_begins(open_aws: OpenAws, tmp_path: Path) -> None:
    found: list[bool] = []
    path = tmp_path / "s3/data/out/a.txt"

    def listener(event: Any) -> None:
        if event.state == "Next" and event.type.endswith("Entered"):
            found.append(path.is_file())

    definition = machine(
        Write=invoke("PutObject", PUT, End=None, Next="Next"),
        Next={"Type": "Wait", "Seconds": 0, "End": True},
    )
    open_aws({"Machine": definition}, on_event=listener).run("Machine", "test", {"key": "out/a.txt"})
    assert found == [True]


def test_a_key_that_cannot_be_a_file_ends_the_run_with_that_error(open_aws: OpenAws) -> None:
    definition = machine(
        Write=invoke("PutObject", PUT, End=None, Next="Wait"),
        Wait={"Type": "Wait", "Seconds": 600, "End": True},
    )
    aws = open_aws({"Machine": definition}, time_scale=1.0)
    with pytest.raises(S3FolderError, match=r"s3://data/\.\./x cannot be a file"):
        aws.run("Machine", "test", {"key": "../x"})


def test_trouble_that_nobody_waited_for_is_told_at_the_end(open_aws: OpenAws) -> None:
    aws = open_aws()
    aws.client("s3").put_object(Bucket="data", Key="../x", Body=b"")
    with pytest.raises(S3FolderError):
        aws.__exit__(None, None, None)


def test_a_second_local_aws_in_the_same_process_is_refused(open_aws: OpenAws) -> None:
    open_aws()
    with pytest.raises(LocalAwsError, match="one at a time"):
        open_aws()


def test_a_file_whose_name_is_not_utf_8_is_one_clear_error(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "data") + b"/caf\xe9.txt")).write_bytes(b"")
    with pytest.raises(S3FolderError, match=r"caf.*is not UTF-8\. Rename"):
        load(s3, tmp_path)

"""Channels in Pipe mode: the stream SageMaker documents, through pipes that can be read again each epoch."""

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fasttext_classifier.channel import read_records

from labelloop.local.pipe_channel import PipeChannel, wrap_record
from tests.local.conftest import OpenAws, put_lines, train

READ_TWO_EPOCHS = """
import json, os, pathlib
root = pathlib.Path(os.environ["ML_ROOT"])
epochs = [(root / f"input/data/train_{epoch}").read_bytes().hex() for epoch in range(2)]
(root / "model/epochs.json").write_text(json.dumps(epochs))
config = json.loads((root / "input/config/inputdataconfig.json").read_text())
assert config["train"]["TrainingInputMode"] == "Pipe" and config["train"]["RecordWrapperType"] == "RecordIO"
"""


def manifest_channel(**changes: Any) -> dict[str, Any]:
    source = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": "s3://data/in/train.jsonl",
        "AttributeNames": ["source", "category"],
    }
    channel = {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": source},
        "ContentType": "application/x-recordio",
        "InputMode": "Pipe",
        "RecordWrapperType": "RecordIO",
    }
    return {**channel, **changes}


def container(folder: Path, program: str) -> Path:
    folder.mkdir()
    (folder / "train").write_text(program)
    return folder


@pytest.mark.parametrize("record", [b"", b"a", b"abcd", "Schräg".encode() * 100])
def test_a_wrapped_record_is_read_back(record: bytes, tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_bytes(wrap_record(record) * 3)
    assert file.stat().st_size % 4 == 0
    with file.open("rb") as stream:
        assert list(read_records(stream)) == [record] * 3


def test_an_augmented_manifest_is_streamed_each_epoch_anew(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws(model_container=container(tmp_path / "container", READ_TWO_EPOCHS))
    put_lines(
        aws, "in/train.jsonl", [{"category": 0, "source": "ä", "n": 1}, {"source": "b", "category": "1"}]
    )
    job = train(aws, InputDataConfig=[manifest_channel()])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    stream = b"".join(map(wrap_record, ["ä".encode(), b"0", b"b", b"1"]))
    body = aws.client("s3").get_object(Bucket="data", Key="out/train-1/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        epochs = json.load(tar.extractfile("epochs.json"))  # type: ignore[arg-type]
    assert epochs == [stream.hex()] * 2


def test_a_line_without_an_attribute_fails_the_job_before_the_container_waits(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    aws = open_aws(model_container=container(tmp_path / "container", READ_TWO_EPOCHS))
    put_lines(aws, "in/train.jsonl", [{"source": "a", "category": 0}, {"source": "b"}])
    job = train(aws, InputDataConfig=[manifest_channel()])
    assert job["TrainingJobStatus"] == "Failed"
    assert "line 2 of s3://data/in/train.jsonl lacks the attribute 'category'" in job["FailureReason"]


def test_a_container_that_reads_no_pipe_ends_all_the_same(open_aws: OpenAws, tmp_path: Path) -> None:
    aws = open_aws(model_container=container(tmp_path / "container", "pass"))
    put_lines(aws, "in/train.jsonl", [{"source": "a", "category": 0}])
    assert train(aws, InputDataConfig=[manifest_channel()])["TrainingJobStatus"] == "Completed"


def test_a_reader_that_leaves_early_gets_the_next_epoch_whole(tmp_path: Path) -> None:
    def records() -> Iterator[bytes]:
        yield from [b"x" * 1_000_000] * 3

    channel = PipeChannel(tmp_path, "train", records)
    try:
        with (tmp_path / "train_0").open("rb") as stream:
            stream.read(10)
        assert len((tmp_path / "train_1").read_bytes()) == 3_000_000
    finally:
        channel.close()
    assert "labelloop pipe train" not in [thread.name for thread in threading.enumerate()]


def test_checkpoints_come_from_s3_and_go_there(open_aws: OpenAws, tmp_path: Path) -> None:
    program = """
import os, pathlib
folder = pathlib.Path(os.environ["ML_ROOT"]) / "checkpoints"
found = sorted(path.name for path in folder.iterdir())
(folder / f"step-{len(found)}").write_text(" ".join(found))
(folder.parent / "model/found").write_text(" ".join(found))
"""
    aws = open_aws(model_container=container(tmp_path / "container", program))
    kept = {"CheckpointConfig": {"S3Uri": "s3://data/kept"}}
    for name in ("one", "two"):
        job = train(aws, name, **kept)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = aws.client("s3").list_objects_v2(Bucket="data", Prefix="kept/")["Contents"]
    assert [item["Key"] for item in found] == ["kept/step-0", "kept/step-1"]
    assert aws.client("s3").get_object(Bucket="data", Key="kept/step-1")["Body"].read() == b"step-0"


def test_without_a_checkpoint_configuration_there_is_no_folder_for_them(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    program = "import os, pathlib; assert not (pathlib.Path(os.environ['ML_ROOT']) / 'checkpoints').exists()"
    aws = open_aws(model_container=container(tmp_path / "container", program))
    assert train(aws)["TrainingJobStatus"] == "Completed"

"""The local AWS as a whole: what it keeps out, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.local.conftest import (
    HERE,
    OpenAws,
    invoke,
    machine,
    passes,
    put_lines,
    train,
    training_request,
    write_stack,
)

# Runs a machine that writes an object a state, for ever, on the stack in the folder given.
ENDLESS = """
import sys
from pathlib import Path
from labelloop.local.aws import LocalAws
folder = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
with LocalAws(
    template=folder / "template.yaml", s3_root=folder / "s3", model_container=folder, annotators=None,
    logs=folder / "logs",
) as aws:
    arn = aws.start_execution("Machine", "endless", {"n": 1})
    print("started", flush=True)
    aws.wait(arn)
"""
WRITE_FOR_EVER = machine(
    Write=invoke(
        "PutObject",
        {
            "Bucket": "data",
            "Key": "{% 'out/' & $string($states.input.n) %}",
            "Body": "{% $pad('', 100000, $string($states.input.n % 10)) %}",
        },
        End=None,
        Output={"n": "{% $states.input.n + 1 %}"},
        Next="Again",
    ),
    Again=passes(Next="Write"),
)


@pytest.fixture
def endless(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs a machine without an end on the folder; it is killed where a test has not."""
    process = start_endless(tmp_path)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def start_endless(folder: Path) -> "subprocess.Popen[str]":
    write_stack(folder, {"Machine": WRITE_FOR_EVER})
    (folder / "s3/data").mkdir(parents=True)
    command = [sys.executable, "-c", ENDLESS, str(folder), str(HERE)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def await_object(folder: Path, key: str) -> None:
    until = time.monotonic() + 300
    while not (folder / "s3/data" / key).exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_nothing_of_the_users_aws_settings_is_used_and_all_are_back_afterwards(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(
        "[profile mine]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:9\n"
    )
    settings = {
        "AWS_PROFILE": "mine",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "the-users-own",
        "AWS_SESSION_TOKEN": "the-users-own",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    aws = open_aws()
    client = boto3.client("s3")
    assert client.meta.region_name == "us-east-1"
    assert client._request_signer._credentials.access_key != "the-users-own"  # type: ignore[attr-defined]
    client.put_object(Bucket="data", Key="a", Body=b"1")
    aws.__exit__(None, None, None)
    assert dict(os.environ) == before


def test_no_connection_leaves_this_machine(open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect
    elsewhere: list[Any] = []

    def watched(self: socket.socket, address: Any) -> None:
        if not str(address[0]).startswith("127."):
            elsewhere.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    aws = open_aws({"Machine": machine(A=invoke("PutObject", {"Bucket": "data", "Key": "a", "Body": "1"}))})
    train(aws)
    assert aws.run("Machine", "test", {}).status == "SUCCEEDED"
    assert elsewhere == []


def test_a_file_loaded_at_the_start_is_seen_by_plain_clients(open_aws: OpenAws, tmp_path: Path) -> None:
    (tmp_path / "s3/data").mkdir(parents=True, exist_ok=True)
    (tmp_path / "s3/data/in.jsonl").write_text('{"a": 1}\n')
    aws = open_aws()
    assert json.loads(aws.client("s3").get_object(Bucket="data", Key="in.jsonl")["Body"].read()) == {"a": 1}


def test_it_can_be_entered_again_on_what_it_left(open_aws: OpenAws) -> None:
    first = open_aws()
    put_lines(first, "kept", [1])
    first.__exit__(None, None, None)
    second = open_aws()
    assert second.client("s3").head_object(Bucket="data", Key="kept")["ContentLength"] == 2


def test_nothing_is_left_when_it_closes_with_a_job_under_way(open_aws: OpenAws, tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    container = tmp_path / "container"
    container.mkdir()
    (container / "train").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    aws = open_aws(model_container=container)
    put_lines(aws, "train/a", [1])
    aws.client("sagemaker").create_training_job(**training_request())
    log = tmp_path / "logs/training-job-train-1.log"
    until = time.monotonic() + 300
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.01)
    aws.__exit__(None, None, None)
    assert not Path(f"/proc/{log.read_text().strip()}").exists()
    assert set(threading.enumerate()) == threads


@pytest.mark.slow
def test_kill_9_leaves_only_whole_objects(tmp_path: Path, endless: "subprocess.Popen[str]") -> None:
    await_object(tmp_path, "out/3")
    endless.kill()
    endless.communicate()
    written = sorted((tmp_path / "s3/data/out").iterdir(), key=lambda path: int(path.name))
    assert [path.name for path in written] == [str(n) for n in range(1, len(written) + 1)]
    assert all(path.read_text() == str(int(path.name) % 10) * 100_000 for path in written)


@pytest.mark.slow
def test_ctrl_c_ends_the_process_soon_and_cleanly(tmp_path: Path, endless: "subprocess.Popen[str]") -> None:
    await_object(tmp_path, "out/2")
    endless.send_signal(signal.SIGINT)
    _, errors = endless.communicate(timeout=300)
    assert endless.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1
    assert not (tmp_path / "s3/.labelloop-writing").exists()

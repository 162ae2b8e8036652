"""A model container in Docker: what a job of SageMaker's can rely on."""

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from labelloop.local.docker import DockerContainer, DockerError, bridge_address, require_image

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("docker")]


@pytest.fixture
def ml_root(tmp_path: Path) -> Path:
    for name in ("input/config", "input/data/train", "model", "output/data"):
        (tmp_path / "ml" / name).mkdir(parents=True)
    root = tmp_path / "ml"
    (root / "input/config/hyperparameters.json").write_text('{"num_classes": "2"}')
    records = [{"source": "good", "category": 0}, {"source": "bad", "category": 1}]
    (root / "input/data/train/a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return root


def running_containers() -> str:
    listed = subprocess.run(
        ["docker", "ps", "--filter", "name=labelloop-", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
    )
    return listed.stdout


def await_text(log: Path, text: str) -> None:
    until = time.monotonic() + 60
    while text not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


def test_a_training_leaves_its_model_to_the_user_who_ran_it(
    stand_in_image: str, ml_root: Path, tmp_path: Path
) -> None:
    running = DockerContainer(stand_in_image).train(ml_root, {"TRAINING_JOB_NAME": "one"}, tmp_path / "log")
    assert running.wait(60)
    assert running.exit_code() == 0, (tmp_path / "log").read_text()
    model = ml_root / "model/counts.json"
    assert json.loads(model.read_text())["counts"] == {"0": {"good": 1}, "1": {"bad": 1}}
    assert model.stat().st_uid == os.getuid()
    assert "training one for 2 classes" in (tmp_path / "log").read_text()


def test_a_failing_training_keeps_its_exit_code_and_its_failure_file(
    stand_in_image: str, ml_root: Path, tmp_path: Path
) -> None:
    running = DockerContainer(stand_in_image).train(ml_root, {"STAND_IN_TRAIN": "fail"}, tmp_path / "log")
    assert running.wait(60)
    assert running.exit_code() == 1
    assert (ml_root / "output/failure").read_text() == "the stand-in was told to fail"


def test_sigterm_reaches_the_training_which_ends_in_good_order(
    stand_in_image: str, ml_root: Path, tmp_path: Path
) -> None:
    running = DockerContainer(stand_in_image).train(ml_root, {"STAND_IN_TRAIN": "hang"}, tmp_path / "log")
    await_text(tmp_path / "log", "hanging")
    assert running.exit_code() is None
    running.terminate()
    assert running.wait(30)
    assert running.exit_code() == 0
    assert (ml_root / "model/counts.json").exists()


def test_what_ignores_sigterm_is_killed_and_leaves_no_container(
    stand_in_image: str, ml_root: Path, tmp_path: Path
) -> None:
    told = {"STAND_IN_TRAIN": "ignore-sigterm"}
    running = DockerContainer(stand_in_image).train(ml_root, told, tmp_path / "log")
    await_text(tmp_path / "log", "hanging")
    assert "labelloop-train-" in running_containers()
    running.terminate()
    assert not running.wait(1)
    running.kill()
    assert running.wait(30)
    assert "labelloop-train-" not in running_containers()


def test_serving_answers_on_the_loopback_port_it_was_given(
    stand_in_image: str, ml_root: Path, tmp_path: Path
) -> None:
    container = DockerContainer(stand_in_image, cpus=0.5)
    assert container.train(ml_root, {}, tmp_path / "log").wait(60)
    running, port = container.serve(ml_root, {}, tmp_path / "log")
    try:
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert time.monotonic() < until, (tmp_path / "log").read_text()
                time.sleep(0.1)
    finally:
        running.terminate()
        running.wait(10)
        running.kill()


def test_an_image_that_is_not_here_is_named(docker_engine: None) -> None:
    with pytest.raises(DockerError, match="no image labelloop-nobody:never"):
        require_image("labelloop-nobody:never")


def test_containers_reach_this_machine_at_the_bridges_address(docker_engine: None) -> None:
    assert bridge_address().count(".") == 3

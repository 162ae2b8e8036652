"""The images of the stack, built once as a user builds them. Without a Docker engine: skipped."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelloop.local.application import BUILT_MODEL_IMAGE
from tests.docker_builds import ONE_BUILD
from tests.docker_leftovers import OWNED, remove_leftovers

ROOT = Path(__file__).parents[2]
_BUILD_SECONDS = 1200
_OF_THE_APPLICATION = ("template.yaml", "statemachine", "model_container", ".aws-sam", ".sam")


@pytest.fixture(scope="session")
def docker_engine() -> None:
    if shutil.which("docker") is None:
        pytest.skip("there is no docker command")
    found = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"no Docker engine answers: {found.stderr.strip()}")
    remove_leftovers()


@pytest.fixture(scope="session")
def built(docker_engine: None) -> None:
    """`make build`: both images, and SAM."""
    make_build()


def make_build() -> str:
    """Run `make build` as a user does; what it prints."""
    with ONE_BUILD:
        done = subprocess.run(
            ["make", "build"], cwd=ROOT, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def application(built: None, tmp_path: Path) -> Path:
    """The checkout with the image's own sentence encoder, so that processes use the same."""
    folder = tmp_path / "application"
    folder.mkdir()
    for name in _OF_THE_APPLICATION:
        (folder / name).symlink_to(ROOT / name)
    container = docker("create", BUILT_MODEL_IMAGE)
    try:
        docker("cp", f"{container}:/opt/encoder", str(folder / ".encoder"))
    finally:
        docker("rm", container)
    return folder


@pytest.fixture(scope="session")
def stand_in_image(docker_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stand-in container of `tests/local` as an image."""
    folder = tmp_path_factory.mktemp("image")
    for program in ("train", "serve"):
        shutil.copy(ROOT / "tests/local/stand_in_container" / program, folder / program)
        (folder / program).chmod(0o755)
        text = (folder / program).read_text()
        if not text.startswith("#!"):
            (folder / program).write_text(f"#!/usr/bin/env python3\n{text}")
    (folder / "Dockerfile").write_text(
        "FROM python:3.13-slim\nCOPY train serve /opt/program/\nENV PATH=/opt/program:$PATH\n"
    )
    name = f"labelloop-stand-in:{os.getpid()}"
    docker("build", OWNED, "--tag", name, str(folder))
    yield name
    docker("rmi", name)


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

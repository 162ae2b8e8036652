"""The sentence encoder is a build argument: none, or a folder of the context with its weights' SHA-256."""

import hashlib
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.container.conftest import MODEL_CONTAINER
from tests.container.tiny_bert import make_tiny_bert
from tests.container_image.conftest import docker

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("model image")]

Build = Callable[..., "tuple[subprocess.CompletedProcess[str], str]"]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The build context, with an encoder's folder in it."""
    folder = tmp_path / "context"
    shutil.copytree(MODEL_CONTAINER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    make_tiny_bert(folder / "encoders" / "tiny")
    return folder


@pytest.fixture
def build(image: str, context: Path) -> Iterator[Build]:
    """Builds with the arguments; all but the encoder is there already, from the image of the other tests."""
    tags: list[str] = []

    def build(**arguments: str) -> "tuple[subprocess.CompletedProcess[str], str]":
        tags.append(f"labelloop-model:{uuid.uuid4().hex[:12]}")
        given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        return docker("build", "--tag", tags[-1], *given, str(context), timeout=600), tags[-1]

    yield build
    docker("rmi", "--force", *tags)


def files_of(tag: str) -> list[str]:
    listed = docker("run", "--rm", tag, "sh", "-c", "ls /opt/encoder && cat /opt/encoder/config.json || true")
    assert listed.returncode == 0, listed.stderr
    return listed.stdout.split("\n")


def test_none_leaves_the_image_without_one(build: Build) -> None:
    built, tag = build(SENTENCE_ENCODER="none")
    assert built.returncode == 0, built.stdout
    assert files_of(tag) == [""]


def test_a_folder_of_the_context_is_baked_in(build: Build, context: Path) -> None:
    weights = (context / "encoders/tiny/model.safetensors").read_bytes()
    built, tag = build(
        SENTENCE_ENCODER="encoders/tiny", SENTENCE_ENCODER_SHA256=hashlib.sha256(weights).hexdigest()
    )
    assert built.returncode == 0, built.stdout
    found = files_of(tag)
    assert found[:3] == ["config.json", "model.safetensors", "tokenizer.json"]
    assert '"hidden_size": 16' in found[3]


def test_other_weights_than_those_pinned_end_the_build(build: Build) -> None:
    built, _ = build(SENTENCE_ENCODER="encoders/tiny")
    assert built.returncode != 0
    assert "has the SHA-256" in built.stdout + built.stderr
    assert "not 53aa51172d142c89" in built.stdout + built.stderr

"""A training job's folder tree, filled as SageMaker fills it, and the two programs run on it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from classifier.model import Classifier

MODEL_CONTAINER = Path(__file__).parents[2] / "model_container"

Lines = Iterable[dict[str, Any] | str | bytes]
MakeJob = Callable[..., "Job"]


@dataclass(frozen=True)
class Job:
    """A tree with its configuration and channels."""

    root: Path

    def configure(self, **hyperparameters: object) -> "Job":
        """Writes the hyperparameters as SageMaker does: strings all of them."""
        texts = {name: str(value) for name, value in hyperparameters.items()}
        self._write("input/config/hyperparameters.json", json.dumps(texts).encode())
        return self

    def add_channel(self, name: str, *files: Lines, mode: str = "File") -> "Job":
        """Adds a channel with one file for each list of lines; none: the channel is there, but empty."""
        config = self.root / "input/config/inputdataconfig.json"
        channels = json.loads(config.read_bytes()) if config.exists() else {}
        channels[name] = {"TrainingInputMode": mode, "S3DistributionType": "FullyReplicated"}
        self._write("input/config/inputdataconfig.json", json.dumps(channels).encode())
        (self.root / "input/data" / name).mkdir(parents=True, exist_ok=True)
        for number, lines in enumerate(files):
            content = b"".join(_line(line) + b"\n" for line in lines)
            self._write(f"input/data/{name}/part-{number}.manifest", content)
        return self

    def run(
        self, program: str, timeout: float = 300, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `train` or `serve` on this tree to its end."""
        return subprocess.run(
            [sys.executable, MODEL_CONTAINER / program],
            env={**os.environ, "ML_ROOT": str(self.root), **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @property
    def failure(self) -> str:
        return (self.root / "output/failure").read_text(encoding="utf-8")

    @property
    def model(self) -> Path:
        return self.root / "model"

    def _write(self, path: str, content: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _line(line: dict[str, Any] | str | bytes) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()


@pytest.fixture(scope="session")
def make_job(tmp_path_factory: pytest.TempPathFactory) -> MakeJob:
    """Makes an empty tree with the hyperparameters given, by default two classes under `category`."""

    def make(**hyperparameters: object) -> Job:
        settings = {"num_classes": 2, "label_attribute": "category", **hyperparameters}
        return Job(tmp_path_factory.mktemp("ml")).configure(**settings)

    return make


def load_classifier(model: Path) -> "Classifier":
    """The model of a training without a sentence encoder.

    It imports TensorFlow, which takes seconds: so not whenever tests are collected.
    """
    from text_classifier import classifier

    return classifier.load_classifier(model, None)


@pytest.fixture(scope="session", autouse=True)
def _no_encoder_unless_the_test_names_one() -> Iterator[None]:
    """Keeps what this machine has out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTENCE_ENCODER", "none")
        patch.delenv("ENCODING_CACHE", raising=False)
        yield


@pytest.fixture
def keep_sigterm() -> Iterator[None]:
    """Gives SIGTERM its handler back after a test that trains in this process."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)

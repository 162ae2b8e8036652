"""The built image, run as SageMaker runs it: without a network, its input read-only."""

import http.client
import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.container.conftest import MODEL_CONTAINER, Job
from tests.docker_builds import ONE_BUILD
from tests.docker_leftovers import OWNED, remove_leftovers

IMAGE = "labelloop-model:tests"
NOBODY = "12345:12345"
WORDS = (
    ["bank", "shares", "market", "rates"],
    ["film", "singer", "stage", "song"],
    ["cell", "virus", "cure"],
)
PATIENCE_SECONDS = 300
JSON_LINES = {"Content-Type": "application/jsonlines"}


def records(size: int) -> list[dict[str, Any]]:
    """Texts of three classes in turn, no two alike, that a model tells apart with ease."""
    made = []
    for number in range(size):
        words = WORDS[number % len(WORDS)]
        text = f"{words[number % len(words)]} and {words[(number // 3 + 1) % len(words)]} in place {number}"
        made.append({"labelloop-id": number, "source": text, "category": number % len(WORDS)})
    return made


def docker(*arguments: str, timeout: float = PATIENCE_SECONDS) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


@dataclass(frozen=True)
class Container:
    """A container that runs in the background."""

    name: str

    def await_line(self, words: str) -> None:
        """Waits until the container prints a line with these words."""
        command = ["docker", "logs", "--follow", self.name]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as following:
            assert following.stdout is not None
            lines = []
            for line in following.stdout:
                lines.append(line)
                if words in line:
                    following.kill()
                    return
        pytest.fail(f"the container ended and never said {words!r}: {''.join(lines)}")

    def stop(self, seconds: int) -> tuple[int, float]:
        """SIGTERM, and SIGKILL after so many seconds; the exit code, and the seconds it took."""
        started = time.monotonic()
        docker("stop", "--time", str(seconds), self.name)
        return self.exit_code(), time.monotonic() - started

    def exit_code(self) -> int:
        return int(docker("wait", self.name).stdout)

    def python(self, code: str) -> "subprocess.CompletedProcess[str]":
        """Runs Python inside the container."""
        return docker("exec", self.name, "python", "-c", code)

    @property
    def port(self) -> int:
        """Where port 8080 of the container is on this machine."""
        return int(docker("port", self.name, "8080").stdout.splitlines()[0].rpartition(":")[2])


Start = Callable[..., Container]


@pytest.fixture(scope="session")
def image() -> str:
    """The image of $MODEL_IMAGE, else one built from the checkout."""
    if shutil.which("docker") is None or docker("info").returncode:
        pytest.skip("no Docker engine answers on this machine")
    remove_leftovers()
    named = os.environ.get("MODEL_IMAGE")
    if named:
        return named
    before = docker("images", "--quiet", "--no-trunc", IMAGE).stdout.strip()
    with ONE_BUILD:
        built = docker("build", "--quiet", "--tag", IMAGE, str(MODEL_CONTAINER), timeout=1200)
    assert built.returncode == 0, built.stderr
    # One is kept, for what the next build takes from it. Not by force: another name may be on it.
    if before and before not in built.stdout:
        docker("rmi", before)
    return IMAGE


@pytest.fixture(scope="session")
def start(image: str) -> Iterator[Start]:
    """Starts containers, and removes them when the tests end."""
    names: list[str] = []

    def start(program: str, *options: str) -> Container:
        name = f"labelloop-test-{uuid.uuid4().hex[:12]}"
        names.append(name)
        ran = docker("run", OWNED, "--detach", "--name", name, *options, image, program)
        assert ran.returncode == 0, ran.stderr
        return Container(name)

    yield start
    if names:
        docker("rm", "--force", "--volumes", *names)


def mounts(root: Path) -> Sequence[str]:
    """A training job's tree, its input read-only."""
    return ("--volume", f"{root}:/opt/ml", "--volume", f"{root}/input:/opt/ml/input:ro")


@pytest.fixture(scope="session")
def train(image: str) -> "Callable[..., subprocess.CompletedProcess[str]]":
    """Runs a training to its end."""

    def train(job: Job, *options: str) -> "subprocess.CompletedProcess[str]":
        for folder in ("input/data", "model", "output"):
            (job.root / folder).mkdir(parents=True, exist_ok=True)
        return docker("run", OWNED, "--rm", "--network", "none", *mounts(job.root), *options, image, "train")

    return train


@pytest.fixture(scope="session")
def new_job(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Job]:
    """Makes a tree for three classes, that anybody may read."""

    def make(**hyperparameters: object) -> Job:
        root = tmp_path_factory.mktemp("ml")
        root.chmod(0o755)
        root.parent.chmod(0o755)
        settings = {"num_classes": 3, "label_attribute": "category", "epochs": 10, **hyperparameters}
        return Job(root).configure(**settings)

    return make


@pytest.fixture(scope="session")
def trained(
    new_job: Callable[..., Job], train: "Callable[..., subprocess.CompletedProcess[str]]"
) -> tuple[Job, "subprocess.CompletedProcess[str]"]:
    """A training with an empty validation channel, and how it went."""
    job = new_job().add_channel("train", records(90)).add_channel("validation", [])
    return job, train(job)


class Client:
    """Speaks to the server, one connection a request."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 120,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ping(self) -> int:
        """SageMaker waits 2 seconds for the answer."""
        return self.request("GET", "/ping", timeout=2)[0]

    def invoke(self, body: bytes) -> tuple[int, list[dict[str, Any]]]:
        status, content = self.request("POST", "/invocations", body, headers=JSON_LINES)
        return status, [json.loads(line) for line in content.splitlines()]


@pytest.fixture(scope="session")
def server(start: Start, trained: tuple[Job, Any]) -> Client:
    """The trained model, served; it answers /ping from the moment it says that it serves."""
    model = trained[0].model
    container = start("serve", "--publish", "127.0.0.1::8080", "--volume", f"{model}:/opt/ml/model:ro")
    container.await_line("Serving on")
    client = Client(container.port)
    assert client.ping() == 200
    return client

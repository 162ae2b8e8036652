"""A built image as the model container, and what else is asked of Docker, through its command line."""

import ipaddress
import json
import os
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labelloop.core.errors import LabelloopError
from labelloop.local.child_process import RunningProcess, free_port, start_process
from labelloop.local.container_process import RunningContainer

_SERVING_PORT = 8080
_S3_FOLDER = "/opt/s3"


class DockerError(LabelloopError):
    """Raised when the Docker engine does not answer, or lacks what is needed."""


def bridge_address() -> str:
    """The IP address by which containers reach this machine.

    Raises `DockerError` when the engine does not answer or has no bridge network.
    """
    config = json.loads(_docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"))
    for network in config or ():
        # A new engine names no gateway until it is restarted: it is the first address.
        if "Subnet" in network:
            return str(network.get("Gateway") or next(ipaddress.ip_network(network["Subnet"]).hosts()))
    raise DockerError(
        "Docker's bridge network has no address: give one that containers can reach with --host"
    )


def require_image(image: str) -> None:
    """Raises `DockerError` when there is no such image on this machine."""
    try:
        _docker("image", "inspect", "--format", "{{.Id}}", image)
    except DockerError as error:
        if "No such image" not in str(error):
            raise
        raise DockerError(
            f"there is no image {image} on this machine: build it (make build), or pull it"
        ) from error


@dataclass(frozen=True)
class DockerContainer:
    """A model container in the form of an image: `docker run IMAGE train`, `docker run IMAGE serve`.

    `/opt/ml` is the job's folder; files in it belong to the present user. Training has no network, as with
    SageMaker's network isolation. `cpus` limits the processors of a container (None: all).
    """

    image: str
    cpus: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    s3_root: Path | None = None  # the folder that stands for S3; the container may read it

    def train(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> RunningContainer:
        """Runs `train` without a network."""
        return self._start("train", ["--network", "none"], ml_root, environment, log)

    def serve(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> tuple[RunningContainer, int]:
        """Runs `serve` and publishes its port on the loopback interface only."""
        port = free_port()
        published = ["--publish", f"127.0.0.1:{port}:{_SERVING_PORT}"]
        return self._start("serve", published, ml_root, environment, log), port

    def _start(
        self,
        program: str,
        network: Sequence[str],
        ml_root: Path,
        environment: Mapping[str, str],
        log: Path,
    ) -> RunningContainer:
        name = f"labelloop-{program}-{uuid.uuid4().hex[:12]}"
        variables = {"HOME": "/tmp", **self.environment, **environment}  # noqa: S108 the container's own
        volumes = [f"{ml_root}:/opt/ml"]
        if self.s3_root is not None:
            volumes.append(f"{self.s3_root.resolve()}:{_S3_FOLDER}:ro")
            variables["S3_FOLDER"] = _S3_FOLDER
        command = [
            *("docker", "run", "--rm", "--name", name, *network),
            *(part for volume in volumes for part in ("--volume", volume)),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *(() if self.cpus is None else ("--cpus", str(self.cpus))),
            *(part for key, value in variables.items() for part in ("--env", f"{key}={value}")),
            *(self.image, program),
        ]
        process = start_process(
            command,
            folder=ml_root,
            environment=os.environ,
            log=log,
            # The docker command passes it on to the container.
            death_signal=signal.SIGTERM,
        )
        return _RunningInDocker(name, process)


class _RunningInDocker:
    """A container behind the `docker run` that waits for it: signals and the exit code pass through."""

    def __init__(self, name: str, process: RunningProcess) -> None:
        self._name = name
        self._process = process
        self.exit_code = process.exit_code
        self.terminate = process.terminate
        self.wait = process.wait

    def kill(self) -> None:
        """Kills the container, which killing `docker run` would leave behind."""
        if self._process.exit_code() is None:
            kill_container(self._name)
            self._process.wait(10)
        self._process.kill()


def kill_container(name: str) -> None:
    """Ends a container at once; does nothing if it is already gone."""
    subprocess.run(["docker", "kill", name], capture_output=True, check=False)


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DockerError("there is no docker command: install Docker") from error
    if done.returncode != 0:
        raise DockerError(f"docker {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()

"""A model container that is a built image, run by Docker as SageMaker runs it."""

import os
import signal
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labelloop.local.child_process import RunningProcess, free_port, start_process
from labelloop.local.container_process import RunningContainer
from labelloop.local.docker_engine import kill_container

_SERVING_PORT = 8080


@dataclass(frozen=True)
class DockerContainer:
    """A model container that is an image on this machine: `docker run IMAGE train`, `docker run IMAGE serve`.

    `/opt/ml` is the job's folder; files in it belong to the user who runs this. Training gets no network, as
    with SageMaker's network isolation. `cpus` limits the processors of a container (None: all).
    """

    image: str
    cpus: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def train(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> RunningContainer:
        """Runs `train` without a network."""
        return self._start("train", ["--network", "none"], ml_root, environment, log)

    def serve(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> tuple[RunningContainer, int]:
        """Runs `serve` and publishes its port on the loopback interface alone."""
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
        command = [
            *("docker", "run", "--rm", "--name", name, *network),
            *("--volume", f"{ml_root}:/opt/ml", "--user", f"{os.getuid()}:{os.getgid()}"),
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
    """A container, by the `docker run` that waits for it: signals and the exit code pass through."""

    def __init__(self, name: str, process: RunningProcess) -> None:
        self._name = name
        self._process = process
        self.exit_code = process.exit_code
        self.terminate = process.terminate
        self.wait = process.wait

    def kill(self) -> None:
        """Kills the container, which `docker run` dying would leave behind."""
        if self._process.exit_code() is None:
            kill_container(self._name)
            self._process.wait(10)
        self._process.kill()

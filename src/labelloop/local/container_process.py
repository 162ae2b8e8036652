"""The `train` and `serve` of a model container, run as processes.

`ModelContainer` is the interface: `local.docker` runs the same two commands in a built image.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from labelloop.local.child_process import free_port, start_process

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


class RunningContainer(Protocol):
    """A running container, in Docker's terms: stopped by SIGTERM, then killed."""

    def exit_code(self) -> int | None:
        """The exit code, or None while it is running; negative when a signal ended it."""
        ...

    def terminate(self) -> None:
        """Asks it to end (SIGTERM)."""
        ...

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        ...

    def wait(self, seconds: float) -> bool:
        """Waits until it has ended, at most so long. True if it has."""
        ...


class ModelContainer(Protocol):
    """What SageMaker runs for a training job and for a transform job.

    `ml_root` is the folder that stands for `/opt/ml`; `log` gets what the container prints.
    """

    def train(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> RunningContainer:
        """Starts a training."""
        ...

    def serve(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> tuple[RunningContainer, int]:
        """Starts a server; returns it with its port on the loopback interface."""
        ...


@dataclass(frozen=True)
class ProcessContainer:
    """A model container in the form of a folder with the Python programs `train` and `serve`.

    `environment` is what the image would set with `ENV`; a job's own environment overrides it.
    `start` starts a command as `start_process` does.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    start: Callable[..., RunningContainer] = start_process

    def train(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> RunningContainer:
        """Runs `train` with `ML_ROOT` set to `ml_root`."""
        return self._start("train", ml_root, environment, log)

    def serve(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> tuple[RunningContainer, int]:
        """Runs `serve` on a free port of the loopback interface."""
        port = free_port()
        address = {"SAGEMAKER_BIND_TO_PORT": str(port), "BIND_HOST": "127.0.0.1"}
        return self._start("serve", ml_root, {**environment, **address}, log), port

    def _start(
        self, program: str, ml_root: Path, environment: Mapping[str, str], log: Path
    ) -> RunningContainer:
        path = self.folder / program
        if not path.is_file():
            raise FileNotFoundError(f"the model container {self.folder} has no program '{program}'")
        return self.start(
            [sys.executable, str(path)],
            folder=ml_root,
            environment=_clean_environment(ml_root, {**self.environment, **environment}),
            log=log,
        )


def _clean_environment(ml_root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container: without the user's settings, keys and home."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {
        "ML_ROOT": str(ml_root),
        "HOME": str(ml_root),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**passed_on, **own, **environment}

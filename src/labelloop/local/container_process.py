"""A model container's `train` and `serve`, run as processes.

`ModelContainer` is the seam: what runs the same two commands of a built image in Docker fits in here too.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

# Has Linux kill this process when ours dies, `kill -9` included, then becomes the command. It is a program of
# its own because Python code between fork and exec may deadlock where there are threads.
_DIE_WITH_PARENT = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, 9, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the process that started this one is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


class RunningContainer(Protocol):
    """A container that runs, in Docker's terms: stopped by SIGTERM, then killed."""

    def exit_code(self) -> int | None:
        """The exit code, or None as long as it runs; negative when a signal ended it."""
        ...

    def terminate(self) -> None:
        """Asks it to end (SIGTERM)."""
        ...

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        ...

    def wait(self, seconds: float) -> bool:
        """Waits until it has ended, at most so long; True when it has."""
        ...


class ModelContainer(Protocol):
    """What SageMaker runs for a training job and for a transform job.

    `ml_root` is the folder that stands for `/opt/ml`; `log` receives what the container prints.
    """

    def train(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> RunningContainer:
        """Starts a training."""
        ...

    def serve(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> tuple[RunningContainer, int]:
        """Starts a server; returns it with its port on the loopback interface."""
        ...


@dataclass(frozen=True)
class ProcessContainer:
    """A model container that is a folder with the Python programs `train` and `serve`.

    `environment` is what the image would set with `ENV`; a job's own environment stands over it.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def train(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> RunningContainer:
        """Runs `train` with `ML_ROOT` set to `ml_root`."""
        return self._start("train", ml_root, environment, log)

    def serve(self, ml_root: Path, environment: Mapping[str, str], log: Path) -> tuple[RunningContainer, int]:
        """Runs `serve` on a free port of the loopback interface."""
        port = _free_port()
        address = {"SAGEMAKER_BIND_TO_PORT": str(port), "BIND_HOST": "127.0.0.1"}
        return self._start("serve", ml_root, {**environment, **address}, log), port

    def _start(
        self, program: str, ml_root: Path, environment: Mapping[str, str], log: Path
    ) -> "RunningProcess":
        path = self.folder / program
        if not path.is_file():
            raise FileNotFoundError(f"the model container {self.folder} has no program '{program}'")
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            _DIE_WITH_PARENT,
            str(os.getpid()),
            sys.executable,
            str(path),
        ]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=ml_root,
                env=_clean_environment(ml_root, {**self.environment, **environment}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C is for us, who then end the job in good order.
                start_new_session=True,
            )
        return RunningProcess(process)


class RunningProcess:
    """A process with all that it has started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def exit_code(self) -> int | None:
        """The exit code, or None as long as it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Sends SIGTERM to the process, as Docker does: not to its children."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Sends SIGKILL to the whole group, so that a child of the process does not stay behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Waits until the process has ended; True when it has."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def _clean_environment(ml_root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What a container sees: nothing of the user's settings, keys or home."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {
        "ML_ROOT": str(ml_root),
        "HOME": str(ml_root),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**passed_on, **own, **environment}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port

"""Processes that never outlive this one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Has Linux send this process a signal when ours dies, `kill -9` included, then becomes the command. It is a
# program of its own because Python code between fork and exec may deadlock where there are threads.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
# A shell lets what it starts in the background ignore it, and so would all that is started from there.
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, int(sys.argv[2]), 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the process that started this one is gone")
os.execvp(sys.argv[3], sys.argv[3:])
"""


class RunningProcess:
    """A process with all that it has started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def exit_code(self) -> int | None:
        """The exit code, or None as long as it runs; negative when a signal ended it."""
        return self._process.poll()

    def interrupt(self) -> None:
        """Sends SIGINT to the process, as Ctrl-C would."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

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


def start_process(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    death_signal: signal.Signals = signal.SIGKILL,
) -> RunningProcess:
    """Starts a command in `folder`; what it prints is appended to `log`.

    `death_signal` is what it gets when this process dies: one that it can obey where it has to tidy up.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    bound = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), str(int(death_signal))]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*bound, *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl-C is for us, who then end the process in good order.
            start_new_session=True,
        )
    return RunningProcess(process)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port

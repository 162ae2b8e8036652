"""Child processes that never outlive this one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Asks Linux to send this process a signal when ours dies, even by `kill -9`, then becomes the command. It is
# a program of its own because Python code between fork and exec may deadlock when there are threads.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
# A shell makes its background jobs ignore it, and everything started from there would inherit that.
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, int(sys.argv[2]), 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the process that started this one is gone")
os.execvp(sys.argv[3], sys.argv[3:])
"""


class RunningProcess:
    """A process and everything it has started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def exit_code(self) -> int | None:
        """The exit code, or None while it is running; negative when a signal ended it."""
        return self._process.poll()

    def interrupt(self) -> None:
        """Sends SIGINT to the process, as Ctrl-C would."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Sends SIGTERM to the process but not to its children, as Docker does."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Sends SIGKILL to the whole group, so that no child of the process is left behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Waits until the process has ended, at most so long. True if it has."""
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

    It gets `death_signal` when this process dies: one that it can handle if it has to clean up.
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
            # A group of its own: Ctrl-C reaches only us, and we then end the process properly.
            start_new_session=True,
        )
    return RunningProcess(process)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing is listening on at the moment."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port

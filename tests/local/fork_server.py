"""Runs Python programs in forks of one process: starting Python and importing costs more than stand-ins do.

`ForkServer.start` takes the place of `start_process`. A program finds what it would find in a process of its
own: its environment and nothing else, its folder, its log, its signals, its exit code, a process group. It
dies with the process that started the server.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Each number alone: a program that has ended already has told both.
_SIZE = 4
_SERVER = Path(__file__).with_name("fork_server_process.py")


class ForkedProcess:
    """A program with all that it has started."""

    def __init__(self, connection: socket.socket) -> None:
        self._pid = _number(connection.recv(_SIZE))
        self._code: int | None = None
        self._lock = threading.Lock()
        self._end = connection.detach()
        self._close = weakref.finalize(self, os.close, self._end)

    def exit_code(self) -> int | None:
        """The exit code, or None as long as it runs; negative when a signal ended it."""
        self.wait(0)
        return self._code

    def terminate(self) -> None:
        """Sends SIGTERM to the program, as Docker does: not to its children."""
        if self.exit_code() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL to the whole group, so that a child of the program does not stay behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Waits until the program has ended; True when it has."""
        with self._lock:
            if self._code is None and select.select([self._end], [], [], seconds)[0]:
                self._code = _number(os.read(self._end, _SIZE))
                self._close()
        return self._code is not None


class ForkServer:
    """The process that the programs are forks of; `folder` is for its socket.

    `imports`: modules that it imports first, so that no fork has to.
    """

    def __init__(self, folder: Path, imports: Sequence[str] = ()) -> None:
        self._address = str(folder / "forks")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen(64)
            self._process = subprocess.Popen(
                # Unbuffered, as programs of their own are; without what is installed, where nobody wants it.
                [
                    *(sys.executable, "-Iu" if imports else "-ISu", str(_SERVER)),
                    *(str(listener.fileno()), str(os.getpid()), *imports),
                ],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def start(
        self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path
    ) -> ForkedProcess:
        """Starts a Python program in `folder`; what it prints is appended to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        return self._start({"program": command[-1]}, folder, environment, log, log)

    def call(
        self,
        function: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        errors: Path,
    ) -> ForkedProcess:
        """Starts the program that `MODULE:FUNCTION` is, in `folder`; it prints to the end of two files."""
        wanted = {"function": function, "arguments": list(arguments)}
        return self._start(wanted, folder, environment, output, errors)

    def _start(
        self,
        program: dict[str, Any],
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        errors: Path,
    ) -> ForkedProcess:
        wanted = {
            **program,
            "folder": str(folder),
            "log": str(output),
            "errors": str(errors),
            "environment": dict(environment),
        }
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._address)
            connection.sendall(json.dumps(wanted).encode() + b"\n")
            return ForkedProcess(connection)

    def close(self) -> None:
        """Ends the server, and with it every program."""
        self._process.kill()
        self._process.wait()


def _number(told: bytes) -> int:
    return int.from_bytes(told, "big", signed=True)

"""The server of `fork_server.py`. It imports the standard library alone, and what it is told to."""

import collections  # noqa: F401
import ctypes
import gc
import http.server  # noqa: F401
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time  # noqa: F401
import traceback
from pathlib import Path  # noqa: F401
from typing import Any

_DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG
_libc = ctypes.CDLL(None)


def bind_to(parent: int) -> None:
    """Has Linux kill this process when its parent dies, `kill -9` included."""
    if sys.platform == "linux":
        _libc.prctl(_DIE_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def attend(connection: socket.socket) -> None:
    """Runs the program that a connection asks for; tells its process id, then its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile("r") as asked:
        wanted = json.loads(asked.readline())
    me = os.getpid()
    program = os.fork()
    if program == 0:
        bind_to(me)
        connection.close()
        os._exit(run(wanted))
    # Before anybody hears of it, who may then kill its group.
    os.setpgid(program, program)
    tell(connection, program)
    _, status = os.waitpid(program, 0)
    tell(connection, os.waitstatus_to_exitcode(status))


def tell(connection: socket.socket, number: int) -> None:
    connection.sendall(number.to_bytes(4, "big", signed=True))


def run(wanted: dict[str, Any]) -> int:
    """Becomes the program, as far as it can tell; its exit code."""
    for descriptor, name in ((1, "log"), (2, "errors")):
        file = os.open(wanted[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(file, descriptor)
        os.close(file)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if "function" in wanted:
            module, _, function = wanted["function"].partition(":")
            sys.argv = [module, *wanted["arguments"]]
            getattr(importlib.import_module(module), function)()
        else:
            sys.argv = [wanted["program"]]
            runpy.run_path(wanted["program"], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    bind_to(int(sys.argv[2]))
    for module in sys.argv[3:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    # Nobody waits for those who attend.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    me = os.getpid()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            bind_to(me)
            listener.close()
            attend(connection)
            os._exit(0)
        connection.close()


main()

"""`labelloop ...` in a process of its own, which is a fork of one that has imported all it needs.

The imports take longer than most commands do. tests/cli/test_starting.py starts commands without it.
"""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.local.fork_server import ForkServer

_IMPORTS = (
    *("labelloop.cli.main", "labelloop.cli.answers", "labelloop.cli.labels_so_far"),
    *(f"labelloop.cli.{command}" for command in ("label_file", "audit", "run", "export", "simulate")),
    # Of the steps only what is not theirs: their loggers print to what is standard output at their import.
    *("labelloop.local.aws", "labelloop.local.moto_patches", "aws_lambda_powertools", "aws_xray_sdk.core"),
)


def run_labelloop(*arguments: object, seconds: float = 300) -> "subprocess.CompletedProcess[str]":
    """`labelloop ARGUMENTS`, to its end, in this folder and environment.

    Raises TimeoutError, after it has killed the command.
    """
    told = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = _server().call(
            "labelloop.cli.main:main",
            told,
            folder=Path.cwd(),
            environment=os.environ,
            output=output,
            errors=errors,
        )
        if not process.wait(seconds):
            process.kill()
            raise TimeoutError(f"labelloop {told} has not ended:\n{output.read_text()}{errors.read_text()}")
        code = process.exit_code()
        assert code is not None
        return subprocess.CompletedProcess(told, code, output.read_text(), errors.read_text())


@functools.cache
def _server() -> ForkServer:
    """It ends with this process."""
    folder = tempfile.mkdtemp(prefix="labelloop-forks-")
    server = ForkServer(Path(folder), _IMPORTS)
    atexit.register(shutil.rmtree, folder)
    atexit.register(server.close)
    return server

"""The steps in containers: `sam local start-lambda` on the images that `sam build` made."""

import http.client
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labelloop.core.errors import LabelloopError
from labelloop.local.child_process import RunningProcess, free_port, start_process
from labelloop.local.template import REGION

_STARTUP_SECONDS = 60.0
_TIDY_SECONDS = 30.0
# A step may take the 900 s of its timeout, and its container has to start first.
_INVOCATION_SECONDS = 1000.0
_KEYS_OF_AN_ERROR = {"errorType", "errorMessage", "requestId", "stackTrace", "cause"}


class SamError(LabelloopError):
    """Raised when SAM is not installed, nothing was built, or its Lambda service does not start."""


class SamFunctions:
    """Invokes functions that a running `sam local start-lambda` serves."""

    def __init__(self, port: int) -> None:
        self._port = port

    def invoke(self, logical_id: str, payload: bytes) -> tuple[bytes, str | None]:
        """A function's answer to a JSON payload, and `Unhandled` if it is an error of the handler."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_INVOCATION_SECONDS)
        try:
            connection.request("POST", f"/2015-03-31/functions/{logical_id}/invocations", payload)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            return _error("Sam.ServiceException", body.decode(errors="replace")), "Unhandled"
        return body, response.getheader("x-amz-function-error") or _unmarked_error(body)


@dataclass(frozen=True)
class SamApplication:
    """The folder with template.yaml, where `sam build` was run, and the log of `sam local start-lambda`."""

    folder: Path
    log: Path

    @contextmanager
    def started(self, parameters: Mapping[str, str]) -> Iterator[SamFunctions]:
        """Inside `with`, the functions answer, each in a container that stays warm.

        Raises `SamError` when SAM is missing, nothing was built, or it does not start.
        """
        port = free_port()
        process = self._start(port, parameters)
        try:
            self._wait_until_ready(process, port)
            yield SamFunctions(port)
        finally:
            # SIGINT, because only then does SAM remove its containers.
            process.interrupt()
            process.wait(_TIDY_SECONDS)
            process.kill()

    def _start(self, port: int, parameters: Mapping[str, str]) -> RunningProcess:
        template = self.folder / ".aws-sam/build/template.yaml"
        if not template.is_file():
            raise SamError(f"there is no {template}: build the images first (make build)")
        given = [f"ParameterKey={key},ParameterValue={value}" for key, value in parameters.items()]
        command = [
            *(_sam(self.folder), "local", "start-lambda", "--template", str(template)),
            *("--host", "127.0.0.1", "--port", str(port), "--region", REGION),
            *("--warm-containers", "LAZY", "--parameter-overrides", *given),
        ]
        return start_process(
            command,
            folder=self.folder,
            environment={**os.environ, "SAM_CLI_TELEMETRY": "0"},
            log=self.log,
            death_signal=signal.SIGINT,
        )

    def _wait_until_ready(self, process: RunningProcess, port: int) -> None:
        deadline = time.monotonic() + _STARTUP_SECONDS
        while not _answers(port):
            if process.exit_code() is not None or time.monotonic() > deadline:
                raise SamError(f"sam local start-lambda does not start: see {self.log}")
            time.sleep(0.1)


def _sam(folder: Path) -> str:
    """SAM as `make build` installs it, else the user's own."""
    ours = folder / ".sam/bin/sam"
    found = str(ours) if ours.is_file() else shutil.which("sam")
    if found is None:
        raise SamError("there is no sam command: `make build` installs one, or install the AWS SAM CLI")
    return found


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _unmarked_error(body: bytes) -> str | None:
    """`Unhandled` for the runtime's own error: SAM does not mark one that a function ends with on loading."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict) or not {"errorType", "errorMessage"} <= answer.keys():
        return None
    return "Unhandled" if answer.keys() <= _KEYS_OF_AN_ERROR else None


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()

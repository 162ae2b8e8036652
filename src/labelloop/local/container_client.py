"""Talking to a serving container, as SageMaker does: `/ping`, `/execution-parameters`, `/invocations`."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from labelloop.local.container_process import ModelContainer, RunningContainer
from labelloop.local.job import JobFailed
from labelloop.local.transform_records import MiniBatch

# SageMaker's defaults.
_INVOCATION_TIMEOUT_SECONDS = 600
_INVOCATION_RETRIES = 3
# How long a container may take to answer /ping, and to end after SIGTERM.
_STARTUP_SECONDS = 600.0
_PING_TIMEOUT_SECONDS = 2.0
_STOP_SECONDS = 30.0
_ANSWER_CHARACTERS = 300


class ContainerError(Exception):
    """Raised when a container fails to answer; `kind` is whose fault it is, in SageMaker's terms."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ContainerClient:
    """Talks to the serving container, with one connection per request like SageMaker's agent."""

    def __init__(self, port: int, settings: Mapping[str, Any]) -> None:
        self._port = port
        self._timeout = float(settings.get("InvocationsTimeoutInSeconds", _INVOCATION_TIMEOUT_SECONDS))
        self._retries = int(settings.get("InvocationsMaxRetries", _INVOCATION_RETRIES))

    def answers_ping(self) -> bool:
        """True when `GET /ping` returns 200."""
        try:
            return self._request("GET", "/ping", timeout=_PING_TIMEOUT_SECONDS)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def execution_parameters(self) -> dict[str, Any]:
        """What the container prefers: MaxConcurrentTransforms, BatchStrategy, MaxPayloadInMB, or nothing."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            status, body = self._request("GET", "/execution-parameters", timeout=_PING_TIMEOUT_SECONDS)
            preferred = json.loads(body) if status == 200 else None
            if isinstance(preferred, dict):
                return preferred
        return {}

    def invoke(self, batch: MiniBatch, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Posts a request, with retries. Raises `ContainerError` if the container keeps failing."""
        for attempt in range(self._retries + 1):
            try:
                status, answer = self._request("POST", "/invocations", body, headers, self._timeout)
            except (OSError, http.client.HTTPException) as error:
                failure = ContainerError(
                    "AlgorithmError",
                    f"{batch.numbers}: no answer from the container ({type(error).__name__}: {error})",
                )
            else:
                if 200 <= status < 300:
                    return answer
                text = answer[:_ANSWER_CHARACTERS].decode(errors="replace")
                kind = "ClientError" if status < 500 else "AlgorithmError"
                failure = ContainerError(
                    kind, f"{batch.numbers}: bad HTTP status from the container: {status}: {text}"
                )
                if status < 500:
                    break
            if attempt == self._retries:
                break
        raise failure

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _PING_TIMEOUT_SECONDS,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextlib.contextmanager
def serving(
    container: ModelContainer, ml_root: Path, environment: Mapping[str, str], log: Path
) -> Iterator[tuple[RunningContainer, int]]:
    """A container that serves the model in `ml_root`, with its port; it ends with the block."""
    running, port = container.serve(ml_root, environment, log)
    try:
        yield running, port
    finally:
        running.terminate()
        running.wait(_STOP_SECONDS)
        running.kill()


def wait_until_ready(
    running: RunningContainer, client: ContainerClient, log: Path, obey_stop: Callable[[], None]
) -> None:
    """Wait until a container answers /ping. `obey_stop` is called meanwhile, and may raise.

    Raises JobFailed when it ends before, or takes too long.
    """
    deadline = time.monotonic() + _STARTUP_SECONDS
    while not client.answers_ping():
        obey_stop()
        if running.exit_code() is not None:
            raise JobFailed(
                f"AlgorithmError: the container ended with exit code {running.exit_code()} before it "
                f"answered /ping, log: {log}"
            )
        if time.monotonic() > deadline:
            raise JobFailed(f"AlgorithmError: no answer to /ping in {_STARTUP_SECONDS:g} s, log: {log}")
        obey_stop()
        time.sleep(0.01)

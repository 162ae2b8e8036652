"""The program `serve`: loads the model, predicts once, then answers HTTP requests until SIGTERM."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from classifier.failures import UserError
from classifier.invocations import Classifier
from classifier.ml_tree import MlTree

logger = logging.getLogger(__name__)

Prepare: TypeAlias = Callable[[Path], Callable[[], Classifier]]

# SageMaker's default limit for one request is 6 MB. A transform job can change it.
_MAX_PAYLOAD_MB = 6
_PORT = 8080
_LARGEST_PORT = 65_535
# Time to finish current requests after SIGTERM.
_GRACE_SECONDS = 3


class ServingError(UserError):
    """Raised when an environment variable is wrong, or the address is in use."""


@dataclass(frozen=True)
class Settings:
    """The serving settings from the environment."""

    host: str
    port: int
    max_payload_mb: int
    default_k: int | None
    """How many of the best classes an answer has if the record does not say; None: all."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Raises ServingError, which names the variable."""
        return cls(
            host=environment.get("BIND_HOST") or "0.0.0.0",  # noqa: S104  SageMaker calls from outside
            port=_whole_number(environment, "SAGEMAKER_BIND_TO_PORT", _LARGEST_PORT) or _PORT,
            max_payload_mb=_whole_number(environment, "SAGEMAKER_MAX_PAYLOAD_IN_MB") or _MAX_PAYLOAD_MB,
            default_k=_whole_number(environment, "TOP_K"),
        )


def main(prepare: Prepare) -> int:
    """Serve until SIGTERM. Returns the exit code. If it is 1, the reason is on stderr."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        serve(MlTree.of_environment(), Settings.of(os.environ), prepare)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def serve(tree: MlTree, settings: Settings, prepare: Prepare) -> None:
    """Answer requests with the tree's model. Raises UserError if the model or the address cannot be used.

    prepare: checks a model folder, and returns what loads the model and predicts once.
    """
    started = time.monotonic()
    # Check for mistakes first, because TensorFlow takes seconds to load.
    load = prepare(tree.model)
    import uvicorn

    from classifier.application import build_application

    do_without_blas_threads()
    classifier = load()
    # Everything loaded so far stays, so the garbage collector need not check it while answers are written.
    gc.freeze()
    config = uvicorn.Config(
        build_application(classifier, settings.max_payload_mb, settings.default_k),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    listener = listen(settings)
    address = listener.getsockname()
    logger.info("Serving on %s:%d after %.1f s.", address[0], address[1], time.monotonic() - started)
    uvicorn.Server(config).run(sockets=[listener])


def do_without_blas_threads() -> None:
    """Make NumPy use one thread, because its products here are small and more threads wait for each other.

    On two busy processors, they took a third of a request's time. TensorFlow's threads are separate.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


def listen(settings: Settings) -> socket.socket:
    """Open the socket. Raises ServingError when the address cannot be used."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        raise ServingError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}): "
            "set BIND_HOST and SAGEMAKER_BIND_TO_PORT to an address that is free."
        ) from error
    # Connections inherit this. Without it, each answer to a small request waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _whole_number(environment: Mapping[str, str], name: str, most: int = 10**9) -> int | None:
    """Return the variable's value; None if it is not set, empty or 0."""
    text = environment.get(name, "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise ServingError(
            f"The environment variable {name} must be a whole number up to {most}, not '{text:.80}'."
        )
    return int(text) or None


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End at once. While uvicorn runs, it catches the signal, and passes it on to this function at its end.

    An exception would wait for a prediction that is still running in its thread, although its client is gone.
    """
    os._exit(0)

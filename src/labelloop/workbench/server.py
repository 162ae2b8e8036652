"""Serves the workbench on this machine, in a thread beside what else the process does."""

import contextlib
import errno
import secrets
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from labelloop.workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from fastapi import FastAPI

DEFAULT_PORT = 8765
_PORTS_TRIED = 20
_SHUTDOWN_SECONDS = 2
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


class PortError(WorkbenchError):
    """Raised when there is no port to serve on."""


@contextlib.contextmanager
def served(app: "FastAPI", listener: socket.socket) -> Iterator[str]:
    """Serve until the end of `with`; gives the address."""
    # Here: every command knows the port, few serve.
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="labelloop workbench", daemon=True
    )
    thread.start()
    host, port = listener.getsockname()[:2]
    try:
        yield f"http://{_shown(host)}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> Iterator[socket.socket]:
    """A socket that listens on the port, or on the next free one above it; port 0 is any.

    Raises PortError.
    """
    last: OSError | None = None
    for tried in range(port, min(port + (_PORTS_TRIED if port else 1), 65536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Named as TCP, or asyncio does not see that it is, and leaves Nagle's algorithm on: answers on a kept
        # connection would then wait 40 ms for what the browser acknowledges late.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, tried))
            # At once: who comes before the server is ready waits, and is not refused.
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in _TAKEN:
                raise PortError(
                    f"nothing can be served on {host} ({error.strerror}): "
                    "name an address of this machine by --host, such as 127.0.0.1"
                ) from error
            last = error
            continue
        with listener:
            yield listener
        return
    raise PortError(f"no port from {port} on is free on {host}: choose another by --port ({last})")


def kept_key(path: Path) -> str:
    """The key of the printed address, the same after a restart; made when the file is not there."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(16)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(key, encoding="ascii")
        return key


def is_of_this_machine_alone(listener: socket.socket) -> bool:
    return ip_address(listener.getsockname()[0]).is_loopback


def _shown(host: str) -> str:
    if ip_address(host).is_unspecified:
        host = _address_in_network() or socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _address_in_network() -> str | None:
    """The machine's address as others in its network see it; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: it only asks which way would be taken.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])

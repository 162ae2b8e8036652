"""Serves the workbench on this machine, in a thread of the process."""

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
    """Raised when there is no free port."""


@contextlib.contextmanager
def served(app: "FastAPI", listener: socket.socket) -> Iterator[str]:
    """Serve until the end of the `with` block, which gets the address."""
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
    try:
        yield address_of(listener)
    finally:
        server.should_exit = True
        thread.join()


def address_of(listener: socket.socket) -> str:
    """Where people reach what is served."""
    host, port = listener.getsockname()[:2]
    return f"http://{_shown(host)}:{port}"


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> Iterator[socket.socket]:
    """A socket that listens on the port, or on the next free one above it; port 0 means any free port.

    Raises PortError.
    """
    last: OSError | None = None
    for tried in range(port, min(port + (_PORTS_TRIED if port else 1), 65536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Without naming TCP, asyncio does not recognize it and leaves Nagle's algorithm on. Responses on a
        # persistent connection would then wait 40 ms for the browser's delayed acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, tried))
            # Listen at once, so that early connections wait until the server is ready and are not refused.
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in _TAKEN:
                raise PortError(
                    f"nothing can be served on {host} ({error.strerror}): "
                    "use an address of this machine for --host, such as 127.0.0.1"
                ) from error
            last = error
            continue
        with listener:
            yield listener
        return
    raise PortError(f"no port from {port} on is free on {host}: choose another with --port ({last})")


def kept_key(path: Path) -> str:
    """The key of the printed address, the same after a restart. Creates the file if it does not exist."""
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
            # This sends nothing. It only finds out which network interface would be used.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])

"""What the laptop's server listens on."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from labelloop.workbench.server import PortError, listening


def test_answers_leave_at_once() -> None:
    """With Nagle's algorithm an answer on a kept connection may wait 40 ms for an acknowledgment."""

    async def option_of_an_accepted_connection(listener: socket.socket) -> int:
        option: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            option.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(take, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            found = await option
            writer.close()
        return found

    # In a thread of its own: in the tests' own, Playwright's event loop may be running.
    with listening("127.0.0.1", 0) as listener, ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(option_of_an_accepted_connection(listener))).result()


def test_the_next_free_port_is_taken_and_an_address_of_another_machine_told_as_such() -> None:
    with listening("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with listening("127.0.0.1", port) as second:
            assert second.getsockname()[1] > port
    with (
        pytest.raises(PortError, match="use an address of this machine for --host"),
        listening("192.0.2.1", 0),
    ):
        pass

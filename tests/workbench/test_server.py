"""What the laptop's server listens on, and the addresses that it says."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from labelloop.workbench import serving
from labelloop.workbench.deployment import OpenedWorkbench
from labelloop.workbench.invitations import Invitations
from labelloop.workbench.server import PortError, listening

from .conftest import Desk


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


@contextmanager
def served_again(desk: Desk, folder: Path, port: int = 0) -> Iterator[tuple[list[str], int]]:
    """The lines that it says, and the port."""
    said: list[str] = []
    with listening("127.0.0.1", port) as listener:
        parts = OpenedWorkbench(desk.store, desk.closing)
        with serving.serve_workbench(said.append, listener, parts, folder / "key"):
            yield said, listener.getsockname()[1]


def address_in(line: str, before: str) -> str:
    assert line.startswith(before), line
    return line.removeprefix(before)


def test_one_address_is_the_owners_and_one_is_for_others_also_after_a_restart(
    sqlite_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "is_of_this_machine_alone", lambda _listener: False)
    http = urllib3.PoolManager(retries=False)

    def enter(address: str) -> tuple[int, str]:
        answer = http.request("GET", address, redirect=False)
        return answer.status, answer.headers.get("set-cookie", "").partition("=")[2].partition(".")[0]

    with served_again(sqlite_desk, tmp_path) as (said, port):
        owners = address_in(said[0], "Label here, as an owner: ")
        others = address_in(said[1], "Others label here: ")
        assert "plain HTTP" in said[2]
        _, key = Invitations(sqlite_desk.store).invite("Ann", "reviewer", by="Olga")
        link = f"http://127.0.0.1:{port}/enter?key={key}"
        ways = [enter(address) for address in (owners, others, link, owners[:-1])]
        assert ways == [(303, "owner"), (303, "shared"), (303, "link"), (403, "")]
    with served_again(sqlite_desk, tmp_path, port) as (said, _):
        assert [owners in said[0], others in said[1]] == [True, True]
        assert [enter(address) for address in (owners, others, link)] == ways[:3]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_on_this_machine_alone_there_is_one_address(sqlite_desk: Desk, tmp_path: Path) -> None:
    with served_again(sqlite_desk, tmp_path) as (said, _):
        assert len(said) == 1
        assert said[0].startswith("Label here: http://127.0.0.1:")

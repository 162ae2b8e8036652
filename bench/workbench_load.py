"""The workbench under load: `python -m bench.workbench_load`.

50 people label a batch of 5,000 objects at one label a second each, over HTTP, for a minute; every request is
timed, and afterwards the store's answers are compared with what each person was told is accepted. Server and
people share this machine.
"""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import multiprocessing
import random
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from labelloop.workbench.application import create_app
from labelloop.workbench.closing import Closing
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import asked_about, open_batch
from labelloop.workbench.rate_limit import RateLimit
from labelloop.workbench.server import listening, served
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch

CLASSES = ("business", "entertainment", "health", "science", "technology")
KEY = "load"
# What a page prefetches, and when it asks for more.
PREFETCHED, LOW = 5, 3
# Nothing is encrypted here; what httpx would make for each person takes longer than their requests.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Load:
    """What happened: seconds by kind of request, and the answers that were accepted (text, person)."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"next": [], "answer": []})
    accepted: list[tuple[str, str]] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Seconds below which a share (in percent) of all requests took."""
        return float(np.percentile([one for seconds in self.seconds.values() for one in seconds], share))


@dataclass(frozen=True)
class Kept:
    """What the store holds afterwards, compared with what was accepted."""

    answers: int
    lost: int
    doubled: int


class Nobody:
    """Nothing waits for the batch."""

    def batch_closed(self, _batch: Batch) -> None: ...

    def batch_failed(self, _batch: Batch, cause: str) -> None:
        raise RuntimeError(cause)

    def heartbeat(self, _batch: Batch) -> None: ...


def put_under_load(
    folder: Path,
    *,
    objects: int = 5000,
    people: int = 50,
    seconds: float = 60.0,
    pause: float = 1.0,
    enough: int | None = None,
) -> tuple[Load, Kept]:
    """Serve a batch in a process of its own and have people label it, each with `pause` seconds a label.

    They end after `seconds`, or once so many answers are accepted as are `enough`.
    """
    with _server(folder, objects) as address:
        load = asyncio.run(_everybody(address, people, seconds, pause, enough))
    return load, _compare(folder, load)


async def _everybody(address: str, people: int, seconds: float, pause: float, enough: int | None) -> Load:
    load = Load()
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(_person(address, f"person {number}", until, pause, enough, load) for number in range(people))
    )
    return load


async def _person(
    address: str, name: str, until: float, pause: float, enough: int | None, load: Load
) -> None:
    rng = random.Random(name)
    await asyncio.sleep(rng.random() * pause)  # People do not begin at once.
    async with httpx.AsyncClient(base_url=address, timeout=60, verify=_TLS) as http:
        await http.get("/enter", params={"key": KEY})
        await _post(http, "/api/sign-in", {"name": name})
        queue: list[Any] = []
        while time.monotonic() < until and (enough is None or len(load.accepted) < enough):
            began = time.monotonic()
            if len(queue) < LOW:
                holding = [task["id"] for task in queue]
                asked = {"count": PREFETCHED - len(queue), "holding": holding}
                queue += (await _timed(http, "/api/tasks/next", asked, load.seconds["next"]))["tasks"]
            if queue:
                task = queue.pop(0)
                answer = {"label": rng.randrange(len(CLASSES)), "seconds": pause}
                await _timed(http, f"/api/tasks/{task['id']}/answer", answer, load.seconds["answer"])
                load.accepted.append((task["text"], name))
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))


async def _timed(http: httpx.AsyncClient, path: str, body: Any, seconds: list[float]) -> Any:
    began = time.perf_counter()
    answer = await _post(http, path, body)
    seconds.append(time.perf_counter() - began)
    return answer


async def _post(http: httpx.AsyncClient, path: str, body: Any) -> Any:
    (cookie,) = http.cookies.values()
    token = hmac.new(KEY.encode(), f"csrf\n{cookie}".encode(), hashlib.sha256).hexdigest()
    answer = await http.post(path, json=body, headers={"X-CSRF-Token": token})
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
    return answer.json()


@contextlib.contextmanager
def _server(folder: Path, objects: int) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(folder, objects, theirs), daemon=True)
    process.start()
    try:
        yield str(ours.recv())
    finally:
        ours.send("end")
        process.join()
        process.close()
        ours.close()
        theirs.close()


def _serve(folder: Path, objects: int, pipe: Connection) -> None:
    selection = folder / "selection.manifest"
    files = LocalFiles()
    lines = (b'{"labelloop-id":%d,"source":"headline %d"}' % (number, number) for number in range(objects))
    files.write_lines(str(selection), lines)
    with contextlib.closing(SqliteTaskStore(folder / "workbench.sqlite")) as store:
        batch = Batch(
            id="load",
            run="load",
            round=1,
            kind="text",
            title="Choose the class",
            short_instructions="Choose the class.",
            full_instructions="Choose the class.",
            classes=CLASSES,
            label_attribute="category",
            total=0,
            created=time.time(),
            selection_uri=str(selection),
            output_uri=str(folder / "output.manifest"),
        )
        open_batch(store, batch, list(asked_about(files.read_lines(str(selection)), {})))
        workbench = Workbench(store, Closing(store, files, Nobody()))
        sessions = LaptopSessions(store, KEY)
        app = create_app(workbench, sessions)
        app.add_middleware(RateLimit, sender=sessions.sender)
        with listening(port=0) as listener, served(app, listener) as address:
            pipe.send(address)
            pipe.recv()


def _compare(folder: Path, load: Load) -> Kept:
    with contextlib.closing(SqliteTaskStore(folder / "workbench.sqlite")) as store:
        kept = [
            (f"headline {task.object_id}", person) for task in store.tasks("load") for person in task.answers
        ]
    given = Counter(text for text, _ in load.accepted)
    return Kept(
        answers=len(kept),
        lost=len(set(load.accepted) - set(kept)),
        doubled=sum(count - 1 for count in given.values()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load, kept = put_under_load(
            Path(folder), objects=options.objects, people=options.people, seconds=options.seconds
        )
    print(f"{options.people} people, {options.objects:,} objects, {options.seconds:.0f} s")
    for kind, seconds in load.seconds.items():
        times = np.percentile(seconds, [50, 95, 99]) * 1000
        print(
            f"{kind:>7}: {len(seconds):6,} requests, "
            f"p50 {times[0]:.0f} ms, p95 {times[1]:.0f} ms, p99 {times[2]:.0f} ms"
        )
    print(f"    all: p95 {load.percentile(95) * 1000:.0f} ms (wanted: below 100 ms)")
    print(
        f"answers: {len(load.accepted):,} accepted, {kept.answers:,} kept, "
        f"{kept.lost} lost, {kept.doubled} doubled"
    )


if __name__ == "__main__":
    main()

"""A process that serves the workbench, and people at it over HTTP."""

import contextlib
import hashlib
import hmac
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

import httpx


class Served:
    """A command that serves the workbench; `output` is what it printed up to the address."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        try:
            self.output = _until(self.process.stdout, " here: http")
        except AssertionError:
            self.process.communicate()
            raise
        found = re.search(r"(http://127\.0\.0\.1:\d+)/enter\?key=(\S+)", self.output)
        assert found, self.output
        self.address, self.key = found.groups()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()

    def finish(self, *people: "Person") -> str:
        """What it prints until it ends by itself, as it should; `people` have their pages open till then."""
        with ThreadPoolExecutor(1) as thread:
            ended = thread.submit(self.process.communicate, timeout=600)
            while not ended.done():
                for person in people:
                    person.look()
                time.sleep(0.05)
        rest, _ = ended.result()
        assert self.process.returncode == 0, self.output + rest
        return rest


class Person:
    """Somebody with the address and a name; with the cookies of an earlier visit they are known already."""

    def __init__(self, served: Served, name: str, cookies: Any = None) -> None:
        self._key = served.key
        self.http = httpx.Client(base_url=served.address, timeout=60, cookies=cookies)
        if cookies is None:
            self.http.get("/enter", params={"key": served.key})
            self.post("/api/sign-in", {"name": name})

    def look(self) -> None:
        """Ask for more, as an open page does, whether or not the workbench is still there."""
        with contextlib.suppress(httpx.HTTPError):
            self.post("/api/tasks/next", {"count": 1})

    def post(self, path: str, body: Any) -> Any:
        (cookie,) = [
            value for name, value in self.http.cookies.items() if name.startswith("labelloop-session-")
        ]
        token = hmac.new(self._key.encode(), f"csrf\n{cookie}".encode(), hashlib.sha256).hexdigest()
        answer = self.http.post(path, json=body, headers={"X-CSRF-Token": token})
        assert answer.status_code == 200, answer.text
        return answer.json()


def _until(stream: IO[str], text: str) -> str:
    lines: list[str] = []
    while not lines or text not in lines[-1]:
        line = stream.readline()
        assert line, "".join(lines)
        lines.append(line)
    return "".join(lines)

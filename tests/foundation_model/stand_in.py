"""A chat-completions server on loopback, whose model is as good as a test wants it.

It reads the text from the messages it was sent, as a model does. It is gullible: what seems an order outside
of the text's JSON string, it obeys. `switch` has it answer otherwise: badly, late, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_MARK = re.compile(r"^===== \w+ =====$", re.MULTILINE)
_ORDER = re.compile(r"ignore .*answer (\w+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Chat:
    """A request, and the text that it is about."""

    body: dict[str, Any]
    raw: bytes
    headers: Mapping[str, str]
    number: int  # among all requests, from 0

    @property
    def model(self) -> str:
        model: str = self.body["model"]
        return model

    @property
    def system(self) -> str:
        return "\n".join(one["content"] for one in self.body["messages"] if one["role"] == "system")

    @property
    def user(self) -> str:
        content: str = self.body["messages"][-1]["content"]
        return content

    @property
    def text(self) -> str:
        """What stands between the last two marks."""
        text: str = json.loads(_MARK.split(self.user)[-2])
        return text

    @property
    def orders(self) -> str | None:
        """The class that an order outside of the text asks for."""
        outside = "".join(_MARK.split(self.user)[:-2] + _MARK.split(self.user)[-1:])
        found = _ORDER.search(outside)
        return found[1] if found else None


@dataclass(frozen=True)
class Answer:
    """What is sent back. `hang_up`: nothing, and the connection ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0
    hang_up: bool = False
    seconds_a_byte: float = 0.0
    chunked: bool = False


def said(content: str | None, *, usage: bool = True, after_seconds: float = 0.0, **choice: Any) -> Answer:
    """A model's answer; `choice` has other fields of it, `refusal` goes into its message."""
    message = {"role": "assistant", "content": content, "refusal": choice.pop("refusal", None)}
    document: dict[str, Any] = {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}],
    }
    if usage:
        document["usage"] = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return Answer(body=json.dumps(document).encode(), after_seconds=after_seconds)


def fault(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
    """An error as OpenAI writes it."""
    return Answer(status, json.dumps({"error": {"message": message, **more}}).encode(), headers or {})


Switch = Callable[[Chat], Answer | None]


class StandIn:
    """`truth`: the class of each text. `skill`: how often the model finds it; it is surer where it does."""

    def __init__(self, truth: Mapping[str, str], *, skill: float = 1.0) -> None:
        self.truth, self.skill = truth, skill
        self.switch: Switch = lambda _: None
        self.models = ["tiny", "large"]
        self.listed: Answer | None = None  # in place of the list of models
        self.models_after_seconds = 0.0
        self.key = ""  # that is asked for
        self.chats: list[Chat] = []
        self.most_at_once = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self.url = ""

    path = "/v1"  # of the server's address

    def _chat(self, path: str, headers: Mapping[str, str], raw: bytes) -> Chat:
        return Chat(json.loads(raw), raw, headers, len(self.chats))

    def _said(self, chat: Chat, label: str, confidence: float) -> Answer:
        return said(json.dumps({"label": label, "confidence": confidence}))

    def _no_model(self) -> Answer:
        return fault(404, "model not found")

    @property
    def classes(self) -> list[str]:
        return sorted(set(self.truth.values()))

    def label(self, text: str) -> str:
        """What the model says of it: always the same."""
        right = self.truth[text]
        if self._luck(text) < self.skill:
            return right
        return next(name for name in self.classes if name != right)

    def confidence(self, text: str) -> float:
        return 0.95 if self._luck(text) < self.skill - 0.1 else 0.6

    def answer(self, chat: Chat) -> Answer:
        switched = self.switch(chat)
        if switched is not None:
            return switched
        label = chat.orders or self.label(chat.text)
        return self._said(chat, label, self.confidence(chat.text))

    def _luck(self, text: str) -> float:
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32

    @contextmanager
    def serving(self) -> Iterator[Self]:
        handler = type("Handler", (_Handler,), {"stand_in": self})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads, server.block_on_close = True, False
            threading.Thread(target=lambda: server.serve_forever(0.005), daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}{self.path}"
            yield self
            server.shutdown()

    def heard(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            return fault(401, f"wrong key: {headers.get('Authorization')}")
        with self._lock:
            chat = self._chat(path, headers, raw)
            self.chats.append(chat)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        if chat.model not in self.models:
            answer = self._no_model()
        else:
            answer = self.answer(chat)
        time.sleep(answer.after_seconds)
        with self._lock:
            self._under_way -= 1
        return answer


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.stand_in.key and self.headers.get("Authorization") != f"Bearer {self.stand_in.key}":
            self._send(fault(401))
        else:
            time.sleep(self.stand_in.models_after_seconds)
            models = [{"id": name} for name in self.stand_in.models]
            self._answer(self.stand_in.listed or Answer(body=json.dumps({"data": models}).encode()))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.stand_in.heard(self.path, dict(self.headers), raw))

    def _answer(self, answer: Answer) -> None:
        if answer.hang_up:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(answer.body), 100):
                chunk = answer.body[start : start + 100]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        for byte in answer.body if answer.seconds_a_byte else b"":
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(answer.seconds_a_byte)
        self.wfile.write(b"" if answer.seconds_a_byte else answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

"""The program `serve`: answers over HTTP like BlazingText, with the `k` best classes of each text."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fasttext

from fasttext_classifier.channel import one_line
from fasttext_classifier.training import MODEL

JSON_LINES = "application/jsonlines"
JSON = "application/json"
_PORT = "8080"


class RequestRefusedError(Exception):
    """Raised when a request cannot be answered; `status` is the HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def main() -> int:
    """Serve until SIGTERM. Returns the exit code: 1 if there is no model to serve."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    file = Path(os.environ.get("ML_ROOT") or "/opt/ml") / "model" / MODEL
    if not file.is_file():
        sys.stderr.write(f"There is no model {file}: train one first.\n")
        return 1
    host = os.environ.get("BIND_HOST") or "0.0.0.0"  # noqa: S104  SageMaker calls from outside
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or _PORT)
    server = ThreadingHTTPServer((host, port), handler_for(fasttext.load_model(str(file))))
    server.daemon_threads = True
    server.serve_forever()
    return 0


def answer(body: bytes, content_type: str, model: Any) -> bytes:
    """Answer a request's body. Raises RequestRefusedError."""
    kind = content_type.split(";")[0].strip().lower()
    if kind not in (JSON_LINES, JSON):
        raise RequestRefusedError(
            415, f"Content-Type must be {JSON_LINES} or {JSON}, not '{content_type:.80}'."
        )
    try:
        if kind == JSON:
            document = json.loads(body)
            k = int(document.get("configuration", {}).get("k", 1))
            return json.dumps([_best(model, text, k) for text in document["instances"]]).encode()
        records = [json.loads(line) for line in body.split(b"\n") if line.strip()]
        return _lines(_best(model, record["source"], int(record.get("k", 1))) for record in records)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestRefusedError(400, f"A record cannot be read: {error!r:.200}.") from error


def _best(model: Any, text: str, k: int) -> dict[str, list[Any]]:
    labels, probabilities = model.predict(one_line(text), k)
    return {"label": list(labels), "prob": [min(1.0, float(probability)) for probability in probabilities]}


def _lines(answers: Iterable[dict[str, list[Any]]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in answers)


def handler_for(model: Any) -> type[BaseHTTPRequestHandler]:
    """Return the handler that answers /ping and /invocations with the model."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200 if self.path == "/ping" else 404, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                self._send(200, answer(body, self.headers.get("Content-Type", ""), model))
            except RequestRefusedError as error:
                self._send(error.status, str(error).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler

"""Records a second of the container's serving, beside the model's bare prediction of the same texts.

Both run here, one after the other, several times over: `serve` with requests as a transform job makes them
(JSON Lines, as many records as fit, one request at a time), and the same trained model called in this process
with the texts, without HTTP and JSON. `make bench-throughput`; with `--image` the built image serves.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from text_classifier.classifier import load_classifier
from text_classifier.encoder import SentenceEncoder

from bench.results import RESULTS, ROOT, machine, write_json
from labelloop.local.container_process import ProcessContainer
from labelloop.preparation.demo_headlines import demo_headlines

_TRAINING_TEXTS = 500
_RECORDS_A_REQUEST = 2_000
_PATIENCE_SECONDS = 900


def main() -> None:
    """Measure with a sentence encoder and without, and print both rates with their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=4_000, help="how many headlines are classified")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--image", help="serve with this image in Docker, not with the checkout's program")
    given = parser.parse_args()
    rows = [
        _measure(encoder, given.texts, given.repeats, given.image)
        for encoder in (ROOT / ".encoder", None)
        if encoder is None or (encoder / "model.safetensors").is_file()
    ]
    print("| sentence encoder | bare prediction, texts/s | serving, records/s | serving of bare |")
    print("|---|---|---|---|")
    for row in rows:
        print(f"| {row['encoder']} | {row['bare']:.0f} | {row['served']:.0f} | {row['ratio']:.0%} |")
    print(write_json("throughput", {"machine": machine(), "rows": rows, **vars(given)}, RESULTS))


def _measure(encoder: Path | None, number: int, repeats: int, image: str | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environment = {"SENTENCE_ENCODER": str(encoder) if encoder else "none"}
        texts = [headline.text for headline in demo_headlines(number, seed=1)]
        _train(root, environment, texts)
        bodies = _bodies(texts)
        model = load_classifier(root / "model", SentenceEncoder(encoder) if encoder else None)
        with _served(root, environment, image) as ask:
            rates = rates_of(
                lambda: len(model.predict(texts).probabilities),
                lambda: sum(ask(body).count(b"\n") for body in bodies),
                number,
                repeats,
            )
    return {"encoder": "all-MiniLM-L6-v2" if encoder else "none", **rates}


def rates_of(bare: Callable[[], int], served: Callable[[], int], number: int, repeats: int) -> dict[str, Any]:
    """Objects a second of both, which return how many they classified, and their ratio."""
    all_bare, all_served = [], []
    # Alternating, the first of each left out: neither has the warmer machine.
    for _ in range(repeats + 1):
        all_bare.append(_rate(bare, number))
        all_served.append(_rate(served, number))
    rates = statistics.median(all_bare[1:]), statistics.median(all_served[1:])
    return {
        "bare": rates[0],
        "served": rates[1],
        "ratio": rates[1] / rates[0],
        "all_bare": all_bare,
        "all_served": all_served,
    }


def _rate(work: Callable[[], int], expected: int) -> float:
    started = time.perf_counter()
    assert work() == expected
    return expected / (time.perf_counter() - started)


def _train(root: Path, environment: dict[str, str], pool: list[str]) -> None:
    """Leave a trained model in the tree; as in a run, the pool is what it will be asked about."""
    rows = list(demo_headlines(_TRAINING_TEXTS, seed=0))
    names = sorted({row.label for row in rows})
    lines = [json.dumps({"source": row.text, "category": names.index(row.label)}) for row in rows]
    files = {
        "config/hyperparameters.json": json.dumps(
            {"num_classes": str(len(names)), "label_attribute": "category"}
        ),
        "data/train/train.jsonl": "\n".join(lines),
        "data/pool/pool.jsonl": "\n".join(json.dumps({"source": text}) for text in pool),
    }
    train(ProcessContainer(ROOT / "model_container"), root, environment, files)


def train(
    container: ProcessContainer, root: Path, environment: dict[str, str], files: dict[str, str]
) -> None:
    """Leave a trained model in the tree. `files`: of its folder `input`, by name."""
    for name, content in files.items():
        file = root / "input" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    training = container.train(root, environment, root / "log")
    assert training.wait(_PATIENCE_SECONDS), "the training does not end"
    assert training.exit_code() == 0, (root / "log").read_text()


@contextmanager
def _served(root: Path, environment: dict[str, str], image: str | None) -> Iterator[Callable[[bytes], bytes]]:
    if image is None:
        running, port = ProcessContainer(ROOT / "model_container").serve(root, environment, root / "log")
        end = running.kill
    else:
        end, port = _in_docker(root, image, encoder=environment["SENTENCE_ENCODER"] != "none")
    try:
        await_ping(port)
        yield lambda body: request(port, "POST", "/invocations", body)
    finally:
        end()


def _in_docker(root: Path, image: str, *, encoder: bool) -> tuple[Callable[[], Any], int]:
    options = [] if encoder else ["--env", "SENTENCE_ENCODER=none"]
    mount = ["--volume", f"{root / 'model'}:/opt/ml/model:ro", "--publish", "127.0.0.1::8080"]
    command = ["docker", "run", "--detach", "--rm", *mount, *options, image, "serve"]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    port = subprocess.run(["docker", "port", name, "8080"], check=True, capture_output=True, text=True).stdout
    return (
        lambda: subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True),
        int(port.splitlines()[0].rpartition(":")[2]),
    )


def await_ping(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            request(port, "GET", "/ping")
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline, "the container does not answer"
            time.sleep(0.1)
        else:
            return


def _bodies(texts: list[str]) -> list[bytes]:
    lines = [json.dumps({"source": text}).encode() for text in texts]
    starts = range(0, len(lines), _RECORDS_A_REQUEST)
    return [b"\n".join(lines[start : start + _RECORDS_A_REQUEST]) for start in starts]


def request(port: int, method: str, path: str, body: bytes = b"") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/jsonlines"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:300]
        return content
    finally:
        connection.close()


if __name__ == "__main__":
    os.environ.pop("ENCODING_CACHE", None)  # what is remembered is not encoded
    main()

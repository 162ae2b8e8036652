"""Seconds of a round's two jobs on images in S3, with their encodings kept there and without.

Every job is a new process, as on AWS it is a new machine, and knows nothing but what is in S3. That is
moto's, in a process beside them: it takes part of the same processors, where Amazon's takes milliseconds of
waiting.
`python -m bench.image_encodings`, with the images of
LABELLOOP_CIFAR10 and the backbone (`make backbone`).
"""

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3
import numpy as np

from bench.images import Images, cifar10
from bench.results import RESULTS, ROOT, machine, markdown_table, write_json
from bench.throughput import await_ping, request, train
from labelloop.local.child_process import free_port
from labelloop.local.container_process import ProcessContainer
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.training_job import job_environment

_BUCKET = "bucket"
_LABELED_A_ROUND = 0.1
_IMAGES_A_REQUEST = 8_000  # one MB of lines
_CONTAINER = ProcessContainer(ROOT / "image_container")


@dataclass(frozen=True)
class Job:
    """Seconds of a job: how long it took, and of how much processor time."""

    kept: bool
    round: int
    kind: str
    seconds: float
    processor_seconds: float


def main() -> None:
    """Measure rounds with kept encodings and one without, as all of those are alike, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    images = _sample(cifar10(), given.images)
    jobs: list[Job] = []
    with _s3_server() as endpoint:
        uris = _upload(endpoint, images)
        for kept, number in [*((True, number + 1) for number in range(given.rounds)), (False, 1)]:
            jobs += _round(endpoint, uris, images.labels.tolist(), number, kept)
            print(jobs[-2:], flush=True)
    figures = {"machine": machine(), **vars(given), "jobs": [asdict(one) for one in jobs]}
    print(_table(jobs))
    print(write_json("image_encodings", figures, RESULTS))


def _sample(images: Images, number: int) -> Images:
    chosen = np.random.default_rng(0).permutation(len(images.contents))[:number]
    return Images(images.name, [images.contents[one] for one in chosen], images.labels[chosen])


@contextmanager
def _s3_server() -> Iterator[str]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _listens(port):
            assert server.poll() is None, "the stand-in for S3 does not start"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _upload(endpoint: str, images: Images) -> list[str]:
    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=endpoint, **keys)
    client.create_bucket(Bucket=_BUCKET)
    for number, content in enumerate(images.contents):
        client.put_object(Bucket=_BUCKET, Key=f"in/{number}.png", Body=content)
    return [f"s3://{_BUCKET}/in/{number}.png" for number in range(len(images.contents))]


def _round(endpoint: str, uris: Sequence[str], labels: Sequence[int], number: int, kept: bool) -> list[Job]:
    labeled = int(_LABELED_A_ROUND * number * len(uris))
    environment = {
        "IMAGE_BACKBONE": str(ROOT / ".backbone"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        **(job_environment(RunFiles(f"s3://{_BUCKET}/out/run/").encodings) if kept else {}),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        channels = _channels(uris, labels, labeled)
        training = _timed(lambda: train(_CONTAINER, root, environment, channels))
        transform = _timed(lambda: _transform(root, environment, uris[labeled:]))
    return [Job(kept, number, "training", *training), Job(kept, number, "transform", *transform)]


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    started, before = time.perf_counter(), _processor_seconds()
    work()
    return time.perf_counter() - started, _processor_seconds() - before


def _processor_seconds() -> float:
    """Of the jobs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _channels(uris: Sequence[str], labels: Sequence[int], labeled: int) -> dict[str, str]:
    examples = [{"source-ref": uri, "category": label} for uri, label in zip(uris, labels, strict=True)]
    return {
        "config/hyperparameters.json": json.dumps({"num_classes": "10", "label_attribute": "category"}),
        "data/train/train.jsonl": "\n".join(map(json.dumps, examples[:labeled])),
        "data/pool/pool.jsonl": "\n".join(json.dumps({"source-ref": uri}) for uri in uris[labeled:]),
    }


def _transform(root: Path, environment: dict[str, str], uris: Sequence[str]) -> None:
    running, port = _CONTAINER.serve(root, environment, root / "log")
    try:
        await_ping(port)
        for start in range(0, len(uris), _IMAGES_A_REQUEST):
            lines = [
                json.dumps({"source-ref": uri}).encode() for uri in uris[start : start + _IMAGES_A_REQUEST]
            ]
            answered = request(port, "POST", "/invocations", b"\n".join(lines))
            assert answered.count(b'"label"') == len(lines), answered[:300]
    finally:
        running.kill()
        running.wait(10)


def _table(jobs: Sequence[Job]) -> str:
    rows = [
        [
            f"{one.kind}, {f'kept in S3, round {one.round}' if one.kept else 'not kept, any round'}",
            f"{one.seconds:.0f}",
            f"{one.processor_seconds:.0f}",
        ]
        for one in jobs
    ]
    return markdown_table(["job", "seconds", "processor seconds"], rows)


if __name__ == "__main__":
    os.environ.pop("ENCODING_CACHE", None)  # what this machine remembers is not encoded
    main()

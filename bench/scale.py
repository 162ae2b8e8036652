"""What each step takes, from ten thousand to ten million data objects: `make bench-scale`.

A run goes through two rounds, one without a model and one with: of short headlines in four classes. Each
step is a process of its own on one core, as on Lambda, on plain files for S3. The model's answers are made
up: with an embedding of 32 numbers and a disagreement, as the shipped container gives them, and one of twenty
is wrong, so that a test begins. Simulated people answer.

Ten million objects take half an hour and 25 GB of disk.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, replace
from importlib import import_module
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench.files import FilesClient
from bench.results import (
    QUOTED,
    RESULTS,
    machine,
    markdown_table,
    quote_in_document,
    read_json,
    write_json,
)
from bench.runs import console
from labelloop.core.manifest.lines import ID_KEY, object_id
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000, 10_000_000), (10_000, 100_000)
CLASSES, NUMBERS = 4, 32
BUCKET = "s3://bucket/"
NAME = "bench"
TIME = "2026-11-28T12:00:00.000Z"
MODEL_ERROR = 0.05
# The goal for every function with ten million objects; the memory is the most that a new account may have.
MOST_SECONDS, MOST_MEGABYTES = 300, 3008
# One connection to S3: "85-90 MB/s" in "Best practices design patterns: optimizing Amazon S3 performance".
S3_BYTES_A_SECOND = 85e6
# Dollars in us-east-1, November 2026: Lambda (x86) a GB and second; S3 a request that writes, and that reads.
LAMBDA_GB_SECOND, S3_WRITE, S3_READ = 0.0000166667, 0.000005, 0.0000004
READS = ("GetObject", "HeadObject")


def truth_of(number: int) -> int:
    """The class of an object."""
    return number * 7 % CLASSES


@dataclass(frozen=True)
class Measured:
    """A step of a run of so many objects."""

    step: str
    objects: int
    seconds: float  # of the clock
    processor_seconds: float
    megabytes: float  # at the most, Python and its libraries included
    reads: int  # requests to S3
    writes: int
    bytes_read: int
    bytes_written: int
    state_bytes: int  # what the step returns

    def or_more(self, again: "Measured") -> "Measured":
        """Of a step that is repeated, the most of everything."""
        return Measured(*map(max, astuple(self), astuple(again)))

    def or_faster(self, again: "Measured") -> "Measured":
        """Measured twice, the lesser time: what other work on the machine adds to it is not the step's."""
        times = {
            name: min(getattr(self, name), getattr(again, name)) for name in ("seconds", "processor_seconds")
        }
        return replace(self.or_more(again), **times)

    @property
    def with_transfer(self) -> float:
        """Seconds of a processor, and those in which S3 hands over and takes in all bytes by one connection.

        Not of the clock: what else the machine does, and how fast its disk is, would be in them.
        """
        return self.processor_seconds + (self.bytes_read + self.bytes_written) / S3_BYTES_A_SECOND

    @property
    def dollars(self) -> float:
        """At the memory that is allowed for ten million objects."""
        computing = self.with_transfer * MOST_MEGABYTES / 1024 * LAMBDA_GB_SECOND
        return computing + self.writes * S3_WRITE + self.reads * S3_READ


def request() -> dict[str, Any]:
    return {
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": f"{BUCKET}in/input.manifest"}}},
        "OutputConfig": {"S3OutputPath": f"{BUCKET}out/"},
        "LabelingJobNamePrefix": NAME,
        "RoleArn": "arn:aws:iam::123456789012:role/bench",
        "LabelAttributeName": "category",
        "LabelCategoryConfigS3Uri": f"{BUCKET}in/classes.json",
        "ActiveLearning": {
            "LabelingBackend": "simulated",
            "SimulatedPeople": {"TruthS3Uri": f"{BUCKET}in/truth.csv"},
            "Model": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/bench:1"},
            "TargetError": 0.2,
            "Seed": 0,
        },
    }


def write_input(objects: int) -> None:
    """The manifest, the classes and the truth, which is the class the made-up model gives mostly."""
    headlines = (orjson.dumps({"source": headline.text}) for headline in demo_headlines(min(objects, 5_000)))
    s3.write_lines(f"{BUCKET}in/input.manifest", islice(cycle(headlines), objects))
    labels = [{"label": f"class {number}"} for number in range(CLASSES)]
    s3.write_json(f"{BUCKET}in/classes.json", {"labels": labels})
    rows = (f"{number},x,class {truth_of(number)}".encode() for number in range(objects))
    s3.write_lines(f"{BUCKET}in/truth.csv", chain([b"labelloop-id,source,label"], rows))


def run(folder: Path, objects: int) -> list[Measured]:
    """Take a run through two rounds and to its end."""
    rows: dict[str, Measured] = {}

    def do(step: str, state: dict[str, Any] | None, *, of: str = "") -> dict[str, Any]:
        after, found = in_a_process(folder, _step, step, state)
        size = len(json.dumps(after, separators=(",", ":")))
        row = Measured(f"{step}{of}", objects, state_bytes=size, **found)
        rows[row.step] = row.or_more(rows[row.step]) if row.step in rows else row
        console.print(
            f"{objects:>10,} {row.step}: {1e6 * row.processor_seconds / objects:.2f} µs of a processor, "
            f"{row.seconds:.1f} s, {row.megabytes:.0f} MB"
        )
        return dict(after)

    in_a_process(folder, write_input, objects)
    state = do("prepare_manifest", None)
    state = do("select_for_humans", state, of=", no model")
    state = do("label_at_once", state, of=", no model")
    state = do("merge_labels", state, of=", no model")
    state = do("split_labels", state)
    in_a_process(folder, _predict, state)
    state = do("auto_label", state)
    # A test takes the place of the query strategy: it is measured as if none had begun.
    untested = {name: value for name, value in state.items() if name != "Audit"}
    do("select_for_humans", {**untested, "Model": {**state["Model"], "AutoLabels": 0}}, of=", by strategy")
    # Until the test has ended, and its labels are merged.
    while "Audit" in state:
        state = do("select_for_humans", state, of=", for a test")
        state = do("label_at_once", state, of=", with a model")
        state = do("merge_labels", state, of=", with a model")
    state["StoppedBecause"] = "it was measured"
    do("export_manifest", state)
    return list(rows.values())


def in_a_process(folder: Path, work: Callable[..., Any], *arguments: Any) -> tuple[Any, dict[str, Any]]:
    """What it returns, and what is measured of it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (folder, work, arguments))


def measured(
    folder: Path, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[Any, dict[str, Any]]:
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    client = FilesClient(folder)
    client.take_the_place_of_s3()
    # Imports are a function's cold start, and not measured here.
    import labelloop.steps.export_manifest
    import labelloop.steps.prepare_manifest  # noqa: F401

    began, processor = time.perf_counter(), time.process_time()
    result = work(*arguments)
    reads = sum(client.requests[name] for name in READS)
    return result, {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "reads": reads,
        "writes": client.requests.total() - reads,
        "bytes_read": client.read,
        "bytes_written": client.written,
    }


def _step(name: str, state: dict[str, Any] | None) -> dict[str, Any]:
    module = import_module(f"labelloop.steps.{name}")
    if state is not None:
        return dict(getattr(module, name)(RunState.model_validate(state), TIME))
    event = {"Request": request(), "ExecutionName": NAME, "StartTime": TIME}
    return dict(module.prepare_manifest(module.PrepareEvent.model_validate(event)))


def _predict(state: dict[str, Any]) -> None:
    """What the transform job would write, for what it would be asked."""
    training = RunState.model_validate(state).training
    assert training is not None
    for asked, answered in zip(training.pool_files, training.prediction_files, strict=True):
        s3.write_lines(answered, _answers(object_id(line) for line in s3.read_lines(asked)))


def _answers(ids: Iterable[int]) -> Iterator[bytes]:
    rng, remaining = np.random.default_rng(0), iter(ids)
    while chunk := list(islice(remaining, 10_000)):
        probabilities = rng.dirichlet(np.full(CLASSES, 0.05), len(chunk)).round(7)
        probabilities = -np.sort(-probabilities, axis=1)
        embeddings = rng.normal(size=(len(chunk), NUMBERS)).round(3)
        disagreements = rng.exponential(0.05, len(chunk)).round(4)
        errs = rng.random(len(chunk)) < MODEL_ERROR
        for row, number in enumerate(chunk):
            best = (truth_of(number) + int(errs[row])) % CLASSES
            labels = [f"__label__{(best + other) % CLASSES}" for other in range(CLASSES)]
            answer = {
                "label": labels,
                "prob": probabilities[row].tolist(),
                "embedding": embeddings[row].tolist(),
                "disagreement": float(disagreements[row]),
            }
            yield orjson.dumps({ID_KEY: number, "SageMakerOutput": answer})


def last_call(sizes: Iterable[int]) -> dict[tuple[str, int], Measured]:
    """What the last call measured, by step and size. Raises ValueError where it cannot be compared with."""
    before = read_json("scale", RESULTS)
    if before is None:
        raise ValueError("nothing was measured before")
    found = {(row["step"], row["objects"]): Measured(**row) for row in before["rows"]}
    if before["machine"] != machine() or {objects for _, objects in found} != set(sizes):
        raise ValueError("the last call was on another machine, of another version, or of other sizes")
    return found


def growth_table(rows: list[Measured]) -> str:
    """A row a step: for each size microseconds of a processor for an object, and MB."""
    sizes = sorted({row.objects for row in rows})
    header = ["Step", *(f"{size:,}: µs an object" for size in sizes), *(f"{size:,}: MB" for size in sizes)]
    found = {(row.step, row.objects): row for row in rows}
    return markdown_table(
        header,
        [
            [
                step,
                *(f"{1e6 * found[step, size].processor_seconds / size:.1f}" for size in sizes),
                *(f"{found[step, size].megabytes:,.0f}" for size in sizes),
            ]
            for step in dict.fromkeys(row.step for row in rows)
        ],
    )


def limits_table(rows: list[Measured]) -> str:
    """All that was measured of the largest size, a row a step, and what is above the limits in bold."""
    largest = max(row.objects for row in rows)
    header = [
        "Step",
        "s of a processor",
        "s with S3",
        "MB",
        "S3 reads",
        "S3 writes",
        "GB read",
        "GB written",
        "state, KB",
        "$",
    ]
    return markdown_table(
        header,
        [
            [
                row.step,
                f"{row.processor_seconds:.0f}",
                _limited(row.with_transfer, MOST_SECONDS),
                _limited(row.megabytes, MOST_MEGABYTES),
                f"{row.reads}",
                f"{row.writes}",
                f"{row.bytes_read / 1e9:.2f}",
                f"{row.bytes_written / 1e9:.2f}",
                f"{row.state_bytes / 1024:.1f}",
                f"{row.dollars:.4f}",
            ]
            for row in rows
            if row.objects == largest
        ],
    )


def _limited(value: float, most: float) -> str:
    return f"{value:,.0f}" if value <= most else f"**{value:,.0f}**"


def main() -> None:
    """Measure, print the tables, and put them into docs/benchmarks.md where all sizes were measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, nargs="+", default=SIZES, help="sizes to measure")
    parser.add_argument("--quick", action="store_true", help="up to 100,000 objects")
    parser.add_argument("--folder", type=Path, help="where the files go: there, not on the disk of /tmp")
    parser.add_argument(
        "--again",
        action="store_true",
        help="keep the lesser time of each step in this call and the last: other work adds to it",
    )
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # A function of 1,769 MB has one processor; on more, a product's threads count double while they wait.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    sizes = QUICK_SIZES if given.quick else tuple(given.objects)
    try:
        before = last_call(sizes) if given.again else {}
    except ValueError as error:
        parser.error(f"--again: {error}")
    rows: list[Measured] = []
    for objects in sizes:
        folder = Path(tempfile.mkdtemp(prefix="bench-scale-", dir=given.folder))
        try:
            rows += run(folder, objects)
        finally:
            shutil.rmtree(folder)
    rows = [row.or_faster(before.get((row.step, row.objects), row)) for row in rows]
    document = {"command": "make bench-scale", "machine": machine(), "rows": [asdict(row) for row in rows]}
    write_json("scale", document, RESULTS)
    if sizes == SIZES:
        write_json("scale", document, QUOTED)
        quote_in_document({"growth": growth_table(rows), "scale": limits_table(rows)})
    print(growth_table(rows))
    print(limits_table(rows))


if __name__ == "__main__":
    main()

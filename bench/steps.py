"""Every step's microseconds an object, and the most memory it takes: `make bench-steps`.

A run goes through two rounds, one without a model and one with: the first of 10,000, 100,000 and 1,000,000
short headlines in four classes. Each step is a process of its own, as on Lambda, on plain files for S3,
on one core. The model's answers are made up: with an embedding of 32 numbers and a disagreement, as the
shipped container gives them, and one of twenty is wrong, so that a test begins. Simulated people answer.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench.files import Files
from bench.prediction_lines import headline_lines
from bench.results import QUOTED, RESULTS, machine, markdown_table, quote_in_document, write_json
from bench.runs import console
from labelloop.core.manifest.lines import ID_KEY, object_id
from labelloop.workflow.run_state import RunState

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (10_000, 100_000)
CLASSES, NUMBERS = 4, 32
BUCKET = "s3://bucket/"
NAME = "bench"
TIME = "2026-11-28T12:00:00.000Z"
MODEL_ERROR = 0.05


def truth_of(number: int) -> int:
    """The class of an object."""
    return number * 7 % CLASSES


@dataclass(frozen=True)
class Measured:
    """A step of a run of so many objects."""

    step: str
    objects: int
    seconds: float
    megabytes: float  # at the most, Python and its libraries included


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
        },
    }


def write_input(folder: Path, objects: int) -> None:
    """The manifest, the classes and the truth, which is the class the made-up model gives mostly."""
    files = Files(folder)
    files.write_lines(f"{BUCKET}in/input.manifest", headline_lines(objects, labeled=False))
    labels = [{"label": f"class {number}"} for number in range(CLASSES)]
    files.write_json(f"{BUCKET}in/classes.json", {"labels": labels})
    rows = (f"{number},x,class {truth_of(number)}".encode() for number in range(objects))
    files.write_lines(f"{BUCKET}in/truth.csv", [b"labelloop-id,source,label", *rows])


def run(folder: Path, objects: int) -> list[Measured]:
    """Take a run through two rounds and to its end."""
    measured: list[Measured] = []

    def do(step: str, state: dict[str, Any] | None, *, of: str = "") -> dict[str, Any]:
        after, seconds, megabytes = _in_a_process(_step, folder, step, state)
        measured.append(Measured(f"{step}{of}", objects, seconds, megabytes))
        console.print(f"{objects:>9,} {step}{of}: {1e6 * seconds / objects:.2f} µs, {megabytes:.0f} MB")
        return dict(after)

    state = do("prepare_manifest", None)
    state = do("select_for_humans", state, of=", no model")
    state = do("label_at_once", state, of=", no model")
    state = do("merge_labels", state, of=", no model")
    state = do("split_labels", state)
    _in_a_process(_predict, folder, state)
    state = do("auto_label", state)
    # A test takes the place of the query strategy: it is measured as if none had begun.
    untested = {name: value for name, value in state.items() if name != "Audit"}
    do("select_for_humans", {**untested, "Model": {**state["Model"], "AutoLabels": 0}}, of=", by strategy")
    state = do("select_for_humans", state, of=", for a test")
    state = do("label_at_once", state, of=", with a model")
    state = do("merge_labels", state, of=", with a model")
    state["StoppedBecause"] = "it was measured"
    do("export_manifest", state)
    return measured


def _in_a_process(work: Callable[..., Any], folder: Path, *arguments: Any) -> tuple[Any, float, float]:
    """What it returns, the seconds it says it took, and the most memory the process had, in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, folder, arguments))


def _measure(work: Callable[..., Any], folder: Path, arguments: tuple[Any, ...]) -> tuple[Any, float, float]:
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    Files(folder).take_the_place_of_s3()
    result, seconds = work(folder, *arguments)
    return result, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _step(_folder: Path, name: str, state: dict[str, Any] | None) -> tuple[dict[str, Any], float]:
    from importlib import import_module

    module = import_module(f"labelloop.steps.{name}")
    began = time.perf_counter()
    if state is None:
        event = module.PrepareEvent.model_validate(
            {"Request": request(), "ExecutionName": NAME, "StartTime": TIME}
        )
        after = module.prepare_manifest(event)
    else:
        after = getattr(module, name)(RunState.model_validate(state), TIME)
    return after, time.perf_counter() - began


def _predict(folder: Path, state: dict[str, Any]) -> tuple[None, float]:
    """What the transform job would write, for what it would be asked."""
    files, training = Files(folder), RunState.model_validate(state).training
    assert training is not None
    ids = (object_id(line) for line in files.read_lines(training.pool_s3_uri))
    files.write_lines(training.predictions_s3_uri, _answers(ids))
    return None, 0.0


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


def table(rows: list[Measured]) -> str:
    """A row a step; for each size microseconds an object and MB."""
    sizes = sorted({row.objects for row in rows})
    header = ["Step", *(f"{size:,}: µs an object" for size in sizes), *(f"{size:,}: MB" for size in sizes)]
    steps = dict.fromkeys(row.step for row in rows)
    found = {(row.step, row.objects): row for row in rows}
    return markdown_table(
        header,
        [
            [
                step,
                *(f"{1e6 * found[step, size].seconds / size:.1f}" for size in sizes),
                *(f"{found[step, size].megabytes:.0f}" for size in sizes),
            ]
            for step in steps
        ],
    )


def main() -> None:
    """Measure, print the table, and put it into docs/benchmarks.md where all sizes were measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 100,000 objects")
    given = parser.parse_args()
    rows: list[Measured] = []
    for objects in QUICK_SIZES if given.quick else SIZES:
        folder = Path(tempfile.mkdtemp(prefix="bench-steps-"))
        try:
            write_input(folder, objects)
            rows += run(folder, objects)
        finally:
            shutil.rmtree(folder)
    command = "make bench-steps" + (" ARGS=--quick" if given.quick else "")
    document = {"command": command, "machine": machine(), "rows": [asdict(row) for row in rows]}
    write_json("steps", document, RESULTS)
    if not given.quick:
        write_json("steps", document, QUOTED)
        quote_in_document({"steps": table(rows)})
    print(table(rows))


if __name__ == "__main__":
    main()

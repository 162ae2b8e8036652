"""A container in a run in memory sees, predicts and labels what it does in the state machine."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelloop.core.ledger import State
from labelloop.core.manifest.lines import LabelAttribute, add_id
from labelloop.local.container_model import TRANSFORM_JOB, ContainerModel, Objects
from labelloop.local.container_process import ProcessContainer, RunningContainer
from labelloop.simulation import Labels, SimulatedRun, simulate
from labelloop.simulation_report import ReportWatcher
from labelloop.workflow.request import parse_settings
from tests.local.fork_server import ForkServer
from tests.words import CATEGORIES, CLASSES

from .conftest import ROOT, STAND_IN_CONTAINER, Loop

CHANNELS = ("train", "validation", "pool")
Channels = dict[str, list[dict[str, Any]]]


class Recorded:
    """Starts programs, and keeps what each training finds in its folder."""

    def __init__(self, forks: ForkServer) -> None:
        self._forks = forks
        self.channels: list[Channels] = []
        self.hyper_parameters: list[dict[str, str]] = []

    def start(self, command: list[str], *, folder: Path, **options: Any) -> RunningContainer:
        if command[-1].endswith("train"):
            self.channels.append({name: records(folder / "input/data" / name) for name in CHANNELS})
            config = folder / "input/config/hyperparameters.json"
            self.hyper_parameters.append(json.loads(config.read_bytes()))
        return self._forks.start(command, folder=folder, **options)


def records(channel: Path) -> list[dict[str, Any]]:
    """Of all files of a channel, without the dates and the names of labeling jobs, which are no run's own."""
    files = sorted(channel.iterdir())
    lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    for line in lines:
        for name in ("creation-date", "job-name"):
            line.get("category-metadata", {}).pop(name, None)
    return lines


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"TargetError": 0.2, "Seed": 3},
        {"Policy": "blog"},
        {"TargetError": 0.2, "SimulatedPeople": {"ErrorRate": 0.05, "UnansweredShare": 0.05}},
        {"TargetError": 0.2, "Model": {"HyperParameters": {"epochs": "3"}, "HoldoutShare": 0.1}},
        {"TargetError": 0.2, "PriorLabels": [{"Attribute": "gpt-4o"}, {"Attribute": "rule"}]},
    ],
)
def test_a_run_of_the_container_ends_the_same(
    loop: Loop, forks: ForkServer, tmp_path: Path, settings: dict[str, Any]
) -> None:
    loop.data(600, clean=False)
    if sources := settings.pop("PriorLabels", []):
        loop.request["PriorLabels"] = sources
        with_prior_labels(loop)
    rows = ["labelloop-id,source,label\n", *(f"{n},x,{label}\n" for n, label in enumerate(loop.truth))]
    loop.write("in/truth.csv", "".join(rows).encode())
    people = {**settings.pop("SimulatedPeople", {}), "TruthS3Uri": "s3://bucket/in/truth.csv"}
    loop.settings(LabelingBackend="simulated", SimulatedPeople=people, **settings)
    outcome = loop.run()
    recorded = Recorded(forks)
    watcher = ReportWatcher()
    ended = in_memory(loop, recorded, tmp_path / "log", watcher)

    lines = outcome.lines()
    assert [line.get("category", -1) for line in lines] == ended.ledger.labels.tolist()
    automatic = ["category" in it and it["category-metadata"]["human-annotated"] == "no" for it in lines]
    assert ended.ledger.mask(State.AUTO).tolist() == automatic
    assert ended.auto_labels > 0
    assert reported(ended, watcher, loop, lines) == told_by_the_state_machine(outcome.report())
    run = loop.s3 / "bucket/out/run-1"
    trained = [f"round-{record.round:03d}/training" for record in ended.records if record.trained]
    there = [{name: records(run / each / name) for name in CHANNELS} for each in trained]
    assert there == recorded.channels
    assert recorded.hyper_parameters == [hyper_parameters_of(run / trained[0])] * len(trained)


def with_prior_labels(loop: Loop) -> None:
    given = [
        {"gpt-4o": int(label), "gpt-4o-metadata": {"confidence": 0.75}} if number % 3 else {"rule": 0}
        for number, label in enumerate(truth_of(loop))
    ]
    lines = map(json.loads, (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines())
    loop.manifest(json.dumps(line | prior).encode() for line, prior in zip(lines, given, strict=True))


def in_memory(loop: Loop, recorded: Recorded, log: Path, watcher: ReportWatcher) -> SimulatedRun:
    block = loop.request["ActiveLearning"]
    manifest = (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines()
    objects = Objects([add_id(line, number) for number, line in enumerate(manifest)])
    container = ProcessContainer(STAND_IN_CONTAINER, start=recorded.start)
    attribute = LabelAttribute("category")
    model = ContainerModel.of(
        container, parse_settings(block), attribute, CATEGORIES, log, prior_attributes(loop.request)
    )
    return simulate(objects, truth_of(loop), model, block, watchers=[watcher])


def prior_attributes(request: dict[str, Any]) -> list[str]:
    return [source["Attribute"] for source in request.get("PriorLabels") or []]


def truth_of(loop: Loop) -> Labels:
    return np.array([CLASSES.index(label) for label in loop.truth])


def reported(
    ended: SimulatedRun, watcher: ReportWatcher, loop: Loop, lines: list[dict[str, Any]]
) -> dict[str, Any]:
    report = watcher.report(
        ended,
        execution="run-1",
        settings=parse_settings(loop.request["ActiveLearning"]).model_dump(
            by_alias=True, mode="json", exclude_none=True
        ),
        classes=CLASSES,
        texts=[line["source"] for line in lines],
        truth=truth_of(loop),
    )
    # What only who knows the truth can add.
    told = report.model_copy(update={"score": None}).as_file()
    for group in told["evidence"]["examples"].values():
        for example in group:
            assert example.pop("truth") == truth_of(loop)[example["line"] - 1]
    return told


def told_by_the_state_machine(report: dict[str, Any]) -> dict[str, Any]:
    """Without the addresses of files."""
    rounds = [
        {name: value for name, value in record.items() if not name.endswith("_s3_uri")}
        for record in report["rounds"]
    ]
    return {**report, "rounds": rounds}


def hyper_parameters_of(training: Path) -> dict[str, str]:
    state = json.loads((training.parents[1] / "prepared/state.json").read_bytes())
    request = state["Request"]
    settings, sources = request["ActiveLearning"], prior_attributes(request)
    asked_for: dict[str, str] = settings["Model"]["HyperParameters"]
    known = {"num_classes": "3", "label_attribute": "category", "seed": str(settings["Seed"])}
    return {**known, **({"prior_labels": json.dumps(sources)} if sources else {}), **asked_for}


def test_the_container_is_asked_as_the_state_machine_asks_it() -> None:
    definition = json.loads((ROOT / "statemachine/active_learning.asl.json").read_bytes())
    asked = definition["States"]["CreateTransformJob"]["Arguments"]
    assert asked["TransformInput"].items() >= TRANSFORM_JOB["TransformInput"].items()
    assert asked["DataProcessing"] == TRANSFORM_JOB["DataProcessing"]
    for name, value in TRANSFORM_JOB["TransformOutput"].items():
        assert f"'{name}': '{value}'" in asked["TransformOutput"]

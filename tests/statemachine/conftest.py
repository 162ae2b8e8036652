"""The deployed state machines and steps on the local AWS, with a container that learns in milliseconds."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.people.simulated_people import SimulatedPeople, read_truth
from labelloop.local.aws import LocalAws
from labelloop.local.container_process import ProcessContainer
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.workflow.execution import Execution, ExecutionEvent
from tests.local.fork_server import ForkServer
from tests.words import CATEGORIES, CLASSES, texts

ROOT = Path(__file__).parents[2]
STAND_IN_CONTAINER = ROOT / "tests" / "local" / "stand_in_container"


@dataclass
class Outcome:
    """How an execution ended, with what it left in S3."""

    execution: Execution
    s3: Path

    @property
    def output(self) -> dict[str, Any]:
        assert self.execution.status == "SUCCEEDED", self.execution.cause
        output: dict[str, Any] = self.execution.output
        return output

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.output["Counts"]
        return counts

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.read("FinalManifestS3Uri").splitlines()]

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.read("ReportS3Uri"))
        return report

    def read(self, name: str) -> bytes:
        uri: str = self.output[name]
        return (self.s3 / uri.removeprefix("s3://")).read_bytes()


class Loop:
    """A data set in an S3 folder, and executions of the loop on it."""

    def __init__(self, folder: Path, stack: ExitStack, forks: ForkServer) -> None:
        self._start_container = forks.start
        self.s3 = folder / "s3"
        self.told: dict[str, str] = {}  # how the stand-in container misbehaves
        self.states: list[str] = []
        self.reached: set[str] = set()  # over all executions
        self.request: dict[str, Any] = {
            "InputConfig": {
                "DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/in/input.manifest"}}
            },
            "OutputConfig": {"S3OutputPath": "s3://bucket/out/"},
            "HumanTaskConfig": {
                "WorkteamArn": "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/team",
                "UiConfig": {"UiTemplateS3Uri": "s3://bucket/in/template.html"},
                "PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:432418664414:function:PRE-TextMultiClass",
                "TaskTitle": "Choose a class",
                "TaskDescription": "Choose a class",
                "NumberOfHumanWorkersPerDataObject": 1,
                "TaskTimeLimitInSeconds": 300,
                "AnnotationConsolidationConfig": {
                    "AnnotationConsolidationLambdaArn": (
                        "arn:aws:lambda:us-east-1:432418664414:function:ACS-TextMultiClass"
                    )
                },
            },
            "LabelingJobNamePrefix": "test",
            "RoleArn": "arn:aws:iam::123456789012:role/jobs",
            "LabelAttributeName": "category",
            "LabelCategoryConfigS3Uri": "s3://bucket/in/classes.json",
            # Else each run draws others.
            "ActiveLearning": {"Seed": 0},
        }
        self._folder = folder
        self._stack = stack
        self.truth: list[str] = []
        self.write("in/classes.json", json.dumps({"labels": [{"label": name} for name in CLASSES]}).encode())
        self.write("in/template.html", b"<crowd-form></crowd-form>")

    def write(self, key: str, content: bytes) -> None:
        path = self.s3 / "bucket" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def data(self, size: int, *, labeled: int = 0, clean: bool = True) -> None:
        """Make a manifest whose first `labeled` objects carry people's labels."""
        rows = texts(size, clean=clean)
        self.truth = [label for _, label in rows]
        records = []
        for number, (text, label) in enumerate(rows):
            record: dict[str, Any] = {"source": text, "n": number}
            if number < labeled:
                record["category"] = CLASSES.index(label)
                record["category-metadata"] = {"human-annotated": "yes", "class-name": label}
            records.append(json.dumps(record).encode())
        self.manifest(records)

    def label(self, numbers: Iterable[int]) -> None:
        """Give some objects of the manifest people's labels."""
        wanted = set(numbers)
        lines = (self.s3 / "bucket/in/input.manifest").read_bytes().splitlines()
        records = [json.loads(line) for line in lines]
        for number in wanted:
            label = self.truth[number]
            records[number]["category"] = CLASSES.index(label)
            records[number]["category-metadata"] = {"human-annotated": "yes", "class-name": label}
        self.manifest(json.dumps(record).encode() for record in records)

    def manifest(self, lines: Iterable[bytes]) -> None:
        self.write("in/input.manifest", b"".join(line + b"\n" for line in lines))

    def people(self, **faults: Any) -> SimulatedPeople:
        rows = ["labelloop-id,source,label\n"]
        rows += [f"{number},x,{label}\n" for number, label in enumerate(self.truth)]
        return SimulatedPeople(read_truth(rows, CATEGORIES), CATEGORIES, **faults)

    def settings(self, **fields: Any) -> None:
        self.request["ActiveLearning"] = {**self.request.get("ActiveLearning", {}), **fields}

    def aws(self, **options: Any) -> LocalAws:
        """The local AWS on this S3 folder; a second call stands for a restart of the machine."""
        self._stack.close()
        return self._stack.enter_context(
            LocalAws(
                **{
                    "template": ROOT / "template.yaml",
                    "s3_root": self.s3,
                    "model_container": ProcessContainer(
                        STAND_IN_CONTAINER, environment=self.told, start=self._start_container
                    ),
                    "annotators": SimulatedAnnotators(self.people()),
                    "logs": self._folder / "logs",
                    "parameters": {
                        "DataBucket": "bucket",
                        "JobRoleArn": "arn:aws:iam::123456789012:role/jobs",
                        "LabelingBackend": "groundtruth",
                    },
                    "on_event": self.note,
                    "time_scale": 0.0,
                    "stop_grace_seconds": 1.0,
                    **options,
                }
            )
        )

    def run(self, aws: LocalAws | None = None, name: str = "run-1") -> Outcome:
        self.states.clear()
        aws = aws or self.aws()
        execution = aws.wait(aws.start_execution("ActiveLearningLoop", name, self.request), seconds=300)
        return Outcome(execution, self.s3)

    def note(self, event: ExecutionEvent) -> None:
        if event.state and event.type.endswith("Entered"):
            self.states.append(event.state)
            self.reached.add(event.state)


@pytest.fixture
def loop(tmp_path: Path, forks: ForkServer) -> Iterator[Loop]:
    with ExitStack() as stack:
        yield Loop(tmp_path, stack, forks)


@pytest.fixture
def accounted_for(loop: Loop) -> Callable[[Outcome], None]:
    """Checks that nothing was lost, changed or relabeled, and that all numbers agree."""

    def check(outcome: Outcome) -> None:
        given = [
            json.loads(line) for line in (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines()
        ]
        lines = outcome.lines()
        assert len(lines) == len(given)
        human = auto = open_ = failed = 0
        for before, after in zip(given, lines, strict=True):
            assert {key: after[key] for key in before} == before
            assert "labelloop-id" not in after
            metadata = after["category-metadata"]
            if "category" not in after:
                assert metadata["failure-reason"]
                failed += "people gave no label" in metadata["failure-reason"]
                open_ += "not labeled: " in metadata["failure-reason"]
            elif metadata["human-annotated"] == "yes":
                human += 1
            else:
                auto += 1
        expected = {"input": len(given), "human": human, "auto": auto, "failed": failed, "unlabeled": open_}
        assert outcome.counts == expected
        assert outcome.report()["counts"] == expected
        assert human + auto + failed + open_ == len(given)

    return check

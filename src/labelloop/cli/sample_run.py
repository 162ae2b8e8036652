"""A small run of two rounds, each step of which can be invoked again. The files in `events/` refer to it.

Names and times are fixed, so that its S3 keys are always the same.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelloop.cli.run_folder import read_request
from labelloop.core.errors import LabelloopError
from labelloop.local.aws import LocalAws
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.workflow.run_files import RoundFiles
from labelloop.workflow.run_state import RunState

BUCKET = "labelloop-local"
_HEADLINES = 400
# Enough for a test of any good model's labels in the second round.
_START_SIZE = 100
_TARGET_ERROR = 0.2
_TRUTH_KEY = "input/truth.csv"
_EXECUTION = "sample"
_TIME = "2026-11-24T00:00:00.000Z"
_MODEL = "us.amazon.nova-lite-v1:0"
_TEXTS = [
    "Shares of the airline fall after its profit warning",
    "New vaccine protects against two strains of flu",
    "Astronomers find water vapour around a distant planet",
]


class SampleRunError(LabelloopError):
    """Raised when a step of the sample run fails: the message is the step's."""


def prepare_sample(folder: Path) -> Path:
    """Write the input of the sample run to `folder`; returns the folder that stands for S3."""
    options = PreparationOptions(label_attribute="category", labeled_share=0.0, bucket=BUCKET, overwrite=True)
    files = prepare_dataset(demo_headlines(_HEADLINES, seed=0), folder, options).folder
    (files.s3_root / BUCKET / _TRUTH_KEY).write_bytes(files.truth.read_bytes())
    # Files of an earlier sample run, perhaps made by other code.
    shutil.rmtree(files.s3_root / BUCKET / "output" / _EXECUTION, ignore_errors=True)
    request = {
        **read_request(files.request),
        "ActiveLearning": {
            "LabelingBackend": "simulated",
            "Seed": 0,  # the sample events are in the repository
            "SimulatedPeople": {"TruthS3Uri": f"s3://{BUCKET}/{_TRUTH_KEY}"},
            "StartSize": _START_SIZE,
            "TargetError": _TARGET_ERROR,
            "MaxRounds": 2,
        },
    }
    files.request.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n")
    return files.s3_root


@dataclass
class SampleRun:
    """Runs every step at least once, and keeps the newest event of each by the step's name."""

    aws: LocalAws
    request: dict[str, Any]
    events: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self) -> None:
        """Run both rounds and the export. Raises SampleRunError when a step fails."""
        state = self._invoke(
            "PrepareManifest",
            {"Request": self.request, "ExecutionName": _EXECUTION, "StartTime": _TIME},
        )
        self._ask_the_model(state)
        state = self._label(state)
        state = self._train(state)
        state = self._label(state)
        self._step("ExportManifest", state)

    def _ask_the_model(self, state: dict[str, Any]) -> None:
        """The run asks none: these events are what its steps would get."""
        request = state["Request"]
        settings = {**request["ActiveLearning"], "FoundationModel": {"ModelId": _MODEL}}
        asking = {**state, "Next": "ASK_MODEL", "Request": {**request, "ActiveLearning": settings}}
        self.events["AskFoundationModel"] = {"State": asking, "Time": _TIME}
        done = RunState.model_validate(self._step("AskFoundationModel", asking))
        self._step("MergeModelLabels", done.as_document())

    def _label(self, state: dict[str, Any]) -> dict[str, Any]:
        state = self._step("SelectForHumans", state)
        # The workbench's steps take the same state, but would wait for people.
        event = {"State": state, "Time": _TIME}
        self.events["LabelInWorkbench"] = {**event, "TaskToken": "sample"}
        self.events["CollectLabels"] = event
        return self._step("MergeLabels", self._step("LabelAtOnce", state))

    def _train(self, state: dict[str, Any]) -> dict[str, Any]:
        """One execution of the nested state machine; the events of its steps are in its history."""
        run = RunState.model_validate(state)
        name = run.round_name
        execution = self.aws.run("ActiveLearning", name, {"State": state})
        if execution.status != "SUCCEEDED":
            raise SampleRunError(f"the sample run failed: {execution.cause or execution.error}")
        for event in self.aws.history(execution.arn):
            scheduled = event.get("taskScheduledEventDetails", {})
            if scheduled.get("resourceType") == "lambda":
                parameters = json.loads(scheduled["parameters"])
                step = self._name_of(parameters["FunctionName"])
                self.events[step] = {**parameters["Payload"], "Time": _TIME}
        self.events["ModelContainer"] = {"ModelS3Uri": _model_uri(run.round_files, name), "Texts": _TEXTS}
        result: dict[str, Any] = execution.output
        return result

    def _name_of(self, function: str) -> str:
        return next(name for name, known in self.aws.functions.items() if function in (known.arn, known.name))

    def _step(self, name: str, state: dict[str, Any]) -> dict[str, Any]:
        return self._invoke(name, {"State": state, "Time": _TIME})

    def _invoke(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        self.events[name] = event
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise SampleRunError(f"{name} of the sample run failed: {result['errorMessage']}")
        return result


def _model_uri(files: RoundFiles, job_name: str) -> str:
    return f"{files.model_folder}{job_name}/output/model.tar.gz"


def write_events(events: dict[str, dict[str, Any]], folder: Path) -> None:
    """Write each event to `<folder>/<step_name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, event in events.items():
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        path = folder / f"{words.removeprefix('_')}.json"
        path.write_text(json.dumps(event, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

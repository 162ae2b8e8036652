"""One run of the loop on the local AWS, from a request to the files in `--out`."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labelloop.cli.run_folder import RunFolder, RunRecord
from labelloop.cli.state_seconds import seconds_by_round
from labelloop.core.errors import LabelloopError, RequestError
from labelloop.core.label_categories import parse_label_categories
from labelloop.core.ledger import NO_LABEL
from labelloop.core.manifest import LabelAttribute
from labelloop.core.request import LabelingRequest, parse_request
from labelloop.core.scoring import score_manifest
from labelloop.core.simulated_people import SimulatedPeople, Truth, read_truth
from labelloop.local.aws import LocalAws
from labelloop.local.container_process import ProcessContainer
from labelloop.local.execution import Execution, ExecutionEvent
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.reporting.page import render_report

LOOP = "ActiveLearningLoop"
OnEvent = Callable[[ExecutionEvent], None]


class RunFailedError(LabelloopError):
    """Raised when the execution did not succeed; the message is its cause."""


@dataclass(frozen=True)
class Application:
    """The files that are deployed: the template with all it names, and the model container."""

    template: Path
    model_container: Path
    encoder: Path  # the sentence encoder's files, where `make encoder` puts them; the model does without

    def container(self, encodings: Path) -> ProcessContainer:
        """The model container as processes; what a text is encoded to is remembered in a folder."""
        encoder = str(self.encoder) if (self.encoder / "model.safetensors").is_file() else "none"
        return ProcessContainer(
            self.model_container, {"SENTENCE_ENCODER": encoder, "ENCODING_CACHE": str(encodings.resolve())}
        )

    @classmethod
    def found(cls, folder: Path | None = None, model_container: Path | None = None) -> "Application":
        """In the folder given, else in the checkout this package runs from; with another model container.

        Raises RequestError when it is not there.
        """
        root = folder or Path(__file__).resolve().parents[3]
        container = _checked_container(model_container) if model_container else root / "model_container"
        application = cls(root / "template.yaml", container, root / ".encoder")
        for path in (application.template, application.model_container):
            if not path.exists():
                raise RequestError(
                    f"there is no {path}: name the folder of a labelloop checkout with --application"
                )
        return application


def run_loop(
    application: Application, folder: RunFolder, record: RunRecord, name: str, on_event: OnEvent
) -> dict[str, Any]:
    """Run one execution, and leave output manifest, report (data and page) and history in the run's folder.

    Returns the report. Raises RunFailedError when the execution fails, LabelloopError for bad input.
    """
    request = parse_request(record.request)
    s3_root = Path(record.s3_root)
    truth, people = _people(request, s3_root, Path(record.truth))
    execution_input = _with_truth_in_s3(record, request, s3_root)
    record.executions.append(name)
    folder.save(record)
    with LocalAws(
        template=application.template,
        s3_root=s3_root,
        model_container=application.container(folder.encodings),
        annotators=SimulatedAnnotators(people),
        logs=folder.logs,
        parameters={
            "DataBucket": _bucket(request.output_config.s3_output_path),
            "JobRoleArn": request.role_arn,
        },
        on_event=on_event,
    ) as aws:
        arn = aws.start_execution(LOOP, name, execution_input)
        try:
            execution = aws.wait(arn)
        finally:
            loop_history = aws.history(arn)
            nested = [aws.history(child) for child in aws.children(arn)]
            folder.write_json(folder.history, {"loop": loop_history, "rounds": nested})
    if execution.status != "SUCCEEDED":
        raise RunFailedError(execution.cause or execution.error or f"the execution is {execution.status}")
    report = _collect(execution, s3_root, folder)
    _add_seconds(report, seconds_by_round(loop_history, nested), execution)
    _add_score(report, request, folder, truth, s3_root)
    _add_truth_of_examples(report, truth)
    folder.write_json(folder.report, report)
    folder.page.write_text(render_report(report), encoding="utf-8")
    record.finished = True
    folder.save(record)
    return report


def _checked_container(folder: Path) -> Path:
    for program in ("train", "serve"):
        if not (folder / program).is_file():
            raise RequestError(
                f"there is no {folder / program}: a model container is a folder with the programs "
                "train and serve (docs/bring-your-own-model.md)"
            )
    return folder.resolve()


def local_path(s3_root: Path, uri: str) -> Path:
    """The file that stands for an S3 object."""
    return s3_root / uri.removeprefix("s3://")


def _bucket(uri: str) -> str:
    return uri.removeprefix("s3://").split("/", 1)[0]


def _people(request: LabelingRequest, s3_root: Path, truth_file: Path) -> tuple[Truth, SimulatedPeople]:
    path = local_path(s3_root, request.label_category_config_s3_uri)
    if not path.is_file():
        raise RequestError(
            f"there is no {request.label_category_config_s3_uri} (LabelCategoryConfigS3Uri): "
            f"on this machine that is the file {path}"
        )
    categories = parse_label_categories(path.read_bytes())
    with truth_file.open(encoding="utf-8", newline="") as lines:
        truth = read_truth(lines, categories)
    faults = request.active_learning.simulated_people
    people = SimulatedPeople.with_faults(truth, categories, faults)
    return truth, people


def _with_truth_in_s3(record: RunRecord, request: LabelingRequest, s3_root: Path) -> dict[str, Any]:
    """Simulated people that are a step of the workflow read the truth from S3: put it there."""
    truth_uri = request.active_learning.simulated_people.truth_s3_uri
    if request.active_learning.labeling_backend == "simulated" and truth_uri:
        path = local_path(s3_root, truth_uri)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.truth, path)
    return record.request


def _collect(execution: Execution, s3_root: Path, folder: RunFolder) -> dict[str, Any]:
    shutil.copyfile(local_path(s3_root, execution.output["FinalManifestS3Uri"]), folder.manifest)
    report: dict[str, Any] = json.loads(local_path(s3_root, execution.output["ReportS3Uri"]).read_bytes())
    return {**report, "output": execution.output}


def _add_seconds(report: dict[str, Any], seconds: list[dict[str, float]], execution: Execution) -> None:
    rounds = report["rounds"]
    # A resumed execution ran the last rounds only; what comes after the last of them is the export.
    of_this_execution = seconds[:-1] if len(seconds) > 1 else []
    for record in rounds:
        record["seconds"] = None
    for record, timings in zip(
        rounds[len(rounds) - len(of_this_execution) :], of_this_execution, strict=True
    ):
        record["seconds"] = timings
    report["seconds_after_last_round"] = seconds[-1]
    report["seconds"] = (
        (execution.stopped or datetime.now(execution.started.tzinfo)) - execution.started
    ).total_seconds()


def _add_score(
    report: dict[str, Any], request: LabelingRequest, folder: RunFolder, truth: Truth, s3_root: Path
) -> None:
    categories = parse_label_categories(
        local_path(s3_root, request.label_category_config_s3_uri).read_bytes()
    )
    with folder.manifest.open("rb") as lines:
        score = score_manifest(lines, truth, LabelAttribute(request.label_attribute_name), categories)
    report.update(score.as_dict())


def _add_truth_of_examples(report: dict[str, Any], truth: Truth) -> None:
    evidence = report.get("evidence") or {}
    for group in evidence.get("examples", {}).values():
        for example in group:
            number = example["line"] - 1
            if number < len(truth) and truth[number] != NO_LABEL:
                example["truth"] = truth[number]

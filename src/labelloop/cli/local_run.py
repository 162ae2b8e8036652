"""One run of the loop on the local AWS, from the request to the files in `--out`."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from labelloop import backends, labelers
from labelloop.cli.errors import RunFailedError
from labelloop.cli.image_folder import ImageFolder
from labelloop.cli.run_folder import RunFolder, RunRecord, local_path
from labelloop.cli.served_model import refuse_samples, served_model
from labelloop.cli.state_seconds import seconds_by_round
from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.simulated_people import SimulatedPeople, Truth, read_truth
from labelloop.core.records import Report, Score
from labelloop.core.report.scoring import compared_with_truth, labeled_by_machine, score_manifest
from labelloop.local.application import Application
from labelloop.local.aws import LocalAws
from labelloop.local.bedrock import FoundationModels
from labelloop.local.labeling_job import Annotators, LabelingFailed, LabelingJobRequest
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.local.simulated_model import SimulatedModel
from labelloop.reporting.check_list import doubtful_objects, write_check_list
from labelloop.reporting.page import render_report
from labelloop.reporting.thumbnails import thumbnails
from labelloop.work_folder.json_file import write_json
from labelloop.workflow.execution import Execution, ExecutionEvent
from labelloop.workflow.request import LabelingRequest, parse_request
from labelloop.workflow.run_output import RunOutput

LOOP, ROUND = "ActiveLearningLoop", "ActiveLearning"
# What runs next to the loop, inside the local AWS: the workbench, where people label.
Beside = Callable[[], AbstractContextManager[object]]


class RunWatcher(Protocol):
    """Whoever is told how a run goes."""

    def follow(self, event: ExecutionEvent) -> None:
        """An event of the execution, or of one nested in it."""
        ...

    def model_answered(self, number: int) -> None:
        """The foundation model has answered so many requests; called from many threads."""
        ...


def run_loop(
    application: Application,
    folder: RunFolder,
    record: RunRecord,
    name: str,
    watcher: RunWatcher,
    beside: Beside = nullcontext,
) -> Report:
    """Run one execution and write output manifest, report (data and page) and history to the run's folder.

    Returns the report. Raises RunFailedError when the execution fails, another LabelloopError for bad input.
    """
    request = parse_request(record.request)
    backends.check_request(request)
    own_model = application.has_own_model
    labelers.check_request(request, own_model=own_model)
    algorithm = request.active_learning.model.algorithm
    application = application.ready_for(algorithm)
    asked = request.active_learning.foundation_model
    s3_root = Path(record.s3_root)
    container = application.container(folder.encodings, request.active_learning.model.image_uri, s3_root)
    truth, people = _people(request, s3_root, record.truth)
    execution_input = _with_truth_in_s3(record, request, s3_root)
    if asked and record.model_server:
        execution_input = _all_one_by_one(record)
    record.executions.append(name)
    folder.save(record)
    with (
        _foundation_model(record, folder, request, watcher) as foundation_model,
        LocalAws(
            template=application.template,
            s3_root=s3_root,
            model_container=container,
            annotators=people,
            logs=folder.logs,
            parameters={
                "DataBucket": _bucket(request.output_config.s3_output_path),
                "JobRoleArn": request.role_arn,
                "LabelingBackend": "workbench" if record.people == "workbench" else "groundtruth",
                "FoundationModel": asked.model_id if asked else "",
            },
            environment={
                "WORKBENCH_DATABASE": str(folder.workbench_database.resolve()),
                **({"OWN_MODEL_CONTAINER": "1"} if own_model else {}),
            },
            on_event=watcher.follow,
            step_containers=application.step_containers(folder.logs),
            foundation_models=foundation_model,
        ) as aws,
        beside(),
    ):
        arn = aws.start_execution(LOOP, name, execution_input)
        try:
            execution = aws.wait(arn)
        finally:
            loop_history = aws.history(arn)
            nested = [aws.history(child) for child in aws.children(arn, ROUND)]
            write_json(folder.history, {"loop": loop_history, "rounds": nested})
    if execution.status != "SUCCEEDED":
        raise RunFailedError(execution.cause or execution.error or f"the execution is {execution.status}")
    report = _collect(execution, s3_root, folder)
    report = _with_seconds(report, seconds_by_round(loop_history, nested), execution)
    if truth is not None:
        report = compared_with_truth(report, _score(request, folder, truth, s3_root), truth)
    folder.write_report(report)
    to_check = _write_check_list(folder, report, request)
    images = thumbnails(report, ImageFolder(s3_root).read)
    page = render_report(report, folder.check_list.name, to_check, images)
    folder.page.write_text(page, encoding="utf-8")
    record.finished = True
    folder.save(record)
    return report


def _bucket(uri: str) -> str:
    return uri.removeprefix("s3://").split("/", 1)[0]


class _NoAnnotators:
    """For labeling jobs without a truth: nobody can stand in for Ground Truth's people."""

    def label(self, _job: LabelingJobRequest, _records: Iterable[bytes]) -> Iterable[bytes]:
        raise LabelingFailed(
            "there is no Ground Truth on this machine: simulated people need --truth, real people label with "
            "--people workbench"
        )


def _people(
    request: LabelingRequest, s3_root: Path, truth_file: str | None
) -> "tuple[Truth | None, Annotators]":
    if truth_file is None:
        _label_categories(request, s3_root)
        return None, _NoAnnotators()
    truth, people = load_simulated_people(Path(truth_file), request, s3_root)
    return truth, SimulatedAnnotators(people)


@contextmanager
def _foundation_model(
    record: RunRecord, folder: RunFolder, request: LabelingRequest, watcher: RunWatcher
) -> Iterator[FoundationModels | None]:
    """What answers in the place of Amazon Bedrock."""
    asked = request.active_learning.foundation_model
    if asked is not None and record.model_server is not None:
        refuse_samples(asked.confidence_from)
        with served_model(
            record.model_server,
            asked.model_id,
            record.key_variable,
            folder.model_answers,
            on_answer=watcher.model_answered,
        ) as model:
            yield model
    elif record.model_skill is not None and record.truth is not None:
        with Path(record.truth).open(encoding="utf-8", newline="") as lines:
            simulated = SimulatedModel.of_truth_file(lines, record.model_skill)
        yield simulated
    else:
        yield None


def _all_one_by_one(record: RunRecord) -> dict[str, Any]:
    """A server on this machine has no batch inference: the stand-in's would ask one text after the other."""
    settings = record.request["ActiveLearning"]
    model = {**settings["FoundationModel"], "Inference": "converse"}
    return {**record.request, "ActiveLearning": {**settings, "FoundationModel": model}}


def load_simulated_people(
    truth_file: Path, request: LabelingRequest, s3_root: Path
) -> tuple[Truth, SimulatedPeople]:
    """The truth, and simulated people who know it and make the mistakes that the request asks for.

    Raises RequestError when the label categories are missing, TruthError when the truth cannot be used.
    """
    categories = _label_categories(request, s3_root)
    with truth_file.open(encoding="utf-8", newline="") as lines:
        truth = read_truth(lines, categories)
    return truth, SimulatedPeople.with_faults(truth, categories, request.active_learning.simulated_people)


def _label_categories(request: LabelingRequest, s3_root: Path) -> LabelCategories:
    path = local_path(s3_root, request.label_category_config_s3_uri)
    if not path.is_file():
        raise RequestError(
            f"there is no {request.label_category_config_s3_uri} (LabelCategoryConfigS3Uri): "
            f"on this machine that is the file {path}"
        )
    return parse_label_categories(path.read_bytes())


def _with_truth_in_s3(record: RunRecord, request: LabelingRequest, s3_root: Path) -> dict[str, Any]:
    """The workflow's step for simulated people reads the truth from S3: put it there."""
    truth_uri = request.active_learning.simulated_people.truth_s3_uri
    if request.active_learning.labeling_backend == "simulated" and truth_uri:
        path = local_path(s3_root, truth_uri)
        if not path.exists() and record.truth:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.truth, path)
    return record.request


def _collect(execution: Execution, s3_root: Path, folder: RunFolder) -> Report:
    output = RunOutput.read(execution.output)
    shutil.copyfile(local_path(s3_root, output.final_manifest_s3_uri), folder.manifest)
    report = Report.read(json.loads(local_path(s3_root, output.report_s3_uri).read_bytes()))
    return report.model_copy(update={"output": execution.output})


def _write_check_list(folder: RunFolder, report: Report, request: LabelingRequest) -> int:
    """Write the file of the labels to look at; returns how many there are."""
    with folder.manifest.open("rb") as lines:
        doubtful = doubtful_objects(report, lines, request.label_attribute_name)
    write_check_list(folder.check_list, doubtful)
    return len(doubtful)


def _with_seconds(report: Report, seconds: list[dict[str, float]], execution: Execution) -> Report:
    # A resumed execution ran only the last rounds; after the last of them comes the export.
    of_this_execution = seconds[:-1] if len(seconds) > 1 else []
    earlier = len(report.rounds) - len(of_this_execution)
    timed = [
        record.model_copy(update={"seconds": timings})
        for record, timings in zip(report.rounds[earlier:], of_this_execution, strict=True)
    ]
    stopped = execution.stopped or datetime.now(execution.started.tzinfo)
    return report.model_copy(
        update={
            "rounds": (*report.rounds[:earlier], *timed),
            "seconds_after_last_round": seconds[-1],
            "seconds": (stopped - execution.started).total_seconds(),
        }
    )


def _score(request: LabelingRequest, folder: RunFolder, truth: Truth, s3_root: Path) -> Score:
    categories = parse_label_categories(
        local_path(s3_root, request.label_category_config_s3_uri).read_bytes()
    )
    attribute = LabelAttribute(request.label_attribute_name)
    manifest = local_path(s3_root, request.input_config.data_source.s3_data_source.manifest_s3_uri)
    with manifest.open("rb") as brought, folder.manifest.open("rb") as lines:
        machine_input = labeled_by_machine(brought, attribute)
        counts = score_manifest(lines, truth, attribute, categories, machine_input)
    return counts.record()

"""`labelloop run`: the whole workflow on this machine."""

import contextlib
import functools
import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli import run_options
from labelloop.cli.errors import explained_errors
from labelloop.cli.image_folder import ImageFolder
from labelloop.cli.local_run import Beside, run_loop
from labelloop.cli.progress import RunProgress
from labelloop.cli.run_folder import RunFolder, RunRecord, local_path, read_request
from labelloop.cli.sentences import line_printer
from labelloop.cli.summary import print_summary
from labelloop.core.errors import RequestError
from labelloop.core.records import Report
from labelloop.local.application import Application, Jobs, Steps
from labelloop.work_folder.lock import locked
from labelloop.workbench.server import DEFAULT_PORT, listening
from labelloop.workflow.ground_truth import is_public_workforce
from labelloop.workflow.run_files import RunFiles

# Backends whose people --people stands for on this machine; others answer by themselves.
_NAMES_OF_PEOPLE = (None, "groundtruth", "workbench", "simulated")


class People(StrEnum):
    """Who labels."""

    SIMULATED = "simulated"
    WORKBENCH = "workbench"


class Policy(StrEnum):
    """Which rules the loop follows."""

    DEFAULT = "default"
    BLOG = "blog"


def run(
    request: Annotated[Path, typer.Option(help="The execution input, a JSON file; `prepare` makes one.")],
    s3_root: Annotated[Path, typer.Option(help="The folder that stands for S3: DIR/<bucket>/<key>.")],
    out: Annotated[Path, typer.Option(help="The folder for output manifest, report, history and logs.")],
    people: Annotated[
        People,
        typer.Option(
            help="Who labels: you and others in the browser, or simulated people who know the truth."
        ),
    ] = People.SIMULATED,
    truth: Annotated[
        Path | None,
        typer.Option(help="What simulated people know: a CSV file with labelloop-id,source,label."),
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option(
            help="default certifies the error; blog has the rules of the 2020 post, for comparison."
        ),
    ] = None,
    model: run_options.Labeler = None,
    seed: run_options.Seed = None,
    target_error: run_options.TargetError = None,
    confidence: run_options.Confidence = None,
    certificate_for: run_options.ForWhat = None,
    max_human_labels: run_options.MaxHumanLabels = None,
    batch_size: run_options.BatchSize = None,
    label_ahead: run_options.LabelAhead = None,
    error_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of labels that simulated people get wrong.")
    ] = None,
    unanswered_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of objects simulated people never label.")
    ] = None,
    model_skill: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Play the request's FoundationModel: the share of texts that it gets right. Needs --truth.",
        ),
    ] = None,
    model_server: Annotated[
        str | None,
        typer.Option(
            help="Ask the request's FoundationModel at a server that speaks the chat-completions protocol, "
            "such as Ollama's http://127.0.0.1:11434/v1. ModelId is the model's name there."
        ),
    ] = None,
    key_variable: Annotated[
        str | None, typer.Option(help="The environment variable with the key of --model-server.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the interrupted run in --out; nobody is asked twice.")
    ] = False,
    host: run_options.Host = "127.0.0.1",
    port: run_options.Port = DEFAULT_PORT,
    application: run_options.ApplicationFolder = None,
    model_container: run_options.ModelContainer = None,
    steps: Annotated[
        Steps, typer.Option(help="Run the steps in this process, or in their images (sam local; make build).")
    ] = Steps.PROCESS,
    jobs: Annotated[
        Jobs, typer.Option(help="Train and predict by processes, or in the built model image (docker run).")
    ] = Jobs.PROCESS,
    cpus: Annotated[
        float | None,
        typer.Option(min=0.1, help="With --jobs docker: the number of processors per container."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON and nothing else.")
    ] = False,
) -> None:
    """Label a data set on this machine: the deployed workflow, on stand-ins for AWS.

    Labels are written to --s3-root during the run: after an interruption, --resume continues.
    """
    console = Console(stderr=as_json)
    overrides = {
        "ActiveLearning": {
            "Policy": policy,
            "Model": {"Algorithm": model},
            "Seed": seed,
            "TargetError": target_error,
            "Confidence": confidence,
            "CertificateFor": certificate_for.value if certificate_for else None,
            "MaxHumanLabels": max_human_labels,
            "BatchSize": batch_size,
            "Workbench": {"LabelAheadShare": label_ahead},
            "SimulatedPeople": {"ErrorRate": error_rate, "UnansweredShare": unanswered_share, "Seed": seed},
        }
    }
    folder = RunFolder(out)
    with explained_errors():
        record = _earlier_run(folder, resume=resume)
        if record is not None and record.finished and resume:
            report = folder.read_report()
        else:
            given = read_request(request)
            if model is not None:
                given = _without_labeler(given)
            asked_for = with_team_of_this_machine(with_overrides(given, overrides))
            if record is None or not resume:
                record = new_record(asked_for, s3_root, _truth_for(people, truth, asked_for))
            else:
                _update(record, asked_for, folder)
            set_people(record, people)
            set_model(record, model_skill, model_server, key_variable)
            _refuse_folder_in_docker(jobs, model_container)
            found = Application.found(application, model_container)
            deployed = replace(found, steps=steps, jobs=jobs, cpus=cpus)
            if asks_public_workforce(read_request(request)):
                console.print(f"Amazon Mechanical Turk has closed. Who answers instead: {people}")
            with beside_run(console, people, folder, host, port, Path(record.s3_root)) as beside:
                report = execute(console, deployed, folder, record, beside)
    show_report(console, report, folder, as_json=as_json)


@contextlib.contextmanager
def beside_run(
    console: Console, people: People, folder: RunFolder, host: str, port: int, s3_root: Path | None = None
) -> Iterator[Beside]:
    """What runs next to the loop; images are read below `s3_root`. The port is taken first: without one,
    there is no run to resume later.
    """
    if people != People.WORKBENCH:
        yield contextlib.nullcontext
        return
    # Here, since FastAPI is slow to import, and most commands serve nothing.
    from labelloop.workbench.serving import serve_workbench_of_run

    with listening(host, port) as listener:
        yield functools.partial(
            serve_workbench_of_run,
            line_printer(console),
            listener,
            folder.workbench_key,
            ImageFolder(s3_root).read,
        )


def execute(
    console: Console,
    application: Application,
    folder: RunFolder,
    record: RunRecord,
    beside: Beside = contextlib.nullcontext,
    go_on_by: str = "the same command with --resume",
    *,
    asks_when_flat: bool = False,
    stops_at_people: bool = False,
) -> Report:
    """Run a record's request with live progress. If the record has executions, continue the last of them.

    `go_on_by`: what continues it after an interruption. `asks_when_flat`: raise EstimateIsFlat where more
    labels do not lower what people will have to label in all. `stops_at_people`: raise PeopleAreAsked once a
    batch is chosen. The run can be continued after both.
    """
    # Two runs may start within one second, on the same files.
    name = f"labelloop-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    prefix = _interrupted_prefix(record)
    if prefix:
        console.print(Text(f"Continuing with what is in {prefix}"), soft_wrap=True)
        record.request.setdefault("ActiveLearning", {})["ResumeFromS3Uri"] = prefix
    with (
        locked(folder.out),
        RunProgress(console, asks_when_flat=asks_when_flat, stops_at_people=stops_at_people) as progress,
    ):
        try:
            return run_loop(application, folder, record, name, progress, beside)
        except KeyboardInterrupt:
            console.print(f"\nInterrupted. What is labeled is kept: {go_on_by} continues.", soft_wrap=True)
            raise typer.Exit(130) from None


def _earlier_run(folder: RunFolder, *, resume: bool) -> RunRecord | None:
    record = folder.load()
    if resume and record is None:
        raise RequestError(f"there is no run to resume in {folder.out}")
    if record is not None and not record.finished and not resume:
        raise RequestError(
            f"there is an interrupted run in {folder.out}: continue it with --resume, or choose another --out"
        )
    return record


def _refuse_folder_in_docker(jobs: Jobs, model_container: Path | None) -> None:
    if jobs == Jobs.DOCKER and model_container is not None:
        raise RequestError(
            "--model-container runs as processes: for --jobs docker, build an image from it and name it in "
            "the request's ActiveLearning.Model.ImageUri"
        )


def set_model(
    record: RunRecord, skill: float | None, server: str | None = None, key_variable: str | None = None
) -> None:
    """Raises RequestError for a foundation model that nobody plays or serves, or that is not asked."""
    if skill is not None or server is not None:
        record.model_skill, record.model_server, record.key_variable = skill, server, key_variable
    asked = record.request.get("ActiveLearning", {}).get("FoundationModel")
    plays, serves = record.model_skill is not None, record.model_server is not None
    if asked is None and (plays or serves):
        raise RequestError("--model-skill and --model-server are for a FoundationModel: the request has none")
    if plays and serves:
        raise RequestError("--model-skill plays the model that --model-server would ask: give one of them")
    if asked is not None and not serves and not (plays and record.truth):
        raise RequestError(
            "ActiveLearning.FoundationModel is asked on AWS. On this machine, name a server with "
            "--model-server, such as http://127.0.0.1:11434/v1 for Ollama; or play a model with "
            "--model-skill 0.8 and --truth. For Amazon Bedrock from here, label the file with `labelloop "
            "ask-model`, and `prepare` it with --prior-column"
        )


def set_people(record: RunRecord, people: People) -> None:
    """Other people may label after an interruption than before."""
    record.people = people
    settings = record.request.setdefault("ActiveLearning", {})
    if people == People.WORKBENCH:
        settings["LabelingBackend"] = "workbench"
    elif settings.get("LabelingBackend") == "workbench":
        settings["LabelingBackend"] = "groundtruth"


def _truth_for(people: People, truth: Path | None, request: dict[str, Any]) -> Path | None:
    backend = request.get("ActiveLearning", {}).get("LabelingBackend")
    if truth is None and (people == People.WORKBENCH or backend not in _NAMES_OF_PEOPLE):
        return None
    if truth is None:
        raise RequestError(
            f"{people} people need --truth, the file with the true labels; "
            "to label yourself, choose --people workbench"
        )
    if not truth.is_file():
        raise RequestError(f"there is no truth file {truth}")
    return truth


def new_record(request: dict[str, Any], s3_root: Path, truth: Path | None) -> RunRecord:
    if not s3_root.is_dir():
        raise RequestError(f"there is no folder {s3_root} to stand for S3")
    known = str(truth.resolve()) if truth else None
    return RunRecord(request=request, s3_root=str(s3_root.resolve()), truth=known)


def _update(record: RunRecord, request: dict[str, Any], folder: RunFolder) -> None:
    """Continue with the request as it is now: the steps refuse what must not change during a run."""
    if request.get("OutputConfig") != record.request["OutputConfig"]:
        raise RequestError(
            f"the run in {folder.out} writes to {record.request['OutputConfig']['S3OutputPath']}: "
            "continue it with the same OutputConfig, or choose another --out"
        )
    record.request = request


def with_team_of_this_machine(document: dict[str, Any]) -> dict[str, Any]:
    """Replace the public workforce, if the request names it, by a team that stands for who labels here.

    Ground Truth refuses a request for Amazon Mechanical Turk, which it no longer offers. On this machine
    nobody there would be asked anyway.
    """
    if not asks_public_workforce(document):
        return document
    task = document["HumanTaskConfig"]
    region = task["WorkteamArn"].split(":")[3]
    private = f"arn:aws:sagemaker:{region}:111122223333:workteam/private-crowd/this-machine"
    return {**document, "HumanTaskConfig": {**task, "WorkteamArn": private}}


def asks_public_workforce(document: dict[str, Any]) -> bool:
    """Whether a request, checked or not, names the team of Amazon Mechanical Turk."""
    task = document.get("HumanTaskConfig")
    team = task.get("WorkteamArn") if isinstance(task, dict) else None
    return isinstance(team, str) and is_public_workforce(team)


def with_overrides(document: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Let options of the command line override fields of the `ActiveLearning` block."""
    merged = dict(document)
    for name, value in overrides.items():
        if isinstance(value, dict):
            value = with_overrides(document.get(name) or {}, value) or None
        if value is not None:
            merged[name] = value
    return merged


def _without_labeler(document: dict[str, Any]) -> dict[str, Any]:
    """The request without the field that says the same as `Model.Algorithm`, which an option overrides."""
    block = document.get("ActiveLearning") or {}
    return {**document, "ActiveLearning": {name: value for name, value in block.items() if name != "Labeler"}}


def _interrupted_prefix(record: RunRecord) -> str | None:
    """Where the files are of the last execution that wrote a snapshot."""
    output_path = record.request["OutputConfig"]["S3OutputPath"].rstrip("/")
    for name in reversed(record.executions):
        prefix = f"{output_path}/{name}/"
        if local_path(Path(record.s3_root), RunFiles(prefix).prepared_state).exists():
            return prefix
    return None


def show_report(console: Console, report: Report, folder: RunFolder, *, as_json: bool) -> None:
    """Print the report: as JSON for a program, as a summary for a person."""
    if as_json:
        sys.stdout.write(json.dumps(report.as_file(), indent=2, ensure_ascii=False) + "\n")
    else:
        print_summary(console, report, folder)

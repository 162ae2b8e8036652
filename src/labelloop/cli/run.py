"""`labelloop run`: the whole workflow on this machine."""

import contextlib
import functools
import json
import secrets
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.folder_lock import claimed
from labelloop.cli.local_run import Application, Beside, Jobs, RunFailedError, Steps, local_path, run_loop
from labelloop.cli.progress import RunProgress
from labelloop.cli.run_folder import RunFolder, RunRecord, read_request
from labelloop.cli.summary import print_summary
from labelloop.core.errors import LabelloopError, RequestError
from labelloop.local.aws import LocalAwsError
from labelloop.local.docker_engine import DockerError
from labelloop.local.execution import ExecutionEvent
from labelloop.local.s3_folder import S3FolderError
from labelloop.local.sam_functions import SamError
from labelloop.local.template import TemplateError
from labelloop.preparation import PreparationError
from labelloop.workbench.server import DEFAULT_PORT, listening
from labelloop.workflow.ground_truth import is_public_workforce
from labelloop.workflow.run_state import first_snapshot

_EXPLAINED = (
    LabelloopError,
    PreparationError,
    DockerError,
    LocalAwsError,
    S3FolderError,
    SamError,
    TemplateError,
)


class People(StrEnum):
    """Who labels."""

    SIMULATED = "simulated"
    WORKBENCH = "workbench"


class Model(StrEnum):
    """What is trained."""

    CONTAINER = "container"
    BLAZINGTEXT = "blazingtext"


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
            help="Who labels: you and others in the browser, or simulated people, who know the truth."
        ),
    ] = People.SIMULATED,
    truth: Annotated[
        Path | None, typer.Option(help="What simulated people know: labelloop-id,source,label as CSV.")
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option(help="default certifies the error; blog is the 2020 post's rules, to compare with."),
    ] = None,
    model: Annotated[
        Model | None,
        typer.Option(help="The model container, or a stand-in for SageMaker's BlazingText (fastText)."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same labels.")] = None,
    error_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of labels that simulated people get wrong.")
    ] = None,
    unanswered_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of objects simulated people never label.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in --out; nobody is asked twice.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="Where the workbench is served; 0.0.0.0 lets in the local network.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The first port the workbench tries.")
    ] = DEFAULT_PORT,
    application: Annotated[
        Path | None, typer.Option(help="The labelloop checkout with template.yaml. Default: this one.")
    ] = None,
    model_container: Annotated[
        Path | None,
        typer.Option(help="A folder with your own train and serve. Default: the Keras text classifier."),
    ] = None,
    steps: Annotated[
        Steps, typer.Option(help="Run the steps in this process, or in their images (sam local; make build).")
    ] = Steps.PROCESS,
    jobs: Annotated[
        Jobs, typer.Option(help="Train and predict by processes, or in the built model image (docker run).")
    ] = Jobs.PROCESS,
    cpus: Annotated[
        float | None, typer.Option(min=0.1, help="With --jobs docker: the processors of a container.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON and nothing else.")
    ] = False,
) -> None:
    """Label a data set on this machine: the deployed workflow, on stand-ins for AWS.

    What is labeled is written to --s3-root as the run goes on: after an interruption, --resume continues.
    """
    console = Console(stderr=as_json)
    overrides = {
        "ActiveLearning": {
            "Policy": policy,
            "Model": {"Algorithm": model},
            "Seed": seed,
            "SimulatedPeople": {"ErrorRate": error_rate, "UnansweredShare": unanswered_share, "Seed": seed},
        }
    }
    folder = RunFolder(out)
    with explained_errors():
        record = _earlier_run(folder, resume=resume)
        if record is not None and record.finished and resume:
            report = json.loads(folder.report.read_bytes())
        else:
            asked_for = answered_here(_with_overrides(read_request(request), overrides))
            if record is None or not resume:
                record = _new_record(asked_for, s3_root, _truth_for(people, truth))
            else:
                _mend(record, asked_for, folder)
            _let_label(record, people)
            _refuse_folder_in_docker(jobs, model_container)
            found = Application.found(application, model_container)
            deployed = replace(found, steps=steps, jobs=jobs, cpus=cpus)
            if asks_public_workforce(read_request(request)):
                console.print(f"Amazon Mechanical Turk has closed; who answers instead: {people}")
            with _desk(console, people, folder, host, port) as beside:
                report = execute(console, deployed, folder, record, beside)
    show_report(console, report, folder, as_json=as_json)


@contextlib.contextmanager
def _desk(console: Console, people: People, folder: RunFolder, host: str, port: int) -> Iterator[Beside]:
    """What is open beside the run. Without a free port nothing begins that would have to be resumed."""
    if people != People.WORKBENCH:
        yield contextlib.nullcontext
        return
    # Here, since FastAPI is slow to import, and most commands serve nothing.
    from labelloop.cli.serve_workbench import open_desk_of_run

    with listening(host, port) as listener:
        yield functools.partial(open_desk_of_run, console, listener, folder)


@contextlib.contextmanager
def explained_errors() -> Generator[None]:
    """Turn an error that a person can mend into its sentence and exit code 2, a failed run into 1."""
    try:
        yield
    except (*_EXPLAINED, OSError) as error:
        Console(stderr=True, soft_wrap=True).print(Text.assemble(("Error: ", "bold red"), str(error)))
        raise typer.Exit(1 if isinstance(error, RunFailedError) else 2) from error


def execute(
    console: Console,
    application: Application,
    folder: RunFolder,
    record: RunRecord,
    beside: Beside = contextlib.nullcontext,
) -> dict[str, Any]:
    """Run a record's request with live progress; a record with executions goes on from the last of them."""
    # Two runs may begin in one second, on the same files.
    name = f"labelloop-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    prefix = _interrupted_prefix(record)
    if prefix:
        console.print(Text(f"Going on with what is in {prefix}"), soft_wrap=True)
        record.request.setdefault("ActiveLearning", {})["ResumeFromS3Uri"] = prefix
    with claimed(folder.out), RunProgress(console) as progress:
        try:
            return run_loop(application, folder, record, name, _follow(progress), beside)
        except KeyboardInterrupt:
            console.print("\nInterrupted. What is labeled is kept: the same command with --resume goes on.")
            raise typer.Exit(130) from None


def _follow(progress: RunProgress) -> Any:
    def on_event(event: ExecutionEvent) -> None:
        if event.state and event.type.endswith("Entered"):
            progress.state_entered(event.state)
        elif event.state:
            progress.state_exited(event.state, json.loads(event.details["output"]))

    return on_event


def _earlier_run(folder: RunFolder, *, resume: bool) -> RunRecord | None:
    record = folder.load()
    if resume and record is None:
        raise RequestError(f"there is no run to resume in {folder.out}")
    if record is not None and not record.finished and not resume:
        raise RequestError(
            f"there is an interrupted run in {folder.out}: go on with it by --resume, or choose another --out"
        )
    return record


def _refuse_folder_in_docker(jobs: Jobs, model_container: Path | None) -> None:
    if jobs == Jobs.DOCKER and model_container is not None:
        raise RequestError(
            "--model-container is run by processes: for --jobs docker, build an image of it and name it in "
            "the request's ActiveLearning.Model.ImageUri"
        )


def _let_label(record: RunRecord, people: People) -> None:
    """Who labels may change between an interruption and its --resume."""
    record.people = people
    settings = record.request.setdefault("ActiveLearning", {})
    if people == People.WORKBENCH:
        settings["LabelingBackend"] = "workbench"
    elif settings.get("LabelingBackend") == "workbench":
        settings["LabelingBackend"] = "groundtruth"


def _truth_for(people: People, truth: Path | None) -> Path | None:
    if truth is None and people == People.WORKBENCH:
        return None
    if truth is None:
        raise RequestError(
            f"{people} people need --truth, the file with the true labels; "
            "to label yourself, choose --people workbench"
        )
    if not truth.is_file():
        raise RequestError(f"there is no truth file {truth}")
    return truth


def _new_record(request: dict[str, Any], s3_root: Path, truth: Path | None) -> RunRecord:
    if not s3_root.is_dir():
        raise RequestError(f"there is no folder {s3_root} to stand for S3")
    known = str(truth.resolve()) if truth else None
    return RunRecord(request=request, s3_root=str(s3_root.resolve()), truth=known)


def _mend(record: RunRecord, request: dict[str, Any], folder: RunFolder) -> None:
    """Go on with the request as it is now: the steps refuse what cannot change in the middle of a run."""
    if request.get("OutputConfig") != record.request["OutputConfig"]:
        raise RequestError(
            f"the run in {folder.out} writes to {record.request['OutputConfig']['S3OutputPath']}: "
            "an interrupted run goes on with the same OutputConfig, or choose another --out"
        )
    record.request = request


def answered_here(document: dict[str, Any]) -> dict[str, Any]:
    """With a team that stands for who labels on this machine where the request names the public workforce.

    A request written for Amazon Mechanical Turk is refused by Ground Truth, which has lost it; nobody there
    would be asked here anyway.
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


def _with_overrides(document: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Put options of the command line over the fields of the `ActiveLearning` block."""
    merged = dict(document)
    for name, value in overrides.items():
        if isinstance(value, dict):
            value = _with_overrides(document.get(name) or {}, value) or None
        if value is not None:
            merged[name] = value
    return merged


def _interrupted_prefix(record: RunRecord) -> str | None:
    """Where the newest of the executions that got as far as a snapshot left its files."""
    output_path = record.request["OutputConfig"]["S3OutputPath"].rstrip("/")
    for name in reversed(record.executions):
        prefix = f"{output_path}/{name}/"
        if local_path(Path(record.s3_root), first_snapshot(prefix)).exists():
            return prefix
    return None


def show_report(console: Console, report: dict[str, Any], folder: RunFolder, *, as_json: bool) -> None:
    """Print the report: as JSON for a program, as a summary for a person."""
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    else:
        print_summary(console, report, folder)

"""`labelloop local-aws`: the AWS stand-ins with sample data, over HTTP, to debug a step in its container."""

import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.local_run import load_simulated_people
from labelloop.cli.run_folder import read_request
from labelloop.cli.sample_run import BUCKET, SampleRun, prepare_sample, write_events
from labelloop.local.application import Application, Jobs
from labelloop.local.aws import LocalAws
from labelloop.local.docker import bridge_address
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.local.simulated_model import SimulatedModel
from labelloop.workflow.request import parse_request

# Of the model in the sample events.
_MODEL_SKILL = 0.8


def local_aws(
    out: Annotated[Path, typer.Option(help="The folder for the sample data and for S3.")] = Path(
        ".local-aws"
    ),
    host: Annotated[
        str | None,
        typer.Option(help="This machine's IP address as containers see it. Default: Docker's bridge."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 4566,
    jobs: Annotated[
        Jobs, typer.Option(help="Where the sample run trains its model: a process, or the built image.")
    ] = Jobs.PROCESS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make the sample data again.")] = False,
    events: Annotated[
        Path | None,
        typer.Option(help="Only write the events of the sample run to this folder."),
    ] = None,
) -> None:
    """Serve S3 with sample data to containers, for `sam local invoke <Step> -e events/<step>.json`.

    The first start makes a small run of two rounds, each step of which can be invoked again. Ctrl-C ends it.
    """
    console = Console()
    sample = _SampleFolder(out)
    with explained_errors():
        application = replace(Application.found(), jobs=jobs)
        application.require_libraries()
        if events is not None:
            write_events(_make_sample(console, application, sample), events)
            return
        address = host or bridge_address()
        sample.endpoint.unlink(missing_ok=True)
        if fresh or not sample.completed.exists():
            _make_sample(console, application, sample)
        with _opened(application, sample) as aws, aws.http_server(address, port) as url:
            _open_batch(aws, sample)
            ended = threading.Event()
            # The signals first: whoever reads the URL may send one.
            with _signals_to(ended), _announced(url, sample.endpoint):
                console.print(Text(_ready(url)), soft_wrap=True)
                _wait_for(ended)


class _SampleFolder:
    """What the command leaves in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.s3_root = folder / "s3"
        self.request = folder / "request.json"
        self.truth = folder / "truth.csv"
        self.logs = folder / "logs"
        self.encodings = folder / "encodings"
        self.completed = folder / "sample-events.json"
        self.endpoint = folder / "endpoint"


def _make_sample(
    console: Console, application: Application, sample: _SampleFolder
) -> dict[str, dict[str, Any]]:
    console.print("Making the sample run: two rounds on a few synthetic headlines.")
    prepare_sample(sample.folder)
    with _opened(application, sample) as aws:
        run = SampleRun(aws, read_request(sample.request))
        run.run()
    sample.completed.write_text(json.dumps(run.events, indent=2))
    return run.events


def _open_batch(aws: LocalAws, sample: _SampleFolder) -> None:
    """The workbench's batch in the sample events: its table exists in memory only."""
    event = json.loads(sample.completed.read_bytes())["LabelInWorkbench"]
    aws.client("lambda").invoke(FunctionName="LabelInWorkbench", Payload=json.dumps(event).encode())


def _opened(application: Application, sample: _SampleFolder) -> LocalAws:
    request = parse_request(read_request(sample.request))
    _, people = load_simulated_people(sample.truth, request, sample.s3_root)
    with sample.truth.open(encoding="utf-8", newline="") as lines:
        model = SimulatedModel.of_truth_file(lines, _MODEL_SKILL)
    return LocalAws(
        template=application.template,
        s3_root=sample.s3_root,
        model_container=application.container(sample.encodings),
        annotators=SimulatedAnnotators(people),
        logs=sample.logs,
        parameters={"DataBucket": BUCKET, "JobRoleArn": request.role_arn},
        # As sam tells a function on a laptop.
        environment={"WORKBENCH_TABLE": "WorkbenchTable"},
        foundation_models=model,
    )


def _ready(url: str) -> str:
    return (
        f"S3 answers at {url}: s3://{BUCKET} holds the sample run.\n"
        "In another terminal: make invoke STEP=AutoLabel, or make invoke-all. Ctrl-C ends this."
    )


@contextlib.contextmanager
def _announced(url: str, file: Path) -> Iterator[None]:
    """Inside `with`, the file has the URL. Afterwards `make invoke` would wait long for an answer from it."""
    file.write_text(url + "\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _signals_to(event: threading.Event) -> Iterator[None]:
    before = {
        number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for(event: threading.Event) -> None:
    # In steps: on some systems, a wait without a timeout does not let the signal handler run.
    while not event.wait(1):
        pass

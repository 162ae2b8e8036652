"""The commands as a user calls them, on the local AWS: a stack whose loop really runs."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from labelloop.cli.main import app
from labelloop.local.aws import LocalAws
from labelloop.local.thread_output import output_of_this_thread_to, thread_output
from labelloop.operations.cloud import Cloud
from tests.local.fork_server import ForkServer
from tests.statemachine.conftest import Loop

STACK = "labelloop"


@dataclass
class Outcome:
    """The exit code of a command, and all that it printed, to stdout and stderr alike."""

    exit_code: int
    text: str

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


Call = Callable[..., Outcome]


@pytest.fixture
def loop(tmp_path: Path, forks: ForkServer) -> Iterator[Loop]:
    with ExitStack() as stack:
        yield Loop(tmp_path, stack, forks)


@pytest.fixture
def deployed(loop: Loop) -> LocalAws:
    """The local AWS with data, and the stack that a deployment would have left in CloudFormation."""
    loop.data(250)
    loop.settings(MaxRounds=2, TargetError=0.2, ValidationSize=60, StartSize=90, BatchSize=5)
    aws = loop.aws()
    deploy(aws)
    return aws


def deploy(aws: LocalAws, name: str = STACK, **outputs: str) -> None:
    outputs = outputs or {
        "ActiveLearningLoopArn": aws.state_machines["ActiveLearningLoop"].arn,
        "DataBucketName": "bucket",
        "JobRole": "arn:aws:iam::123456789012:role/of-the-stack",
    }
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


class ServiceQuotas:
    """Service Quotas, which the local AWS does not have; an account that may have ten of everything."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.refusal: Exception | None = None

    def get_paginator(self, operation: str) -> "ServiceQuotas":
        assert operation == "list_service_quotas"
        return self

    def paginate(self, **given: str) -> Iterator[dict[str, Any]]:
        assert given == {"ServiceCode": "sagemaker"}
        if self.refusal is not None:
            raise self.refusal
        for kind in ("training job", "spot training job", "transform job"):
            name = f"ml.m5.xlarge for {kind} usage"
            code = f"L-{kind.replace(' ', '')[:8].upper()}"
            yield {"Quotas": [{"QuotaName": name, "QuotaCode": code, "Value": self.values.get(name, 10.0)}]}


@pytest.fixture(autouse=True)
def quotas(monkeypatch: pytest.MonkeyPatch) -> ServiceQuotas:
    fake = ServiceQuotas()
    monkeypatch.setattr(Cloud, "service_quotas", fake)
    return fake


@pytest.fixture
def call(loop: Loop, deployed: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls `labelloop COMMAND --stack labelloop ...` in this process; `answer` is typed where it asks."""
    request = tmp_path / "request.json"

    def run(command: str, *options: str, stack: str = STACK, answer: str = "") -> Outcome:
        request.write_text(json.dumps(loop.request))
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        more = ["--request", str(request)] if command == "start" else []
        output = io.StringIO()
        # The executions' own threads print too.
        with thread_output(), output_of_this_thread_to(output):
            try:
                code = app([command, "--stack", stack, *more, *options], standalone_mode=False)
            except typer.Abort:
                code = 1
        return Outcome(code or 0, output.getvalue())

    return run

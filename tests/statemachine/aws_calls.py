"""Records who calls what of AWS while the loop runs on the stand-ins.

Calls of steps and jobs are heard where botocore makes them, calls of the state machines in their history.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from labelloop.local.aws import LocalAws
from labelloop.local.bedrock import Bedrock
from labelloop.local.job import Job
from labelloop.local.labeling_job import LabelingJob
from labelloop.local.lambda_functions import LambdaFunctions
from labelloop.local.template import ACCOUNT_ID, REGION, Function
from labelloop.local.training_job import TrainingJob
from labelloop.local.transform_job import TransformJob
from labelloop.workflow.execution import ExecutionEvent

JOBS = "SageMaker jobs"
MODEL_JOBS = "Bedrock jobs"
# IAM's action where it is not the operation's own name.
_ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "lambda:Invoke": "lambda:InvokeFunction",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "bedrock-runtime:Converse": "bedrock:InvokeModel",
}


@dataclass(frozen=True)
class Call:
    """One call as IAM sees it: `principal` is a function's or state machine's logical id, or `JOBS`."""

    principal: str
    action: str
    resource: str
    passed_to: str | None = None  # the service a role is passed to


class AwsCalls:
    """The calls heard while `recording`."""

    def __init__(self) -> None:
        self.calls: set[Call] = set()
        self._thread = threading.local()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Within, calls are recorded."""
        with (
            patch.object(BaseClient, "_make_api_call", self._heard(vars(BaseClient)["_make_api_call"])),
            patch.object(LambdaFunctions, "_run", self._as_step(LambdaFunctions._run)),
            patch.object(threading.Thread, "start", self._inherited(threading.Thread.start)),
            patch.object(Bedrock, "_run", self._as_model_jobs(Bedrock._run)),
            ExitStack() as jobs,
        ):
            for kind in (TrainingJob, TransformJob, LabelingJob):
                jobs.enter_context(patch.object(kind, "work", self._as_jobs(kind.work)))
            yield

    def hear(self, event: ExecutionEvent, aws: LocalAws) -> None:
        """Take note of an event of an execution's history."""
        if event.type != "TaskScheduled":
            return
        name = event.execution_arn.split(":")[6]
        machine = next(key for key, value in aws.state_machines.items() if value.name == name)
        service, operation = event.details["resourceType"], event.details["resource"].partition(".")[0]
        parameters = json.loads(event.details["parameters"])
        self._note_task(machine, service, operation[:1].upper() + operation[1:], parameters)

    def _note_task(self, machine: str, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        if service == "aws-sdk:bedrock":
            self._note_model_job(machine, operation, parameters)
            return
        if service == "lambda":
            resource = parameters["FunctionName"]
        elif service == "states":
            resource = parameters["StateMachineArn"]
        else:
            kind = operation.removeprefix("Create")
            arn_type = {
                "TrainingJob": "training-job",
                "TransformJob": "transform-job",
                "LabelingJob": "labeling-job",
                "Model": "model",
            }[kind]
            resource = f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:{arn_type}/{parameters[f'{kind}Name']}"
        self._note(machine, f"{service}:{operation}", resource)
        role = parameters.get("RoleArn") or parameters.get("ExecutionRoleArn")
        if role:
            self.calls.add(Call(machine, "iam:PassRole", role, "sagemaker.amazonaws.com"))

    def _note_model_job(self, machine: str, operation: str, parameters: Mapping[str, Any]) -> None:
        resource = parameters.get("JobIdentifier", "*")
        if operation == "CreateModelInvocationJob":
            resource = _model(parameters["ModelId"])
            self.calls.add(Call(machine, "iam:PassRole", parameters["RoleArn"], "bedrock.amazonaws.com"))
        self.calls.add(Call(machine, f"bedrock:{operation}", resource))

    def _note(self, principal: str, operation: str, resource: str) -> None:
        operation = operation.replace("stepfunctions:", "states:")
        self.calls.add(Call(principal, _ACTIONS.get(operation, operation), resource))

    def _heard(self, make: Any) -> Any:
        def make_api_call(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
            principal = getattr(self._thread, "principal", None)
            if principal:
                service = client.meta.service_model.service_name
                resource = _resource(service, operation, parameters)
                self._note(principal, f"{service}:{operation}", resource)
                if "Tagging" in parameters and operation != "PutObjectTagging":
                    self._note(principal, "s3:PutObjectTagging", resource)
            return make(client, operation, parameters)

        return make_api_call

    def _as_step(self, run: Any) -> Any:
        def _run(functions: LambdaFunctions, function: Function, event: Any) -> Any:
            with self.made_by(function.logical_id):
                return run(functions, function, event)

        return _run

    def _as_jobs(self, work: Any) -> Any:
        def _work(job: Job, folder: Path) -> None:
            with self.made_by(JOBS):
                work(job, folder)

        return _work

    def _as_model_jobs(self, run: Any) -> Any:
        def _run(bedrock: Bedrock, job: Any) -> None:
            with self.made_by(MODEL_JOBS):
                run(bedrock, job)

        return _run

    def _inherited(self, start: Any) -> Any:
        """What a step's threads call, the step calls."""

        def _start(thread: threading.Thread) -> None:
            principal, run = getattr(self._thread, "principal", None), thread.run

            def run_as_the_same() -> None:
                with self.made_by(principal):
                    run()

            if principal:
                thread.run = run_as_the_same  # type: ignore[method-assign]
            start(thread)

        return _start

    @contextmanager
    def made_by(self, principal: str | None) -> Iterator[None]:
        """Within, the calls of this thread are a principal's."""
        before = getattr(self._thread, "principal", None)
        self._thread.principal = principal
        try:
            yield
        finally:
            self._thread.principal = before


def _resource(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    if service == "s3":
        key = f"/{parameters['Key']}" if "Key" in parameters else ""
        return f"arn:aws:s3:::{parameters['Bucket']}{key}"
    if service == "lambda":
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{parameters['FunctionName']}"
    if service == "dynamodb":
        return _table(operation, parameters)
    if service == "stepfunctions" and operation.startswith("SendTask"):
        # Only the loop waits with a token.
        return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:ActiveLearningLoop-labelloop"
    if service == "bedrock-runtime":
        return _model(parameters["modelId"])
    if service == "stepfunctions":
        arn: str = parameters.get("executionArn") or parameters["stateMachineArn"]
        return arn
    raise AssertionError(f"a call to {service}, which no policy is written for: {parameters}")


def _model(model_id: str) -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT_ID}:inference-profile/{model_id}"


def _table(operation: str, parameters: Mapping[str, Any]) -> str:
    if operation == "TransactWriteItems":
        tables = {item["Put"]["TableName"] for item in parameters["TransactItems"]}
    else:
        tables = set(parameters.get("RequestItems", ())) or {parameters["TableName"]}
    (table,) = tables
    index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{table}{index}"

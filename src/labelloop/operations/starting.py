"""Starts an execution. The request is completed and checked here, before anything costs money."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from labelloop import backends, labelers
from labelloop.operations.cloud import Cloud, OperationError, error_code, explained, is_missing
from labelloop.operations.executions import describe, execution_arn
from labelloop.operations.stack import BACKEND_PARAMETER, Stack
from labelloop.storage.s3 import split_uri
from labelloop.workflow.execution import Execution
from labelloop.workflow.request import LabelingRequest, parse_request, with_default_backend
from labelloop.workflow.run_files import RunFiles

# The account number that AWS reserves for documentation: `prepare` writes it, as it cannot know the real one.
PLACEHOLDER_ACCOUNT = "111122223333"
_OUTPUT_FOLDER = "output/"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class StartedExecution:
    """The execution that was asked for; `already`: the same request had been started under this name."""

    execution: Execution
    already: bool


def complete_request(document: Mapping[str, Any], stack: Stack) -> tuple[dict[str, Any], list[str]]:
    """The request with the stack's role and bucket if it names none, and a sentence for each addition.

    Raises OperationError when the stack does not know them either.
    """
    request, added = deepcopy(dict(document)), []
    role = request.get("RoleArn")
    if role is None or _is_placeholder(role):
        request["RoleArn"] = _require(stack.job_role_arn, "RoleArn", stack)
        added.append(f"RoleArn is the stack's: {request['RoleArn']}")
    output = request.setdefault("OutputConfig", {})
    if isinstance(output, dict) and "S3OutputPath" not in output:
        bucket = _require(stack.bucket, "OutputConfig.S3OutputPath", stack)
        output["S3OutputPath"] = f"s3://{bucket}/{_OUTPUT_FOLDER}"
        added.append(f"OutputConfig.S3OutputPath is in the stack's bucket: {output['S3OutputPath']}")
    return request, added


def check_request(document: Mapping[str, Any], cloud: Cloud, stack: Stack) -> LabelingRequest:
    """Refuse a request with anything wrong that can be known before it is started.

    Raises RequestError or OperationError, which say where the fault is and what to do.
    """
    request = parse_request(with_default_backend(document, stack.values.get(BACKEND_PARAMETER)))
    backends.check_request(request)
    labelers.check_request(request, own_model=bool(stack.values.get("ModelImageUri")))
    task = request.human_task_config
    if request.active_learning.labeling_backend == "groundtruth" and task is not None:
        if _is_placeholder(task.workteam_arn):
            raise OperationError(
                "HumanTaskConfig.WorkteamArn is the placeholder that `prepare` writes: give the ARN of your "
                "work team, or choose another ActiveLearning.LabelingBackend"
            )
        region = task.workteam_arn.split(":")[3]
        if region != cloud.region:
            raise OperationError(
                f"HumanTaskConfig.WorkteamArn is in {region}, the stack in {cloud.region}: a labeling job "
                "can only use a team of its own region"
            )
    _require_resumable(cloud, request)
    return request


def input_uris(request: LabelingRequest) -> list[str]:
    """The files that the execution reads first: manifest, label categories, worker and prompt template."""
    uris = [
        request.input_config.data_source.s3_data_source.manifest_s3_uri,
        request.label_category_config_s3_uri,
    ]
    task = request.human_task_config
    if task is not None and task.ui_config.ui_template_s3_uri:
        uris.append(task.ui_config.ui_template_s3_uri)
    model = request.active_learning.foundation_model
    if model is not None and model.prompt_template_s3_uri:
        uris.append(model.prompt_template_s3_uri)
    if request.active_learning.simulated_people.truth_s3_uri:
        uris.append(request.active_learning.simulated_people.truth_s3_uri)
    return uris


def missing_inputs(cloud: Cloud, uris: list[str]) -> list[str]:
    """The files that are not in S3. One that we are not allowed to look at is assumed to be there."""
    return [uri for uri in uris if not _is_there(cloud, uri)]


def upload(cloud: Cloud, uri: str, s3_root: Path) -> None:
    """Upload the file below `s3_root` that stands for an S3 object.

    Raises OperationError when there is no such file.
    """
    path = s3_root / uri.removeprefix("s3://")
    if not path.is_file():
        raise OperationError(f"{uri} is not in S3, and there is no {path} to upload")
    with explained():
        cloud.s3.upload_file(str(path), *split_uri(uri))


def default_name(request: LabelingRequest, now: datetime | None = None) -> str:
    """A name for an execution: the prefix of its labeling jobs and the time."""
    moment = now or datetime.now(UTC)
    return f"{request.labeling_job_name_prefix[:60]}-{moment:%Y%m%d-%H%M%S}"


def start(cloud: Cloud, stack: Stack, document: Mapping[str, Any], name: str) -> StartedExecution:
    """Start an execution. The same name with the same request never starts a second one.

    Raises OperationError when the name was used for another request, or is not a valid name.
    """
    if not _NAME.fullmatch(name):
        raise OperationError(
            f"an execution cannot be named {name!r}: a name has at most 80 letters, digits, - and _"
        )
    content = json.dumps(document, ensure_ascii=False)
    earlier = _earlier(cloud, stack, name)
    if earlier is not None:
        if earlier.input != document:
            raise OperationError(
                f"the stack {stack.name!r} has run another request under the name {name!r}: choose another "
                "--name"
            )
        return StartedExecution(earlier, already=True)
    with explained():
        started = cloud.stepfunctions.start_execution(
            stateMachineArn=stack.loop_arn, name=name, input=content
        )
    return StartedExecution(describe(cloud, started["executionArn"]), already=False)


def _earlier(cloud: Cloud, stack: Stack, name: str) -> Execution | None:
    try:
        return describe(cloud, execution_arn(stack, name))
    except OperationError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and error_code(cause) == "ExecutionDoesNotExist":
            return None
        raise


def _require_resumable(cloud: Cloud, request: LabelingRequest) -> None:
    """Raises OperationError when the request continues an execution that left nothing in S3."""
    earlier = request.active_learning.resume_from_s3_uri
    if earlier and not _is_there(cloud, RunFiles.under(earlier).prepared_state):
        raise OperationError(
            f"ActiveLearning.ResumeFromS3Uri: there is nothing to resume under {earlier}; it must be "
            "<S3OutputPath><execution name>/ of an earlier execution, as `stop` prints it"
        )


def _is_placeholder(arn: object) -> bool:
    return isinstance(arn, str) and f":{PLACEHOLDER_ACCOUNT}:" in arn


def _require(value: str | None, field: str, stack: Stack) -> str:
    if value is None:
        raise OperationError(
            f"the request has no {field}, and the stack {stack.name!r} has none either: add it"
        )
    return value


def _is_there(cloud: Cloud, uri: str) -> bool:
    bucket, key = split_uri(uri)
    with explained():
        try:
            cloud.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return False
            if error_code(error) == "403":
                return True
            raise
    return True

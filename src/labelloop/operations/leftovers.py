"""What an execution left behind (intermediate files in S3, models in SageMaker), and its removal."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from labelloop.operations.cloud import Cloud, OperationError, error_code, explained
from labelloop.operations.executions import describe, output_prefix, summaries
from labelloop.operations.stack import Stack
from labelloop.storage.s3 import split_uri
from labelloop.workflow.execution import RUNNING, SUCCEEDED, Execution
from labelloop.workflow.job_names import job_prefix
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_output import RunOutput

_MOST_KEYS_A_CALL = 1000
_SAME_INSTANT_SECONDS = 1.0
_MARKER = RunFiles("").execution


@dataclass(frozen=True)
class S3Object:
    uri: str
    size: int  # bytes


@dataclass(frozen=True)
class Leftovers:
    """What to remove, and what stays."""

    objects: tuple[S3Object, ...]
    models: tuple[str, ...]
    kept: tuple[str, ...]  # in words

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self.objects)


def find_leftovers(
    cloud: Cloud, stack: Stack, execution: Execution, *, output_too: bool, labels_too: bool
) -> Leftovers:
    """List what an execution left.

    The output manifest, the report and their model stay, unless `output_too`. If an execution did not
    succeed, its intermediate files hold the labels that people gave: they are listed only with `labels_too`.
    Raises OperationError when something else still needs the files.
    """
    _refuse_needed(cloud, stack, execution, labels_too=labels_too)
    objects = _objects(cloud, output_prefix(execution))
    start_time = _start_time(cloud, execution, objects)
    if start_time is None:
        return Leftovers((), (), ())
    found = Leftovers(objects, _models(cloud, execution, start_time), ())
    return found if output_too else _without_output(cloud, execution, found)


def remove(cloud: Cloud, leftovers: Leftovers) -> None:
    """Remove them. May be repeated. Raises OperationError when S3 does not delete some of the objects."""
    for name in leftovers.models:
        with explained():
            try:
                cloud.sagemaker.delete_model(ModelName=name)
            except ClientError as error:
                if error_code(error) != "ValidationException":  # it is already gone
                    raise
    # The marker last: after an interruption, it still says whose files the others are.
    objects = sorted(leftovers.objects, key=lambda item: item.uri.endswith(f"/{_MARKER}"))
    for first in range(0, len(objects), _MOST_KEYS_A_CALL):
        _delete(cloud, objects[first : first + _MOST_KEYS_A_CALL])


def _refuse_needed(cloud: Cloud, stack: Stack, execution: Execution, *, labels_too: bool) -> None:
    if execution.running:
        raise OperationError(f"the execution {execution.name} is still running: `labelloop stop` ends it")
    for summary in summaries(cloud, stack, status=RUNNING):
        other = describe(cloud, summary["executionArn"])
        resumed = (
            str(other.input_object.get("ActiveLearning", {}).get("ResumeFromS3Uri", "")).rstrip("/") + "/"
        )
        if resumed == output_prefix(execution):
            raise OperationError(
                f"the execution {other.name} continues {execution.name} and is running: clean up after it"
            )
    if execution.status != SUCCEEDED and not labels_too:
        raise OperationError(
            f"the execution {execution.name} is {execution.status}: the labels people gave are in "
            f"{output_prefix(execution)} and nowhere else, and a new execution can continue from there "
            "(ActiveLearning.ResumeFromS3Uri). To remove them anyway, add --labels"
        )


def _start_time(cloud: Cloud, execution: Execution, objects: Sequence[S3Object]) -> str | None:
    """When the execution that wrote these files began, according to its marker; None without files.

    Two stacks may write to one path and use the same execution names: the marker says whose files they are.
    """
    marker = _marker(execution)
    if not objects:
        return None
    if not any(item.uri == marker for item in objects):
        raise OperationError(
            f"{output_prefix(execution)} holds files but no {_MARKER}: they do not belong to a run"
        )
    start_time: str = _read_json(cloud, marker)["StartTime"]
    begun = datetime.fromisoformat(start_time)
    if abs((begun - execution.started).total_seconds()) > _SAME_INSTANT_SECONDS:
        raise OperationError(
            f"the files in {output_prefix(execution)} belong to another execution of that name, started "
            f"{begun:%Y-%m-%d %H:%M}: none of them is touched"
        )
    return start_time


def _marker(execution: Execution) -> str:
    return RunFiles(output_prefix(execution)).execution


def _objects(cloud: Cloud, prefix_uri: str) -> tuple[S3Object, ...]:
    bucket, prefix = split_uri(prefix_uri)
    with explained():
        pages = cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return tuple(
            S3Object(f"s3://{bucket}/{item['Key']}", item["Size"])
            for page in pages
            for item in page.get("Contents", ())
        )


def _models(cloud: Cloud, execution: Execution, start_time: str) -> tuple[str, ...]:
    """Models are named after the execution, like its jobs."""
    prefix = str(execution.input_object.get("LabelingJobNamePrefix", ""))
    stem = f"{job_prefix(prefix, execution.name, start_time)}-r"
    with explained():
        pages = cloud.sagemaker.get_paginator("list_models").paginate(NameContains=stem)
        names = [model["ModelName"] for page in pages for model in page["Models"]]
    return tuple(sorted(name for name in names if name.startswith(stem)))


def _trained_model(execution: Execution) -> str | None:
    """The name of the last trained model, if the run succeeded and trained one."""
    if execution.status != SUCCEEDED:
        return None
    arn = RunOutput.read(execution.output).trained_model_arn
    return arn.rpartition("/")[2] if arn else None


def _without_output(cloud: Cloud, execution: Execution, found: Leftovers) -> Leftovers:
    """Without what the user wants to keep, and without the marker: it keeps the name from being reused."""
    output = RunFiles(output_prefix(execution)).output_folder
    kept = [f"output manifest and report in {output}"] if execution.status == SUCCEEDED else []
    kept_uris = {_marker(execution)}
    model = _trained_model(execution)
    if model is not None and model in found.models:
        kept.append(f"the trained model {model}, with its files")
        kept_uris.update(_artifacts(cloud, model))
    return replace(
        found,
        objects=tuple(
            item for item in found.objects if not item.uri.startswith(output) and item.uri not in kept_uris
        ),
        models=tuple(name for name in found.models if name != model),
        kept=tuple(kept),
    )


def _artifacts(cloud: Cloud, model: str) -> Iterator[str]:
    with explained():
        description = cloud.sagemaker.describe_model(ModelName=model)
    for container in (description.get("PrimaryContainer", {}), *description.get("Containers", ())):
        if "ModelDataUrl" in container:
            yield container["ModelDataUrl"]


def _delete(cloud: Cloud, objects: Sequence[S3Object]) -> None:
    bucket, _ = split_uri(objects[0].uri)
    keys: Any = [{"Key": split_uri(item.uri)[1]} for item in objects]
    with explained():
        answer = cloud.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    if answer.get("Errors"):
        first = answer["Errors"][0]
        raise OperationError(
            f"S3 did not delete {len(answer['Errors'])} of the objects; s3://{bucket}/{first.get('Key')}: "
            f"{first.get('Message') or first.get('Code')}. The others are removed; repeat the command"
        )


def _read_json(cloud: Cloud, uri: str) -> dict[str, Any]:
    bucket, key = split_uri(uri)
    with explained():
        content: dict[str, Any] = json.loads(cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return content

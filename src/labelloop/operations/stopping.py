"""Stops an execution and everything it waits for."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from labelloop.operations.cloud import Cloud, error_code, explained
from labelloop.operations.executions import describe
from labelloop.operations.history import HistoryReader
from labelloop.workflow.execution import Execution, ExecutionEvent

_KINDS = {
    "createTrainingJob": "TrainingJob",
    "createTransformJob": "TransformJob",
    "createLabelingJob": "LabelingJob",
}
_STOPPABLE = {"InProgress", "Initializing"}
_BATCH_STOPPABLE = {"Submitted", "Validating", "Scheduled", "InProgress"}
_OVER = ("TaskSucceeded", "TaskFailed")


@dataclass(frozen=True)
class SageMakerJob:
    """A SageMaker job: `kind` is TrainingJob, TransformJob or LabelingJob."""

    kind: str
    name: str


@dataclass
class Stopped:
    """What was running and has been told to stop."""

    executions: list[str] = field(default_factory=list)
    jobs: list[SageMakerJob] = field(default_factory=list)
    batch_jobs: list[str] = field(default_factory=list)  # names, of a foundation model


def stop(cloud: Cloud, execution: Execution, cause: str) -> Stopped:
    """Stop an execution, the executions it started, and their jobs; what has already ended is left alone.

    Step Functions also tries to stop what an execution waits for, but does not guarantee it. May be repeated.
    """
    stopped = Stopped()
    history = HistoryReader(cloud, execution.arn)
    if execution.running:
        _stop_execution(cloud, execution, cause, stopped)
    events = history.new_events()
    for arn in history.nested:
        nested = describe(cloud, arn)
        if nested.running:
            _stop_execution(cloud, nested, cause, stopped)
    events += history.new_events()
    for job in open_jobs(events):
        if _stop_job(cloud, job):
            stopped.jobs.append(job)
    stopped.batch_jobs += filter(None, (_stop_batch_job(cloud, arn) for arn in batch_jobs(events)))
    return stopped


def batch_jobs(events: Iterable[ExecutionEvent]) -> list[str]:
    """The ARNs of the batch inference jobs in these histories: they go on when nobody waits for them."""
    answers = (
        event.output
        for event in events
        if event.type == "TaskSucceeded" and event.details.get("resourceType") == "aws-sdk:bedrock"
    )
    return list(dict.fromkeys(answer["JobArn"] for answer in answers if "JobArn" in answer))


def open_jobs(events: Iterable[ExecutionEvent]) -> list[SageMakerJob]:
    """The jobs that were started in these histories and did not end in them."""
    by_place = {(event.execution_arn, event.id): event for event in events}
    over = {_beginning(by_place, event) for event in by_place.values() if event.type in _OVER}
    return [
        job
        for place, event in by_place.items()
        if place not in over and (job := _started_job(event)) is not None
    ]


def _beginning(
    events: Mapping[tuple[str, int], ExecutionEvent], event: ExecutionEvent
) -> tuple[str, int] | None:
    """The place of the event with which this task began."""
    current: ExecutionEvent | None = event
    while current is not None and current.type != "TaskScheduled":
        current = events.get((current.execution_arn, current.previous))
    return (current.execution_arn, current.id) if current else None


def _started_job(event: ExecutionEvent) -> SageMakerJob | None:
    if event.type != "TaskScheduled" or event.details.get("resourceType") != "sagemaker":
        return None
    kind = _KINDS.get(str(event.details.get("resource", "")).removesuffix(".sync"))
    if kind is None:
        return None
    return SageMakerJob(kind, json.loads(event.details["parameters"])[f"{kind}Name"])


def _stop_execution(cloud: Cloud, execution: Execution, cause: str, stopped: Stopped) -> None:
    with explained():
        cloud.stepfunctions.stop_execution(executionArn=execution.arn, error="Stopped", cause=cause)
    stopped.executions.append(execution.name)


def _stop_job(cloud: Cloud, job: SageMakerJob) -> bool:
    """Whether the job was still running."""
    with explained():
        try:
            if _status(cloud, job) not in _STOPPABLE:
                return False
            _call(cloud, "stop", job)
        except ClientError as error:
            # It was never created, or has ended in the meantime.
            if error_code(error) in ("ResourceNotFound", "ResourceNotFoundException", "ValidationException"):
                return False
            raise
    return True


def _stop_batch_job(cloud: Cloud, arn: str) -> str | None:
    """Its name, if it was still running."""
    client = cloud.client("bedrock")
    with explained():
        job = client.get_model_invocation_job(jobIdentifier=arn)
        if job["status"] not in _BATCH_STOPPABLE:
            return None
        client.stop_model_invocation_job(jobIdentifier=arn)
    name: str = job["jobName"]
    return name


def _status(cloud: Cloud, job: SageMakerJob) -> str:
    status: str = _call(cloud, "describe", job)[f"{job.kind}Status"]
    return status


def _call(cloud: Cloud, verb: str, job: SageMakerJob) -> Mapping[str, Any]:
    operation = f"{verb}_{job.kind.removesuffix('Job').lower()}_job"
    answer: Mapping[str, Any] = getattr(cloud.sagemaker, operation)(**{f"{job.kind}Name": job.name})
    return answer


def in_words(jobs: Iterable[SageMakerJob]) -> Iterator[str]:
    """Each job in words: `training job x`."""
    return (f"{job.kind.removesuffix('Job').lower()} job {job.name}" for job in jobs)

"""The batch inference jobs of a lineage: their requests to AWS, and how they ended."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.quoting import quoted
from labelloop.model_labels.batch_inference import BatchAnswers, read_answers
from labelloop.storage import s3
from labelloop.workflow.request import FoundationModel
from labelloop.workflow.run_files import FoundationModelFiles
from labelloop.workflow.run_state import BatchJob, RunState

_NUMBER = re.compile(r"/jobs/(\d{3})/(input/requests\.jsonl|ended\.json)")
_LONGEST_PREFIX = 30
_SHOWN = 500
_STOPPED = "Stopped"
# Of a job that cannot be created, whenever it is tried.
_REFUSED = re.compile(r"Validation|AccessDenied|ResourceNotFound")


def job_of(state: RunState, model: FoundationModel, number: int) -> BatchJob:
    """The same request whenever it is asked for: a job that was begun is found by its name."""
    asking = f"{state.first_files.prefix}{'again' if state.asks_model_again else ''}"
    lineage = hashlib.sha256(asking.encode()).hexdigest()[:12]
    name = f"{state.request.labeling_job_name_prefix[:_LONGEST_PREFIX]}-{lineage}-{number:03d}"
    job = state.asked_files.job(number)
    output: dict[str, Any] = {"S3Uri": job.output}
    if key := state.request.output_config.kms_key_id:
        output["S3EncryptionKeyId"] = key
    return BatchJob(
        number=number,
        request={
            "JobName": name,
            "ClientRequestToken": name,
            "ModelId": model.model_id,
            "ModelInvocationType": "Converse",
            "InputDataConfig": {"S3InputDataConfig": {"S3InputFormat": "JSONL", "S3Uri": job.requests}},
            "OutputDataConfig": {"S3OutputDataConfig": output},
            "TimeoutDurationInHours": model.batch_timeout_in_hours,
        },
    )


def jobs_begun(files: FoundationModelFiles) -> list[int]:
    """The numbers of the jobs that have requests."""
    return _numbers(files, "input/requests.jsonl")


def ended_jobs(files: FoundationModelFiles) -> list[int]:
    """The numbers of the jobs of which no more answers will come."""
    return _numbers(files, "ended.json")


def jobs_under_way(state: RunState, model: FoundationModel) -> list[BatchJob]:
    """Those that were begun, by this execution or one before, and have not ended.

    Takes note of the jobs that the state machine has followed to their end. Raises ModelServerError where one
    failed without an answer, was stopped, or could not be created.
    """
    files, faults = state.asked_files, []
    for job in state.foundation_model.jobs if state.foundation_model else ():
        if fault := _end(files, job):
            faults.append(fault)
    if faults:
        raise ModelServerError(faults[0])
    open_jobs = set(jobs_begun(files)) - set(ended_jobs(files))
    return [job_of(state, model, number) for number in sorted(open_jobs)]


def _end(files: FoundationModelFiles, job: BatchJob) -> str | None:
    """Take note of how a job ended; returns what was wrong with it."""
    name, job_files = job.request["JobName"], files.job(job.number)
    if job.error is not None:
        why = quoted(job.cause or job.error, _SHOWN)
        if _REFUSED.search(job.error):
            s3.write_json(job_files.ended, {"Status": "Refused", "Message": why})
        return f"the batch inference job {name} could not be run: {why}"
    status, said = job.status or "", quoted(job.message or "", _SHOWN)
    s3.write_json(job_files.ended, {"Status": status, "Message": said})
    answers = BatchAnswers()
    answered = read_answers(job_files, answers)
    if status == _STOPPED and not job.found:
        return f"the batch inference job {name} was stopped. Its {answered:,} answers are kept"
    if not answered and status != _STOPPED:
        why = said or answers.first_error or "it says no reason"
        return f"the batch inference job {name} ended as {status} without an answer: {why}"
    return None


def _numbers(files: FoundationModelFiles, name: str) -> list[int]:
    found = (_NUMBER.search(uri) for uri in s3.list_uris(files.jobs))
    return sorted(int(match[1]) for match in found if match and match[2] == name)

"""A stand-in for Amazon Bedrock: the Converse operation, and batch inference jobs that read and write S3."""

import json
import random
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from labelloop.local.request_check import check_request
from labelloop.local.s3_objects import split_s3_uri
from labelloop.local.service_error import ServiceError
from labelloop.local.template import ACCOUNT_ID, PARTITION, REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FEWEST_RECORDS = 100
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_NO_TOOLS = "toolConfig is not supported in batch inference"


class FoundationModels(Protocol):
    """The models behind the stand-in."""

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request, in the form of the Converse operation.

        Raises `ServiceError` for what Bedrock would refuse: a model that there is not, no access, throttling.
        """
        ...


class NoFoundationModels:
    """Where nobody has said which models there are."""

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        raise ServiceError(
            "AccessDeniedException",
            f"no foundation model runs on this machine, and {model} is not asked at AWS: name a server with "
            "--model-server, or play a model with --model-skill",
            403,
        )


@dataclass
class _Job:
    request: Mapping[str, Any]
    job_id: str
    submitted: datetime
    status: str = "Submitted"
    message: str | None = None
    began: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def arn(self) -> str:
        return f"arn:{PARTITION}:bedrock:{REGION}:{ACCOUNT_ID}:model-invocation-job/{self.job_id}"

    def description(self) -> dict[str, Any]:
        asked = {
            key: value for key, value in self.request.items() if key not in ("tags", "clientRequestToken")
        }
        told = {"message": self.message} if self.message else {}
        return {
            **asked,
            **told,
            "jobArn": self.arn,
            "status": self.status,
            "submitTime": self.submitted,
            **self.counts,
        }


class Bedrock:
    """Answers the operations of Bedrock that labelloop uses. A job is under way when it is first asked after,
    and has ended the second time.
    """

    def __init__(self, s3: "S3Client", models: FoundationModels) -> None:
        self._s3, self._models = s3, models
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateModelInvocationJob": self._create,
            "GetModelInvocationJob": self._get,
            "ListModelInvocationJobs": self._list,
            "StopModelInvocationJob": self._stop,
        }

    def converse(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raises `ServiceError` like Bedrock."""
        # Which models there are, the models say: their names may be another server's.
        check_request("bedrock-runtime", "Converse", {**request, "modelId": "any.model"})
        fields = {key: value for key, value in request.items() if key != "modelId"}
        return self._models.converse(request["modelId"], fields)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one operation on jobs. Raises `ServiceError` like Bedrock."""
        check_request("bedrock", operation, request)
        answer = self._operations.get(operation)
        if answer is None:
            raise ServiceError(
                "UnknownOperationException", f"the local Bedrock does not know {operation}", 404
            )
        return answer(request)

    # Jobs -------------------------------------------------------------------------------------------------

    def _create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            for job in self._jobs.values():
                if job.request.get("clientRequestToken") == request.get("clientRequestToken") is not None:
                    return {"jobArn": job.arn}
            job_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
            self._jobs[job_id] = job = _Job(dict(request), job_id, datetime.now(UTC))
        return {"jobArn": job.arn}

    def _get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        job = self._find(request["jobIdentifier"])
        with self._lock:
            runs = job.status == "InProgress" and not job.began
            job.began = job.began or runs
            if job.status == "Submitted":
                job.status = "InProgress"
        if runs:
            self._run(job)
        return job.description()

    def _list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        wanted = request.get("nameContains", "")
        found = [job.description() for job in self._jobs.values() if wanted in job.request["jobName"]]
        return {"invocationJobSummaries": found}

    def _stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        job = self._find(request["jobIdentifier"])
        job.stopped.set()
        if job.status in ("Submitted", "InProgress"):
            job.status = "Stopped"
        return {}

    def _find(self, identifier: str) -> _Job:
        job = self._jobs.get(identifier.rpartition("/")[2])
        if job is None:
            raise ServiceError("ResourceNotFoundException", "The specified job was not found.", 404)
        return job

    def _run(self, job: _Job) -> None:
        source = job.request["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
        bucket, key = split_s3_uri(source)
        lines = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
        if len(lines) < _FEWEST_RECORDS:
            job.status = "Failed"
            job.message = f"The number of records, {len(lines)}, is below the minimum of {_FEWEST_RECORDS}."
            return
        records = [json.loads(line) for line in lines]
        try:
            answered = list(self._answered(job, records))
        except ServiceError as error:
            job.status, job.message = "Failed", error.message
            return
        self._write(job, key.rpartition("/")[2], answered)
        wrong = sum("error" in one for one in answered)
        job.counts = {
            "totalRecordCount": len(records),
            "processedRecordCount": len(answered),
            "successRecordCount": len(answered) - wrong,
            "errorRecordCount": wrong,
        }
        job.status = "Stopped" if job.stopped.is_set() else "Completed"

    def _answered(self, job: _Job, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in records:
            if job.stopped.is_set():
                return
            asked = {"recordId": record["recordId"], "modelInput": record["modelInput"]}
            try:
                if "toolConfig" in record["modelInput"]:
                    raise ServiceError("ValidationException", _NO_TOOLS)
                yield {
                    **asked,
                    "modelOutput": self._models.converse(job.request["modelId"], record["modelInput"]),
                }
            except ServiceError as error:
                if error.code in ("AccessDeniedException", "ResourceNotFoundException"):
                    raise
                yield {**asked, "error": {"errorCode": error.status, "errorMessage": error.message}}

    def _write(self, job: _Job, name: str, answered: list[dict[str, Any]]) -> None:
        bucket, folder = split_s3_uri(job.request["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
        # Bedrock promises the order of the input; what reads it does not count on that.
        random.Random(job.job_id).shuffle(answered)  # noqa: S311
        content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in answered)
        self._s3.put_object(Bucket=bucket, Key=f"{folder}{job.job_id}/{name}.out", Body=content.encode())


def runtime_request(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A request to the Converse operation, from botocore's serialized one: the model is in the path."""
    model = unquote(str(parameters["url_path"]).split("/")[2])
    return {**json.loads(parameters["body"] or b"{}"), "modelId": model}


def jobs_request(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A request about jobs, from botocore's: a job is named in the path, a filter in the query."""
    request: dict[str, Any] = {
        **(parameters.get("query_string") or {}),
        **json.loads(parameters["body"] or b"{}"),
    }
    path = unquote(str(parameters["url_path"])).removeprefix("/model-invocation-job/")
    if path != unquote(str(parameters["url_path"])):
        request["jobIdentifier"] = path.removesuffix("/stop")
    return request

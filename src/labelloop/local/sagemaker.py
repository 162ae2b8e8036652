"""A stand-in for SageMaker: models, and training, transform and labeling jobs that really run."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from labelloop.local.job import Job, JobSurroundings
from labelloop.local.labeling_job import Annotators, LabelingJob
from labelloop.local.request_check import check_request
from labelloop.local.s3_objects import split_s3_uri
from labelloop.local.service_error import ServiceError
from labelloop.local.template import ACCOUNT_ID, PARTITION, REGION
from labelloop.local.training_job import TrainingJob
from labelloop.local.transform_job import TransformJob

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MODELS_A_PAGE = 10  # unless MaxResults says otherwise, as in SageMaker
_KINDS = (TrainingJob.kind, TransformJob.kind, LabelingJob.kind)


class SageMaker:
    """Answers the operations of the SageMaker API that labelloop uses."""

    def __init__(self, s3: "S3Client", surroundings: JobSurroundings, annotators: Annotators) -> None:
        self._s3 = s3
        self._surroundings = surroundings
        self._annotators = annotators
        self._jobs: dict[tuple[str, str], Job] = {}
        self._models: dict[str, dict[str, Any]] = {}
        self._made: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._operations = self._make_operations()

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one operation, in the form of the API.

        Raises `ServiceError` like SageMaker: `ValidationException` for a request that its model does not
        allow, `ResourceInUse`, `ResourceNotFound`.
        """
        check_request("sagemaker", operation, request)
        answer = self._operations.get(operation)
        if answer is None:
            raise ServiceError(
                "UnknownOperationException", f"the local SageMaker does not know {operation}", 404
            )
        return answer(request)

    def job(self, operation: str, request: Mapping[str, Any]) -> Job | None:
        """The job that a Create request made; None if it did not make one."""
        kind = operation.removeprefix("Create")
        return self._jobs.get((kind, request.get(f"{kind}Name", "")))

    def close(self, seconds: float) -> None:
        """Stops every job, without the usual grace period, and waits at most `seconds` for them to end."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop(grace_seconds=0.5)
        until = time.monotonic() + seconds
        for job in jobs:
            job.thread.join(max(0.0, until - time.monotonic()))

    def _make_operations(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateTrainingJob": self._create_training_job,
            "CreateTransformJob": self._create_transform_job,
            "CreateLabelingJob": self._create_labeling_job,
            "CreateModel": self._create_model,
            "DescribeModel": self._describe_model,
            "DeleteModel": self._delete_model,
            "ListModels": self._list_models,
        }
        for kind in _KINDS:
            operations[f"Describe{kind}"] = partial(self._describe, kind)
            operations[f"Stop{kind}"] = partial(self._stop, kind)
        return operations

    def _create_training_job(self, request: Mapping[str, Any]) -> dict[str, Any]:
        # Optional in the API's model since there is serverless training, but required for this kind of job.
        for name in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
            if name not in request:
                raise ServiceError("ValidationException", f"1 validation error detected: {name} is required")
        return self._start(TrainingJob(request, self._surroundings))

    def _create_transform_job(self, request: Mapping[str, Any]) -> dict[str, Any]:
        model = self._models.get(request["ModelName"])
        if model is None:
            arn = _arn("model", request["ModelName"])
            raise ServiceError("ValidationException", f'Could not find model "{arn}".')
        return self._start(TransformJob(request, self._surroundings, model))

    def _create_labeling_job(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._start(LabelingJob(request, self._surroundings, self._annotators))

    def _start(self, job: Job) -> dict[str, Any]:
        with self._lock:
            if (job.kind, job.name) in self._jobs:
                raise ServiceError(
                    "ResourceInUse",
                    f"{job.kind} names must be unique within an AWS account and region, and a job with this "
                    f"name already exists ({job.arn})",
                )
            # Nobody may meet a job that has not started: there would be nothing to wait for.
            self._jobs[job.kind, job.name] = job
            job.start()
        return {f"{job.kind}Arn": job.arn}

    def _find(self, kind: str, request: Mapping[str, Any]) -> Job:
        name = request[f"{kind}Name"]
        job = self._jobs.get((kind, name))
        if job is None:
            code = "ResourceNotFound" if kind == LabelingJob.kind else "ValidationException"
            raise ServiceError(code, f"Requested resource not found: there is no {kind} {name!r}.")
        return job

    def _describe(self, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._find(kind, request).description()

    def _stop(self, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self._find(kind, request).stop()
        return {}

    def _create_model(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        if "PrimaryContainer" not in request:
            raise ServiceError(
                "ValidationException", "the local SageMaker runs models with a PrimaryContainer"
            )
        self._check_model_data(request["PrimaryContainer"].get("ModelDataUrl"))
        with self._lock:
            if name in self._models:
                arn = _arn("model", name)
                raise ServiceError("ValidationException", f'Cannot create already existing model "{arn}".')
            self._models[name] = dict(request)
            self._made[name] = datetime.now(UTC)
        return {"ModelArn": _arn("model", name)}

    def _list_models(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """By name, `MaxResults` at a time; the token is the last name of the page before."""
        wanted, after = request.get("NameContains", "").lower(), request.get("NextToken", "")
        names = sorted(name for name in self._models if wanted in name.lower() and name > after)
        page = names[: request.get("MaxResults", _MODELS_A_PAGE)]
        models = [
            {"ModelName": name, "ModelArn": _arn("model", name), "CreationTime": self._made[name]}
            for name in page
        ]
        return {"Models": models, **({"NextToken": page[-1]} if len(page) < len(names) else {})}

    def _check_model_data(self, uri: str | None) -> None:
        if uri is None:
            return
        bucket, key = split_s3_uri(uri)
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.ClientError:
            raise ServiceError("ValidationException", f"Could not find model data at {uri}.") from None

    def _describe_model(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        if name not in self._models:
            raise ServiceError("ValidationException", f'Could not find model "{_arn("model", name)}".')
        return {**self._models[name], "ModelArn": _arn("model", name)}

    def _delete_model(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._describe_model(request)
        del self._models[request["ModelName"]]
        return {}


def _arn(kind: str, name: str) -> str:
    return f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT_ID}:{kind}/{name.lower()}"
